"""What cannot be drawn is refused in one sentence that names what can."""

import pytest

from pidnet import plots

ONE = {
    plots.plot_map: "LayerMap",
    plots.plot_profile: "Profile",
    plots.plot_training: "Recorder",
    plots.plot_sensitivity: "Sensitivity",
    plots.plot_plan: "PruningPlan",
    plots.plot_loss_curves: "PruningPlan",
    plots.plot_narrowing: "Narrowed",
    plots.plot_history: "History",
    plots.plot_unexplained: "Foldable",
    plots.plot_collapse: "Collapse",
    plots.plot_graph: "redundancy_graph",
    plots.plot_replacements: "replacement_graph",
}
SEVERAL = {plots.plot_maps: "LayerMap", plots.plot_plane: "Plane", plots.plot_atoms: "Atoms"}


@pytest.mark.parametrize("plot", [*ONE, *SEVERAL])
@pytest.mark.parametrize(
    "value", [None, 3, "junk", [None], {"a": 1}, [], object()], ids=lambda value: type(value).__name__
)
def test_what_cannot_be_drawn_is_one_sentence(plot, value):
    with pytest.raises((TypeError, ValueError), match={**ONE, **SEVERAL}[plot]) as caught:
        plot(value)
    assert "expected" in str(caught.value)


def test_every_public_plot_is_held():
    assert {name for name in plots.__all__ if name.startswith("plot_")} == {
        plot.__name__ for plot in {**ONE, **SEVERAL}
    }


def test_axes_that_are_none_are_refused():
    with pytest.raises(TypeError, match="ax is a str; expected axes of matplotlib"):
        plots.plot_atoms({"a": _Atoms()}, "junk")


class _Atoms:
    redundancy = unique1 = unique2 = synergy = property(lambda self: __import__("numpy").ones(2))
