import numpy as np
import pytest

from pidnet.significance.mixture_bias import fit_mixture, joint_information_bias
from pidnet.tables import shannon


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


@pytest.mark.parametrize("levels", [4, 8])
@pytest.mark.parametrize("family", ["noise", "copies", "sum", "informed", "dependent"])
def test_the_bias_is_right_from_independence_to_identity(family, levels):
    """Shuffling is off by .02 to .39 bits for copies and sums."""
    p = true_table(family, levels, 10)
    count = np.random.default_rng(1).multinomial(1000, p.ravel(), 200).reshape(-1, *p.shape).astype(float)
    error = shannon.source_informations(count / 1000)[2] - shannon.source_informations(p[None])[2]
    off = error - joint_information_bias(count)
    assert abs(off.mean()) < {4: 0.005, 8: 0.02}[levels] + 2 * off.std() / 200**0.5


def test_the_fit_keeps_copies_apart_and_the_number_of_samples():
    p = true_table("copies", 4, 10)
    count = np.random.default_rng(1).multinomial(1000, p.ravel(), 20).reshape(-1, *p.shape).astype(float)
    fitted = fit_mixture(count)
    np.testing.assert_allclose(fitted.sum((1, 2, 3)), 1000)
    apart = ~np.eye(4, dtype=bool)
    assert fitted[:, apart].sum((1, 2)).max() < 20


def test_a_constant_pair_has_no_bias():
    count = np.zeros((1, 3, 3, 4))
    count[0, 0, 1, 2] = 500
    np.testing.assert_allclose(joint_information_bias(count), 0, atol=1e-5)
