import copy

import torch

import pidnet as pn
from pidnet.pruning.budget import Budget
from pidnet.pruning.draft import at_once, from_the_back
from pidnet.pruning.local_channel import obs
from pidnet.pruning.planning import gather


def test_from_the_back_serves_what_is_still_read():
    """Half of the second layer is read with weight 0 and goes; then what only that half read goes too."""
    torch.manual_seed(0)
    model = pn.zoo.mlp(6, (8, 8), 3).eval()
    with torch.no_grad():
        model.fc1.bias += 1
        model.fc2.bias += 1
        model.head.weight[:, 4:] = 0
        # Units 0 to 3 of fc1 speak loudly, but only to the half that nobody reads.
        model.fc2.weight[:4, :4] = 0
        model.fc2.weight[4:, :4] *= 10
    x = torch.randn(400, 6)
    evidence = gather(model, (x, torch.zeros(400, dtype=torch.int64)))
    budget = Budget.of(evidence, {"keep": 0.5}, 1)
    assert from_the_back(evidence, obs, budget).keep == {"fc1": [4, 5, 6, 7], "fc2": [0, 1, 2, 3]}
    assert at_once(evidence, obs, budget).keep["fc1"] != [4, 5, 6, 7]


def test_rounds_end_at_the_same_widths(mlp, calibration):
    evidence = gather(mlp, calibration)
    budget = Budget.of(evidence, {"keep": 0.25}, 1)
    before = copy.deepcopy(evidence.model.state_dict())
    draft = from_the_back(evidence, obs, budget, rounds=3)
    assert {name: len(units) for name, units in draft.keep.items()} == {"fc1": 12, "fc2": 8}
    for name, units in draft.keep.items():
        gone = [unit.index for unit in draft.gone[name]]
        assert sorted(gone + units) == list(range(evidence.prunable[name].units))
    assert all(torch.equal(value, before[name]) for name, value in evidence.model.state_dict().items())
