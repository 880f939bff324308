import pytest
import torch

import pidnet as pn
from pidnet.energy import count, modelled_energy
from pidnet.energy.modelled import total
from tests.pruning.families import make


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    model = pn.zoo.conv(1, (8, 12, 16), 5).eval()
    return model, (torch.randn(80, 1, 8, 8), torch.randint(0, 5, (80,)))


def joules(model, x):
    return total(modelled_energy(count(model, x[:1]))).sram


@pytest.mark.parametrize("allocation", ["uniform", "global"])
@pytest.mark.parametrize("resource", ["macs", "energy"])
def test_a_budget_is_met_and_used(net, resource, allocation):
    model, calibration = net
    plan = pn.plan_pruning(model, calibration, criterion=single, allocation=allocation, **{resource: 0.4})
    small = pn.apply_plan(model, plan, calibration, "none")
    x = calibration[0]
    if resource == "macs":
        share = count(small, x[:1]).macs / count(model, x[:1]).macs
    else:
        share = joules(small, x) / joules(model, x)
    assert 0.28 < share <= 0.4


def single(statistics, layer):
    """The closed form alone, without the search over proposals."""
    from pidnet.pruning.criteria.pid import pid

    return pid(statistics, layer)


def test_a_global_budget_takes_from_the_layer_whose_units_cost_nothing(net):
    model, calibration = net
    with torch.no_grad():
        copied = torch.nn.Sequential(*model).requires_grad_(True)
        weight = copied[3].weight
        weight[2:8] = weight[:1]
        for name in ("weight", "bias", "running_mean", "running_var"):
            values = getattr(copied[4], name)
            values[2:8] = values[:1]
    plan = pn.plan_pruning(copied, calibration, 0.75, single, allocation="global")
    gone = {name: len(rows) for name, rows in plan.removed.items()}
    assert sum(gone.values()) == 9
    assert gone["3"] >= 6
    assert {row.unit for row in plan.removed["3"][:6]} < {0, *range(2, 8)}


@pytest.fixture(scope="module")
def copies():
    """An MLP whose last hidden layer holds eight copies of one unit."""
    torch.manual_seed(0)
    model = pn.zoo.mlp(40, (8, 8), 4).eval()
    with torch.no_grad():
        model.fc1.bias += 1
        model.fc2.weight[1:], model.fc2.bias[:] = model.fc2.weight[0].clone(), 1.0
    return model, (torch.randn(100, 40), torch.randint(0, 4, (100,)))


def test_no_layer_falls_below_half_of_its_uniform_width(copies):
    plan = pn.plan_pruning(*copies, 0.5, single, allocation="global")
    assert {name: len(units) for name, units in plan.kept.items()} == {"fc1": 6, "fc2": 2}


def test_bits_are_spent_where_they_save_most():
    """A unit of fc1 saves five times the MACs of one of fc2, so a budget of MACs spares fc2."""
    torch.manual_seed(0)
    model = pn.zoo.mlp(60, (8, 8), 4).eval()
    with torch.no_grad():
        model.fc1.bias += 1
        model.fc2.bias += 1
    calibration = torch.randn(200, 60), torch.randint(0, 4, (200,))
    kept = {
        resource: pn.plan_pruning(
            model, calibration, criterion=single, allocation="global", **{resource: 0.6}
        ).kept
        for resource in ("keep", "macs")
    }
    assert len(kept["macs"]["fc2"]) > len(kept["keep"]["fc2"])


def test_widths_are_multiples(net):
    model, calibration = net
    for allocation in ("uniform", "global"):
        plan = pn.plan_pruning(model, calibration, 0.6, single, round_to=4, allocation=allocation)
        assert {len(units) % 4 for units in plan.kept.values()} == {0}


def test_layers_of_a_recurrent_module_shrink_together():
    model, calibration = make("lstm")
    plan = pn.plan_pruning(model, calibration, criterion=single, macs=0.5, allocation="global")
    assert len({len(units) for units in plan.kept.values()}) == 1
    pn.apply_plan(model, plan, calibration)


def test_bad_input(net):
    model, calibration = net
    for options, message in (
        ({"energy": 1e-6}, "energy=1e-06 leaves less than one unit per layer; one unit per layer needs"),
        ({"keep": True}, "keep=True; expected a number"),
        ({"keep": 0.5, "round_to": 0}, "round_to=0; expected at least 1"),
        ({"keep": 0.5, "allocation": "greedy"}, "allocation='greedy'; expected one of uniform, global"),
        ({"keep": 0.5, "allocation": "global", "criterion": "l2"}, "compares layers in bits"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            pn.plan_pruning(model, calibration, **options)
