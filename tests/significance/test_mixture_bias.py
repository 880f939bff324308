import numpy as np
import pytest

from pidnet.execution.lanes import LANES, row_at
from pidnet.significance import _twins
from pidnet.significance._mixture_cells import PARTS, unseen_share
from pidnet.significance.mixture_bias import joint_information_bias
from pidnet.tables import shannon
from pidnet.tables.discrete import PairTables
from tests.kernels import compiled


@compiled
def fill_share(twice, once, parts, out):
    row_at(out, 0)[0] = unseen_share(row_at(twice, 0)[0], row_at(once, 0)[0], parts)


def true_table(family, levels, classes):
    rng = np.random.default_rng(0)
    channel = rng.dirichlet(np.full(levels, 1.5), classes)
    a, b, y = np.ogrid[:levels, :levels, :classes]
    match family:
        case "noise":
            table = np.ones((levels, levels, classes))
        case "copies":
            table = np.eye(levels)[:, :, None] * channel.T[:, None]
        case "sum":
            table = ((a + b) % classes == y).astype(float)
        case "informed":
            table = np.einsum("ya,yb->aby", channel, rng.dirichlet(np.full(levels, 1.5), classes))
        case "dependent":
            table = np.moveaxis(
                rng.dirichlet(np.full(levels**2, 0.3), classes).reshape(-1, levels, levels), 0, 2
            )
    return table / table.sum()


def sampled(p, samples, pairs):
    count = np.random.default_rng(1).multinomial(samples, p.ravel(), pairs).reshape(-1, *p.shape)
    return PairTables(np.zeros((pairs, 2), int), count / samples, samples)


@pytest.mark.parametrize("levels", [4, 8])
@pytest.mark.parametrize("family", ["noise", "copies", "sum", "informed", "dependent"])
def test_the_bias_is_right_from_independence_to_identity(family, levels):
    """Shuffling is off by .02 to .39 bits for copies and sums."""
    p = true_table(family, levels, 10)
    tables = sampled(p, 1000, 200)
    error = shannon.source_informations(tables.p)[2] - shannon.source_informations(p[None])[2]
    off = error - joint_information_bias(tables)
    assert abs(off.mean()) < {4: 0.005, 8: 0.02}[levels] + 2 * off.std() / 200**0.5


@pytest.mark.parametrize("levels", [2, 4, 8])
@pytest.mark.parametrize("family", ["noise", "copies", "sum", "dependent"])
def test_the_kernel_computes_what_its_twin_does(family, levels):
    tables = sampled(true_table(family, levels, 5), 400, 8)
    expected = [_twins.joint_bias(count) for count in np.rint(tables.p * 400)]
    np.testing.assert_allclose(joint_information_bias(tables) * 400 * np.log(2), expected, atol=0.02)


def test_a_pair_does_not_depend_on_its_neighbors():
    """Lanes that are done wait for the others: of these 40, 16 differed where they went on."""
    p = np.concatenate([sampled(true_table(f, 4, 10), 300, 20).p for f in ("copies", "dependent")])
    pairs, order = np.zeros((40, 2), int), np.random.default_rng(0).permutation(40)
    mixed = joint_information_bias(PairTables(pairs, p[order], 300))
    np.testing.assert_array_equal(mixed, joint_information_bias(PairTables(pairs, p, 300))[order])


@pytest.mark.parametrize(("twice", "once"), [(0, 0), (3, 1), (0, 50), (90, 4), (5, 300)])
def test_the_unseen_share_is_that_of_the_exponential_integral(twice, once):
    counts, out = np.array([[twice], [once]], np.float32).repeat(LANES, 1), np.empty(LANES, np.float32)
    fill_share(*counts, PARTS, out)
    np.testing.assert_allclose(out, _twins.unseen_share(twice, once), rtol=1e-5)


def test_the_fit_keeps_copies_apart_and_the_number_of_samples():
    count = np.rint(sampled(true_table("copies", 4, 10), 1000, 20).p * 1000)
    fitted = np.stack([_twins.fit(one)[1] for one in count])
    np.testing.assert_allclose(fitted.sum((1, 2, 3)), 1000)
    apart = ~np.eye(4, dtype=bool)
    assert fitted[:, apart].sum((1, 2)).max() < 20


def test_a_constant_pair_has_no_bias():
    p = np.zeros((1, 3, 3, 4))
    p[0, 0, 1, 2] = 1
    tables = PairTables(np.array([[0, 1]]), p, 500)
    np.testing.assert_allclose(joint_information_bias(tables), 0, atol=1e-5)


def test_counts_beyond_every_table_follow_the_expansion():
    p = np.full((1, 2, 2, 2), 1 / 8)
    found = joint_information_bias(PairTables(np.array([[0, 1]]), p, 80_000))
    np.testing.assert_allclose(found * 2 * 80_000 * np.log(2), 8 - 4 - 2 + 1, rtol=1e-3)
