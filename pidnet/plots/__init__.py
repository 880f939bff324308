"""Results as matplotlib figures. Nothing is shown or saved.

Each function draws whatever has the attributes it names, so that this room stands below the results and they
can offer ``plot``. ``ax`` are axes to draw in, for pictures of several parts; without it a new figure is
made. All return the figure. matplotlib is imported when something is drawn.
"""

from pidnet.plots.atoms import plot_atoms
from pidnet.plots.collapse import plot_collapse
from pidnet.plots.curves import plot_loss_curves
from pidnet.plots.graphs import place_units, plot_graph, plot_replacements
from pidnet.plots.histories import plot_history, plot_unexplained
from pidnet.plots.maps import plot_map, plot_maps
from pidnet.plots.narrowing import plot_narrowing
from pidnet.plots.planes import plot_plane
from pidnet.plots.plans import plot_plan
from pidnet.plots.profiles import plot_profile, plot_sensitivity, plot_training
from pidnet.plots.styles import ATOM_COLORS, STYLES

__all__ = [
    "ATOM_COLORS",
    "STYLES",
    "place_units",
    "plot_atoms",
    "plot_collapse",
    "plot_graph",
    "plot_history",
    "plot_loss_curves",
    "plot_map",
    "plot_maps",
    "plot_narrowing",
    "plot_plan",
    "plot_plane",
    "plot_profile",
    "plot_replacements",
    "plot_sensitivity",
    "plot_training",
    "plot_unexplained",
]
