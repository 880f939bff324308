"""One unit in words, against planted truth."""

import re

import pytest
import torch

import pidnet as pn
from pidnet.report import explain_unit
from pidnet.runs import carry_out, read_run, write_maps, write_pruned, write_settings
from tests.small_run import EVIL


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Units 0 and 1 are copies of one bit of the label, 2 is its other bit, 3 and 4 make a third by XOR, 5 is
    constant."""
    bits = torch.randint(2, (800, 4), generator=torch.Generator().manual_seed(0))
    units = torch.stack([bits[:, 0], bits[:, 0], bits[:, 1], bits[:, 2], bits[:, 3], 0 * bits[:, 0]], 1)
    label = bits[:, 0] + 2 * bits[:, 1] + 4 * (bits[:, 2] ^ bits[:, 3])
    acts = pn.Activations({"fc1": units.float()}, label, {"fc1": "none"})
    folder = tmp_path_factory.mktemp("planted")
    write_settings(folder, "map", {"seed": 0})
    write_maps(folder, list(pn.layer_maps(pn.quantize(acts, 2), "i_broja").values()))
    return read_run(folder)


def test_a_copy_is_redundant_with_its_twin_which_could_replace_it(planted):
    first, redundant, replaced, _ = explain_unit(planted, "fc1", 0)
    assert re.match(r"Unit 0 of layer fc1 carries (0\.9|1\.0)", first)
    assert re.search(r"most redundant with unit 1 \((0\.9|1\.0)\d* bits\)", redundant)
    assert replaced == "Unit 1 carries all of that up to 0.01 bits: it could replace unit 0."


def test_a_bit_of_its_own_cannot_be_replaced(planted):
    assert "No single unit carries all of that" in " ".join(explain_unit(planted, "fc1", 2))


def test_half_of_an_xor_is_synergistic_with_the_other_half(planted):
    *_, alone, synergistic = explain_unit(planted, "fc1", 3)
    assert alone.startswith("Alone it carries no more than 0.01 bits")
    assert re.search(r"most synergistic with unit 4 \((0\.9|1\.0)\d* bits\); noise floor", synergistic)


def test_a_constant_unit_has_no_pairs(planted):
    (only,) = explain_unit(planted, "fc1", 5)
    assert "constant" in only


def test_each_budget_tells_the_fate_of_the_unit(run_folder):
    run = read_run(run_folder)
    for budget in run.budgets:
        for unit in range(8):
            (fate,) = [s for s in explain_unit(run, EVIL, unit) if s.startswith(f"Budget {budget.name}")]
            assert ("stays" in fate) == (unit in budget.plan.kept[EVIL])
            assert bool(re.search(r"takes? over( most)?\.$", fate)) == ("goes" in fate)


def test_a_unit_that_stays_names_those_it_takes_over_for(run_folder):
    run = read_run(run_folder)
    shares = {one.unit: dict(one.substitutes) for one in run.budgets[0].plan.removed[EVIL]}
    for unit in run.budgets[0].plan.kept[EVIL]:
        fate = next(s for s in explain_unit(run, EVIL, unit) if s.startswith("Budget"))
        named = {int(other): int(share) for other, share in re.findall(r"unit (\d+) \((\d+)%\)", fate)}
        mine = {other: round(100 * of[unit]) for other, of in shares.items() if of.get(unit, 0) > 0}
        assert named.items() <= mine.items()
        assert len(named) == min(3, len(mine))
        assert bool(mine) != ("the main substitute of no unit that goes" in fate)


def test_what_was_removed_by_hand_is_said(tmp_path):
    net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    data = torch.randn(60, 4, generator=torch.Generator().manual_seed(0)), torch.arange(60) % 2
    plan = pn.PruningPlan({"0": [0, 1]}, {}, "by hand", settings={"budget": {"keep": 0.6}}, units={"0": 3})
    write_settings(tmp_path, "prune", {})
    write_pruned(tmp_path, [carry_out(net, plan, data, repair="none")], data[0])
    assert explain_unit(read_run(tmp_path), "0", 2)[-1].endswith("goes; it was removed by hand.")


@pytest.mark.parametrize(
    ("layer", "unit", "words"),
    [("fc9", 0, "no layer 'fc9'.*it holds 'fc1'"), ("fc1", 6, "units 0 to 5"), ("fc1", -1, "units 0 to 5")],
)
def test_bad_input(planted, layer, unit, words):
    with pytest.raises(ValueError, match=words):
        explain_unit(planted, layer, unit)
