"""Results as matplotlib figures. Nothing is shown or saved."""

from pidnet.plots.drawing import (
    STYLES,
    cluster_units,
    plot_atoms,
    plot_graph,
    plot_map,
    plot_profile,
    plot_training,
)

__all__ = ["STYLES", "cluster_units", "plot_atoms", "plot_graph", "plot_map", "plot_profile", "plot_training"]
