import numpy as np
import pytest
import torch
from torch import nn

import pidnet as pn
from pidnet.pruning.plans.planning import gather

NAMES = {
    *("pid", "graph_i_min", "graph_i_broja", "graph_i_ccs", "graph_gaussian", "random", "l1", "l2", "obs"),
    *("bn_scale", "taylor", "fpgm", "chip", "mrmr", "correlation", "pivoted_qr"),
}


@pytest.fixture(scope="module")
def statistics():
    """A convolution of 5 channels with BatchNorm; channel 3 is a copy of channel 1."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.Conv2d(5, 4, 3), nn.Flatten(), nn.Linear(16, 3)
    ).eval()
    x = torch.randn(300, 1, 6, 6)
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([0.1, 1.0, 0.8, 1.0, 1.2]))
        model[0].weight[3], model[0].bias[3] = model[0].weight[1], model[0].bias[1]
    y = (x.mean((1, 2, 3)) * 20).round().long().clamp(-1, 1) + 1
    return gather(model, (x, y))


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_criterion_ranks_all_units(statistics, name):
    ranking = pn.CRITERIA[name](statistics, "0")
    assert sorted(ranking.order.tolist()) == [0, 1, 2, 3, 4]
    assert len(ranking.cost) == 5
    assert np.isfinite(ranking.cost).all()


def test_the_table_has_all_names():
    assert set(pn.CRITERIA) == NAMES


@pytest.mark.parametrize("name", ["pid", "obs", "correlation", "pivoted_qr", "fpgm"])
def test_one_of_two_copies_goes_early(statistics, name):
    order = pn.CRITERIA[name](statistics, "0").order.tolist()
    assert min(order.index(1), order.index(3)) <= 1


def test_bn_scale_is_the_scale(statistics):
    ranking = pn.CRITERIA["bn_scale"](statistics, "0")
    np.testing.assert_allclose(ranking.cost[ranking.order], [0.1, 0.8, 1.0, 1.0, 1.2], rtol=1e-6)
    assert ranking.order.tolist() == [0, 2, 1, 3, 4]


def test_norms_of_incoming_weights(statistics):
    weights = statistics.weights("0")
    for name, norm in (("l1", 1), ("l2", 2)):
        expected = np.linalg.norm(weights, norm, axis=1)
        ranking = pn.CRITERIA[name](statistics, "0")
        np.testing.assert_allclose(ranking.cost, expected)
        assert ranking.order[0] == expected.argmin()


def test_fpgm_is_the_sum_of_distances(statistics):
    weights = statistics.weights("0")
    expected = np.linalg.norm(weights[:, None] - weights, axis=2).sum(1)
    np.testing.assert_allclose(pn.CRITERIA["fpgm"](statistics, "0").cost, expected, atol=1e-6)


def test_taylor_is_the_slope_of_the_loss_along_the_unit(statistics):
    model, x, y = statistics.network.model, statistics.x[:40].double(), statistics.y[:40]
    from dataclasses import replace

    ranking = pn.CRITERIA["taylor"](replace(statistics, x=statistics.x[:40], y=y), "0")
    tail, hidden = model[3:].double(), model[:3].double()(x).detach()
    expected = np.zeros(5)
    for unit in range(5):
        losses = []
        for step in (1e-5, -1e-5):
            moved = hidden.clone()
            moved[:, unit] *= 1 + step
            losses.append(nn.functional.cross_entropy(tail(moved), y, reduction="none"))
        expected[unit] = float(((losses[0] - losses[1]) / 2e-5).abs().mean().detach())
    model.float()
    np.testing.assert_allclose(ranking.cost, expected, rtol=1e-3)


def test_chip_is_the_fall_of_the_nuclear_norm(statistics):
    from pidnet.pruning.criteria.baselines import CHIP_SAMPLES

    maps = statistics.feature_maps("0", statistics.x[:CHIP_SAMPLES]).numpy()
    fall = np.zeros(5)
    for sample in maps:
        for unit in range(5):
            kept = np.delete(sample, unit, axis=0)
            fall[unit] += np.linalg.norm(sample, "nuc") - np.linalg.norm(kept, "nuc")
    np.testing.assert_allclose(pn.CRITERIA["chip"](statistics, "0").cost, fall / len(maps), rtol=1e-6)


def test_pivoted_qr_agrees_with_scipy(mlp, calibration):
    from scipy.linalg import qr

    statistics = gather(mlp, calibration)
    hidden = statistics.feature_maps("fc2", statistics.x)[:, :, 0].numpy()
    _, r, pivots = qr(hidden - hidden.mean(0), pivoting=True, mode="economic")
    ranking = pn.CRITERIA["pivoted_qr"](statistics, "fc2")
    np.testing.assert_array_equal(ranking.order[::-1][:8], pivots[:8])
    np.testing.assert_allclose(ranking.cost[pivots[:8]], np.diag(r)[:8] ** 2 / len(hidden), rtol=1e-6)


def test_mrmr_takes_the_most_informative_unit_then_what_is_new(statistics):
    from dataclasses import replace

    generator = torch.Generator().manual_seed(0)
    y = torch.randint(0, 4, (2000,), generator=generator)
    high, low = (y // 2).float(), (y % 2).float()
    noise = torch.rand(2000, generator=generator)
    low[noise < 0.1] = 1 - low[noise < 0.1]
    hidden = torch.stack([high, high + 1e-3 * noise, noise, low * 0.5], 1)
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)).eval()
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(4))
        model[0].bias.zero_()
    order = pn.CRITERIA["mrmr"](replace(gather(model, (hidden, y)), y=y), "0").order.tolist()
    assert set(order[-2:]) in ({0, 3}, {1, 3})


def test_units_that_never_vary_go_first_by_correlation(mlp, calibration):
    from dataclasses import replace

    statistics = gather(mlp, calibration)
    values = statistics.activations.layers["fc2"].clone()
    values[:, 5] = 0.25
    still = replace(statistics)
    still.__dict__["activations"] = replace(
        statistics.activations, layers={**statistics.activations.layers, "fc2": values}
    )
    constant = set(np.flatnonzero(values.std(0) == 0).tolist())
    assert 5 in constant
    assert set(pn.CRITERIA["correlation"](still, "fc2").order[: len(constant)].tolist()) == constant


def test_a_criterion_with_options_set_keeps_its_name_and_its_search():
    from functools import partial

    from pidnet.pruning.criteria import Criterion, find_criterion

    for wrapped in (
        pn.CRITERIA["pid"].with_options(temperature=3.0),
        partial(pn.CRITERIA["pid"], temperature=3.0),
    ):
        found = find_criterion(wrapped)
        assert (found.name, found.searched) == ("pid", True)
    plain = Criterion.of(partial(lambda statistics, layer, k: None, k=1))
    assert (plain.name, plain.searched) == ("<lambda>", False)
    assert "0x" not in find_criterion(type("Own", (), {"__call__": lambda *_: None})()).name
