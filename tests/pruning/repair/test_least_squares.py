import pytest
import torch
from torch import nn

import pidnet as pn
from pidnet.networks.inputs import interleaved
from pidnet.pruning.repair import _moments as sums
from pidnet.pruning.repair._moments import Moments, Rows
from pidnet.pruning.repair.least_squares import _collect
from pidnet.pruning.repair.walk import Walk
from pidnet.pruning.structure.discovery import discover


@torch.no_grad()
def error(small, model, x):
    """Mean squared error of the hidden pre-activations behind the cut layer."""
    return float(((small[2](small[:2](x)) - model[2](model[:2](x))) ** 2).mean().detach())


def test_moments_give_the_squared_error():
    generator = torch.Generator().manual_seed(0)
    x, y, w = (torch.randn(shape, generator=generator).double() for shape in ((20, 3), (20, 2), (4, 2)))
    moments = Moments.of(x[:12], y[:12]) + Moments.of(x[12:], y[12:])
    expected = float(((x @ w[:3] + w[3] - y) ** 2).sum())
    assert abs(moments.error(w) - expected) < 1e-10


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("rows", [5, 40])
def test_rows_and_their_sums_have_the_same_solution(rows, biased):
    generator = torch.Generator().manual_seed(0)
    x, y, prior = (
        torch.randn(shape, generator=generator).double() for shape in ((rows, 9), (rows, 2), (10, 2))
    )
    prior[-1] *= biased
    parts = Moments.of(x, y + 3), Rows(x[:3], y[:3] + 3) + Rows(x[3:], y[3:] + 3)
    primal, dual = (part.solve(prior, 1e-2, biased) for part in parts)
    torch.testing.assert_close(dual, primal, atol=1e-9, rtol=1e-9)
    assert abs(parts[0].error(primal) - parts[1].error(primal)) < 1e-9


@torch.no_grad()
def test_many_features_are_fitted_from_a_limited_number_of_rows(monkeypatch):
    torch.manual_seed(0)
    layers = nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(216, 3)
    model, x = nn.Sequential(*layers).eval(), torch.randn(80, 1, 10, 10)
    plan = pn.PruningPlan({"0": [0, 2, 3, 5], "2": [1, 2, 4]}, {}, "own")
    errors = {}
    for most in (4096, 20):
        monkeypatch.setattr(sums, "MOST_FEATURES", most)
        monkeypatch.setattr(sums, "MOST_ROWS", 10 * most)
        for repair in ("none", "refit"):
            small = pn.apply_plan(model, plan, (x, x), repair, batchnorm=False)
            errors[most, repair] = float(((small(x) - model(x)) ** 2).mean())
    assert errors[20, "refit"] < 0.5 * errors[20, "none"]
    assert errors[20, "refit"] < 1.5 * errors[4096, "refit"]


@torch.no_grad()
def test_fold_is_the_least_squares_solution():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3)).eval()
    x = torch.randn(2000, 6)
    plan = pn.PruningPlan({"0": [0, 2, 3, 5]}, {}, "own")
    small = pn.apply_plan(model, plan, (x, x), repair="fold")
    hidden = torch.cat([model[:2](x)[:, plan.kept["0"]], torch.ones(2000, 1)], 1).double()
    best = hidden @ torch.linalg.lstsq(hidden, model(x).double()).solution
    assert error(small, model, x) < 1.001 * float(((best - model(x)) ** 2).mean())


@torch.no_grad()
def test_refit_sees_what_was_cut_upstream():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 10), nn.Tanh(), nn.Linear(10, 10), nn.Tanh(), nn.Linear(10, 3)).eval()
    x = torch.randn(1000, 6)
    plan = pn.PruningPlan({"0": list(range(4)), "2": list(range(6))}, {}, "own")
    errors = {
        repair: float(((pn.apply_plan(model, plan, (x, x), repair=repair)(x) - model(x)) ** 2).mean())
        for repair in ("none", "fold", "refit")
    }
    assert errors["refit"] < 0.98 * errors["fold"] < errors["none"]


def test_few_samples_still_give_a_finite_answer():
    torch.manual_seed(0)
    model = pn.zoo.mlp(20, (30,), 3).eval()
    x = torch.randn(12, 20)
    small = pn.apply_plan(model, pn.PruningPlan({"fc1": list(range(25))}, {}, "own"), (x, x))
    assert small(torch.randn(50, 20)).isfinite().all()


def test_every_row_is_counted_once_and_a_fifth_is_held_out_whatever_the_order():
    torch.manual_seed(0)
    model = pn.zoo.mlp(5, (4,), 2).eval()
    x = torch.arange(1000.0)[:, None].expand(1000, 5)
    network = discover(model, x)
    walk = Walk.of(network, network.without({}), {"fc1": [0]}, x)
    inputs = walk.dense.batches
    fit, held = _collect(walk.layer("head"), lambda number: [Moments.of(inputs[number], inputs[number])])
    assert float((fit + held).gram[-1, -1]) == 1000
    assert float(held.gram[-1, -1]) == 200
    spread = [batch[:, 0] for batch in interleaved(x)]
    assert sorted(torch.cat(spread).tolist()) == x[:, 0].tolist()
    assert all(abs(float(batch.mean()) - 499.5) < 10 for batch in spread)


@pytest.mark.parametrize("samples", [2, 3, 7])
def test_a_handful_of_samples_can_be_repaired(samples):
    torch.manual_seed(0)
    model = pn.zoo.mlp(5, (6,), 2).eval()
    x = torch.randn(samples, 5)
    small = pn.apply_plan(model, pn.PruningPlan({"fc1": [0, 1, 2]}, {}, "own"), (x, x))
    assert small(x).isfinite().all()


@torch.no_grad()
def test_a_recurrent_layer_is_refitted_to_the_inputs_it_makes_after_the_fold():
    """Half of an LSTM's units are copies of the other half: the fold is exact, and the refit must leave it so."""
    torch.manual_seed(0)
    model = pn.zoo.lstm(4, 12, 3).eval()
    rnn = next(m for m in model.modules() if isinstance(m, nn.LSTM))
    for values in (rnn.weight_ih_l0, rnn.weight_hh_l0, rnn.bias_ih_l0, rnn.bias_hh_l0):
        gates = values.view(4, 12, -1)
        gates[:, 6:] = gates[:, :6]
    x = torch.randn(300, 7, 4)
    name = next(iter(pn.plan_pruning(model, (x, torch.zeros(300).long()), 0.5, "l2").kept))
    plan = pn.PruningPlan({name: list(range(6))}, {}, "own")
    for repair in ("fold", "refit"):
        small = pn.apply_plan(model, plan, (x, x), repair)
        torch.testing.assert_close(small(x), model(x), atol=1e-4, rtol=0)


@torch.no_grad()
def test_layers_behind_the_cut_are_fitted_to_what_now_reaches_them():
    """Only the first layer is cut; the last one lost nothing, but is refitted all the same."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 12), nn.Tanh(), nn.Linear(12, 12), nn.Tanh(), nn.Linear(12, 3)).eval()
    x = torch.randn(1000, 6)
    plan = pn.PruningPlan({"0": [0, 1, 2]}, {}, "own")
    fold, refit = (pn.apply_plan(model, plan, (x, x), repair) for repair in ("fold", "refit"))
    torch.testing.assert_close(fold[4].weight, model[4].weight, atol=0, rtol=0)
    inputs = torch.cat([refit[:4](x), torch.ones(1000, 1)], 1).double()
    best = inputs @ torch.linalg.lstsq(inputs, model(x).double()).solution
    least = float(((best - model(x)) ** 2).mean())
    assert float(((refit(x) - model(x)) ** 2).mean()) < 1.001 * least
    assert float(((fold(x) - model(x)) ** 2).mean()) > 1.02 * least


@torch.no_grad()
def test_a_layer_behind_the_cut_that_shares_its_weights_stays_as_it_is():
    torch.manual_seed(0)

    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.wide, self.narrow = nn.Linear(4, 5), nn.Linear(5, 12), nn.Linear(12, 4)
            self.again, self.head = nn.Linear(4, 5), nn.Linear(5, 3)
            self.again.weight = self.embed.weight

        def forward(self, x):
            return self.head(self.again(self.narrow(self.wide(self.embed(x)).tanh()).tanh()).tanh())

    model = Tied().eval()
    model.narrow.weight *= 5
    x = torch.randn(500, 4)
    small = pn.apply_plan(model, pn.PruningPlan({"wide": [0, 1]}, {}, "own"), (x, x))
    assert small.again.weight is small.embed.weight
    torch.testing.assert_close(small.embed.weight, model.embed.weight, atol=0, rtol=0)
    assert not torch.equal(small.head.weight, model.head.weight)


@torch.no_grad()
@pytest.mark.parametrize("repair", ["fold", "refit"])
def test_units_that_fire_on_no_sample_held_out_are_taken_over_all_the_same(repair):
    model = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 3)).eval()
    model[0].weight.fill_(1.0)
    model[0].bias.zero_()
    x = -torch.ones(20, 1)
    x[:3] = torch.arange(1.0, 4)[:, None]  # twins that fire on three samples, of which none is held out
    plan = pn.PruningPlan({"0": [0]}, {}, "own")
    small = pn.apply_plan(model, plan, (x, torch.arange(20) % 2), repair=repair)
    torch.testing.assert_close(small(x), model(x), rtol=1e-3, atol=1e-3)


@torch.no_grad()
def test_a_block_that_runs_twice_is_folded_before_it_is_refitted():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.stem, self.up, self.down = nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 4)
            self.out = nn.Linear(4, 3)

        def forward(self, x):
            h = self.stem(x)
            for _ in range(2):
                h = h + self.down(torch.tanh(self.up(h)))
            return self.out(h)

    model, x = Twice().eval(), torch.randn(400, 3, generator=torch.Generator().manual_seed(0))
    for layer in (model.stem, model.up, model.down):
        layer.weight[0], layer.bias[0] = layer.weight[1], layer.bias[1]
    plan = pn.PruningPlan({"stem": [1, 2, 3], "up": [1, 2, 3]}, {}, "own")
    small = pn.apply_plan(model, plan, (x, torch.arange(400) % 3), repair="refit")
    torch.testing.assert_close(small(x), model(x), rtol=1e-4, atol=1e-4)
