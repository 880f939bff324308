import io

import pytest

import pidnet as pn
from pidnet.plots import plot_plan


def planned(**units):
    return pn.PruningPlan({layer: [0, 1] for layer in units}, {}, "l2", units=units)


def test_bars_show_the_units_kept_before_those_there_were():
    figure = planned(fc1=4, fc2=8).plot()
    (ax,) = figure.axes
    before, kept = ([bar.get_width() for bar in bars] for bars in ax.containers)
    assert (before, kept) == ([4, 8], [2, 2])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["fc1", "fc2"]
    assert ax.yaxis_inverted()
    figure.savefig(io.BytesIO(), format="png")


def test_a_plan_is_drawn_in_given_axes():
    (ax,) = planned(fc1=4).plot().axes
    ax.clear()
    assert planned(fc1=4).plot(ax) is ax.get_figure()


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (pn.PruningPlan({}, {}, "l2"), "the plan has no layers"),
        (pn.PruningPlan({"fc1": [0]}, {}, "l2"), "no width before pruning for fc1"),
    ],
)
def test_a_plan_that_cannot_be_drawn_is_refused(plan, message):
    with pytest.raises(ValueError, match=message):
        plot_plan(plan)
