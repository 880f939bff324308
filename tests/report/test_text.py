from dataclasses import replace

import pytest

from pidnet.pruning import RemovedUnit
from pidnet.report import _text as text
from pidnet.runs import read_run


@pytest.mark.parametrize(
    ("removal", "cost", "substitutes"),
    [
        (
            RemovedUnit(2, 0.00125, "bits", ((3, 0.75), (0, 0.25)), redundancy=0.5),
            "costs 0.00125 bits, given the ones before it; 0.5 more are carried by others too",
            "unit 3 (75%) and unit 0 (25%) take over most",
        ),
        (
            RemovedUnit(2, 2e-9, "bits", (), redundancy=1e-23),
            "costs less than 1e-6 bits, given the ones before it; less than 1e-6 more are carried by others too",
            "nobody takes over",
        ),
        (
            RemovedUnit(1, 3.5, "score", ((0, 1.0),)),
            "costs 3.5 on the criterion's own scale",
            "unit 0 (100%) takes over most",
        ),
        (
            RemovedUnit(4, 0.0, "bits", ((0, 0.0),)),
            "costs 0 bits, given the ones before it",
            "nobody takes over",
        ),
    ],
)
def test_why_a_unit_goes(removal, cost, substitutes):
    assert (text.cost(removal), text.substitutes(removal)) == (cost, substitutes)


@pytest.mark.parametrize(("said", "expected"), [("a", "a"), ("ab", "a and b"), ("abc", "a, b and c")])
def test_enumeration(said, expected):
    assert text.enumeration(said) == expected


def test_the_summary_names_the_layer_with_most_and_every_budget(run_folder):
    run = read_run(run_folder)
    first, second, half, quarter, *notes = text.summary(run)
    most = max(run.maps[:2], key=lambda layer_map: layer_map.summary()["redundancy"])
    bits, chance = most.summary()["redundancy"], most.noise_floor["redundancy"]
    start = "By i_min on 300 samples, the mean pair of units has"
    part = f"{bits:.3f} bits of redundancy (chance: {chance:.3f})"
    assert first.startswith(f"{start} most of both in {most.layer}: {part} and ")
    other = next(layer_map for layer_map in run.maps[:2] if layer_map is not most)
    synergistic = replace(other, atoms=replace(other.atoms, synergy=other.atoms.synergy + 1))
    apart, *_ = text.summary(replace(run, maps=[most, synergistic]))
    assert apart.startswith(f"{start} {part} in {most.layer}, the layer with most of it and ")
    assert apart.endswith(f" in {other.layer}, the layer with most of it.")
    assert second.startswith("By i_mmi")
    report = run.budgets[0].report
    assert half.startswith("Pruned by l1 to 7 of 14 units")
    assert f"{report.macs[1] / report.macs[0]:.0%} of the MACs" in half
    assert f"accuracy goes from {report.accuracy[0]:.1%} to {report.accuracy[1]:.1%}" in half
    assert "to 4 of 14 units" in quarter
    assert notes == list(dict.fromkeys(note for layer_map in run.maps for note in layer_map.notes))


def test_one_layer_and_no_accuracy(run_folder):
    run = read_run(run_folder)
    budget = replace(run.budgets[0], report=replace(run.budgets[0].report, accuracy=None))
    first, last, *_ = text.summary(replace(run, maps=[run.maps[1]], budgets=[budget]))
    assert "the mean pair of units of fc2 has" in first
    assert last.endswith("its accuracy was not measured.")


def with_accuracies(run, accuracies, guessing=0.1, tested=1000):
    """The run with other accuracies: (before, after) of each budget."""
    budgets = [
        replace(one, report=replace(one.report, accuracy=pair, guessing=guessing, tested=tested))
        for one, pair in zip(run.budgets, accuracies, strict=True)
    ]
    return replace(run, budgets=budgets)


def test_the_conclusion_is_the_smallest_network_that_does_as_well(run_folder):
    run = with_accuracies(read_run(run_folder), [(0.965, 0.966), (0.965, 0.963)])
    how_far, how_redundant = text.conclusion(run)
    assert how_far == (
        "With 29% of its units the network does as well as with all: 96.3% against 96.5% on the test data."
    )
    first = max(run.maps[:2], key=lambda one: one.atoms.redundancy.mean() / one.atoms.total.mean())
    share = first.atoms.redundancy.mean() / first.atoms.total.mean()
    assert how_redundant.startswith(f"In layer {first.layer}, {share:.0%} of what two units carry")


def test_where_every_cut_costs_the_conclusion_says_what(run_folder):
    run = with_accuracies(read_run(run_folder), [(0.965, 0.95), (0.965, 0.5)])
    assert text.conclusion(run)[0] == (
        "Every cut that was tried costs accuracy; with 50% of the units it is 95.0% against 96.5% on the test data."
    )


@pytest.mark.parametrize(
    ("before", "after", "guessing", "start", "end"),
    [
        # 1,000 test samples: .1 + 2 standard errors is .119
        (
            0.118,
            0.118,
            0.1,
            "The network has learned nothing that the test data show: it is right in 11.8% of",
            "",
        ),
        (0.09, 0.12, 0.1, "The network has learned nothing", "train it first."),
        (0.96, 0.96, 0.95, "The network has learned nothing", "train it first."),
        (0.13, 0.128, 0.1, "With 29% of its units the network does as well", "label is right in 10.0%."),
        (0.13, 0.126, 0.1, "Every cut that was tried costs accuracy", "label is right in 10.0%."),
        (0.98, 0.976, 0.95, "Every cut that was tried costs accuracy", "label is right in 95.0%."),
        (0.965, 0.961, 0.1, "With 29% of its units the network does as well", "96.5% on the test data."),
        (0.12, 0.12, None, "With 29% of its units the network does as well", "12.0% on the test data."),
    ],
)
def test_doing_as_well_is_said_only_of_a_network_that_has_learned(
    run_folder, before, after, guessing, start, end
):
    run = with_accuracies(read_run(run_folder), [(before, 0.0), (before, after)], guessing)
    sentence = text.conclusion(run)[0]
    assert sentence.startswith(start)
    assert sentence.endswith(end)


def test_outputs_that_are_numbers_have_no_accuracy_and_the_page_says_so(run_folder):
    run = with_accuracies(read_run(run_folder), [None, None])
    budgets = [replace(one, plan=replace(one.plan, settings={"output": "gaussian"})) for one in run.budgets]
    run = replace(run, budgets=budgets)
    assert text.conclusion(run)[0].startswith(
        "Whether a smaller network does as well was not measured: the outputs"
    )
    assert "; its outputs are numbers and have no accuracy." in text.summary(run)[2]


def test_layers_that_carry_no_more_than_chance_have_no_share_of_redundancy(run_folder):
    run = read_run(run_folder)
    floors = dict.fromkeys(("redundancy", "unique1", "unique2", "synergy"), 9.0)
    maps = [replace(one, noise_floor=floors) if one.layer != "fc2" else one for one in run.maps[:2]]
    assert text.conclusion(replace(run, maps=maps))[1].startswith("In layer fc2, ")
    maps = [replace(one, noise_floor=floors) for one in run.maps[:2]]
    assert text.conclusion(replace(run, maps=maps))[1].startswith("In no layer does the mean pair")


def test_nothing_measured_has_no_conclusion_about_cuts(run_folder):
    run = with_accuracies(read_run(run_folder), [None, None])
    assert len(text.conclusion(run)) == 1
    assert text.conclusion(replace(run, maps=[])) == []
