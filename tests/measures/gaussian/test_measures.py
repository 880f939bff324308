"""What holds for every Gaussian measure, and what tells them apart."""

import json
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.linalg import block_diag

from pidnet.measures.gaussian import GAUSSIAN_MEASURES, decompose_gaussian
from pidnet.measures.gaussian.iccs import i_ccs
from tests.strategies import covariances

CASES = json.loads((Path(__file__).parent / "gaussian_cases.json").read_text())["cases"]
ATOMS = ("redundancy", "unique1", "unique2", "synergy")
FAST = ("i_mmi", "i_broja", "i_delta", "i_dep")
# 8 directions a rule are far from the integral but obey every identity exactly.
CONTRACT = [*FAST, partial(i_ccs, points=8)]
few = settings(max_examples=25)


def log2_det_information(cov, first, second):
    """I between two index lists by log determinants of blocks: no whitening, nothing of ours."""
    half = [np.linalg.slogdet(cov[np.ix_(i, i)])[1] / 2 for i in (first, second, [*first, *second])]
    return (half[0] + half[1] - half[2]) / np.log(2)


def mixed(cov, dims, rng):
    """The same system after invertible linear maps inside each source and inside the target."""
    maps = [np.linalg.qr(rng.standard_normal((d, d)))[0] * rng.uniform(0.1, 10, d) for d in dims]
    return block_diag(*maps) @ cov @ block_diag(*maps).T


def two_views(gain1, gain2):
    """Covariance of X1 = gain1 Y + N1, X2 = gain2 Y + N2 and Y, all noise independent and white."""
    gain = np.vstack([gain1, gain2])
    return np.block([[gain @ gain.T + np.eye(len(gain)), gain], [gain.T, np.eye(gain.shape[1])]])


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_i_broja_gives_the_analytic_truth(case):
    atoms = decompose_gaussian(case["cov"], case["dims"], "i_broja")
    for name in (*ATOMS, "total"):
        assert getattr(atoms, name)[0] == pytest.approx(case[name], abs=1e-6), name


@pytest.mark.parametrize("measure", ["i_mmi", "i_delta"])
@pytest.mark.parametrize("case", CASES[:6], ids=lambda c: c["name"])
def test_others_agree_where_one_source_is_better_everywhere(case, measure):
    atoms = decompose_gaussian(case["cov"], case["dims"], measure)
    for name in ATOMS:
        assert getattr(atoms, name)[0] == pytest.approx(case[name], abs=1e-6), name


@pytest.mark.parametrize("measure", CONTRACT)
@given(system=covariances())
@few
def test_atoms_add_up_to_log_determinants(measure, system):
    cov, dims = system
    atoms = decompose_gaussian(cov, dims, measure)
    x1, x2, y = np.split(np.arange(sum(dims)), np.cumsum(dims)[:2])
    for k, c in enumerate(cov):
        assert atoms.information1[k] == pytest.approx(log2_det_information(c, x1, y), abs=1e-9)
        assert atoms.information2[k] == pytest.approx(log2_det_information(c, x2, y), abs=1e-9)
        assert atoms.total[k] == pytest.approx(log2_det_information(c, [*x1, *x2], y), abs=1e-9)


@pytest.mark.parametrize("measure", FAST)
@given(system=covariances(), seed=st.integers(0, 999))
@few
def test_linear_maps_inside_sources_and_target_change_nothing(measure, system, seed):
    cov, dims = system
    rng = np.random.default_rng(seed)
    plain = decompose_gaussian(cov, dims, measure)
    mapped = decompose_gaussian(np.stack([mixed(c, dims, rng) for c in cov]), dims, measure)
    for name in ATOMS:
        assert getattr(mapped, name) == pytest.approx(getattr(plain, name), abs=1e-6), name


@pytest.mark.parametrize("measure", FAST)
@given(system=covariances())
@few
def test_swapping_the_sources_swaps_the_unique_atoms(measure, system):
    cov, (first, second, target) = system
    order = np.roll(np.arange(first + second), -first).tolist() + list(range(first + second, sum(system[1])))
    plain = decompose_gaussian(cov, (first, second, target), measure)
    swapped = decompose_gaussian(cov[:, order][:, :, order], (second, first, target), measure)
    for name, mirror in zip(ATOMS, ("redundancy", "unique2", "unique1", "synergy"), strict=True):
        assert getattr(swapped, name) == pytest.approx(getattr(plain, mirror), abs=1e-6), name


@pytest.mark.parametrize("measure", CONTRACT)
@given(system=covariances(batch=4))
@settings(max_examples=10)
def test_batch_equals_loop(measure, system):
    cov, dims = system
    n = sum(dims)
    batch = decompose_gaussian(cov.reshape(2, 2, n, n), dims, measure)
    for k, one in enumerate(cov):
        single = decompose_gaussian(one, dims, measure)
        for name, values in batch.items():
            assert values.shape == (4,)
            assert values[k] == pytest.approx(getattr(single, name)[0], abs=1e-7), name


@given(system=covariances())
@few
def test_redundancies_are_ordered_and_no_atom_is_negative(system):
    """I_dep uses one coupling, ~G the best one, I_delta less than a coupling, I_mmi nothing but amounts."""
    atoms = [decompose_gaussian(*system, measure) for measure in ("i_dep", "i_broja", "i_delta", "i_mmi")]
    for smaller, larger in pairwise(atoms):
        assert (smaller.redundancy <= larger.redundancy + smaller.gap + larger.gap + 1e-9).all()
    for measured in atoms:
        for name in ATOMS:
            assert (getattr(measured, name) >= -1e-9).all(), name


@given(system=covariances(target=1))
@few
def test_a_scalar_target_has_one_answer(system):
    reference = decompose_gaussian(*system, "i_mmi").redundancy
    assert decompose_gaussian(*system, "i_broja").redundancy == pytest.approx(reference, abs=1e-9)
    assert decompose_gaussian(*system, "i_delta").redundancy == pytest.approx(reference, abs=1e-6)


def test_definitions_differ_on_a_vector_target():
    """Two sources that each see both halves of the target, the one better here, the other better there."""
    cov = two_views(np.diag([4 / 3, 1.0]), np.diag([1.0, np.sqrt(2)]))
    found = {m: round(float(decompose_gaussian(cov, (2, 2, 2), m).redundancy[0]), 3) for m in FAST}
    assert found == {"i_mmi": 1.237, "i_broja": 1.0, "i_delta": 1.194, "i_dep": 0.571}


@pytest.mark.parametrize("measure", [*FAST, i_ccs])
def test_a_copy_is_all_redundant(measure):
    system = two_views(np.array([[1.0, 0.5], [0, 2]]), np.zeros((0, 2)))
    copy = np.array([0, 1, 0, 1, 2, 3])
    atoms = decompose_gaussian(system[np.ix_(copy, copy)], (2, 2, 2), measure)
    tolerance = 1e-6 + atoms.gap[0]
    assert atoms.redundancy[0] == pytest.approx(log2_det_information(system, [0, 1], [2, 3]), abs=tolerance)
    assert atoms.synergy[0] == pytest.approx(0, abs=tolerance)


@pytest.mark.parametrize("measure", [*FAST, i_ccs])
def test_dead_and_duplicated_units_add_nothing(measure):
    rng = np.random.default_rng(3)
    root = rng.standard_normal((6, 9))
    plain = decompose_gaussian(root @ root.T, (2, 2, 2), measure)
    wide = root[[0, 1, 0, 2, 3, 4, 5]]
    wide = np.insert(wide, 3, 0, axis=0)
    atoms = decompose_gaussian(wide @ wide.T, (4, 2, 2), measure)
    for name in ATOMS:
        got, truth = getattr(atoms, name)[0], getattr(plain, name)[0]
        assert got == pytest.approx(truth, abs=1e-6 + plain.gap[0] + atoms.gap[0]), name


@pytest.mark.parametrize("measure", [*FAST, i_ccs])
def test_a_dead_source_tells_nothing(measure):
    atoms = decompose_gaussian([[0.0, 0, 0], [0, 2, 1], [0, 1, 1]], measure=measure)
    found = [getattr(atoms, name)[0] for name in ATOMS]
    assert found == pytest.approx([0, 0, 0.5, 0], abs=1e-9)


def test_a_one_hot_target_equals_one_column_less():
    rng = np.random.default_rng(5)
    label = rng.integers(0, 4, 500)
    x = rng.standard_normal((500, 2)) + label[:, None] * [1, -0.5]
    full = np.cov(np.column_stack([x, label[:, None] == np.arange(4)]), rowvar=False)
    whole = decompose_gaussian(full, (1, 1, 4), "i_broja")
    less = decompose_gaussian(full[:-1, :-1], (1, 1, 3), "i_broja")
    assert whole.redundancy == pytest.approx(less.redundancy, abs=1e-9)
    assert whole.total == pytest.approx(less.total, abs=1e-9)


@pytest.mark.parametrize(
    ("cov", "dims", "measure", "message"),
    [
        (np.eye(3), (1, 1, 1), "i_min", "unknown Gaussian measure 'i_min'.*i_broja.*i_ccs"),
        (np.eye(3), (1, 1, 2), "i_mmi", r"shape \(3, 3\)"),
        (np.eye(3), (1, 2, 0), "i_mmi", "three sizes above 0"),
        (np.diag([1, np.nan, 1]), (1, 1, 1), "i_mmi", r"cov\[0\].*not finite"),
        (np.triu(np.ones((3, 3))), (1, 1, 1), "i_mmi", "not symmetric"),
        ([[1.0, 2, 0], [2, 1, 0], [0, 0, 1]], (1, 1, 1), "i_mmi", r"cov\[0\] is not positive semidefinite"),
        ([[0.0, 0, 0.1], [0, 1, 0], [0.1, 0, 1]], (1, 1, 1), "i_mmi", "not positive semidefinite"),
        (np.diag([1.0, -1, 1]), (1, 1, 1), "i_mmi", "not positive semidefinite"),
        (np.ones((3, 3)), (1, 1, 1), "i_broja", r"cov\[0\] determine .* infinite"),
        ([[1.0, 0, 1], [0, 1, 1], [1, 1, 2]], (1, 1, 1), "i_delta", "infinite"),
    ],
)
def test_bad_input_is_refused_with_its_reason(cov, dims, measure, message):
    with pytest.raises(ValueError, match=message):
        decompose_gaussian(cov, dims, measure)


def test_names_work_with_and_without_prefix():
    cov = CASES[0]["cov"]
    for name in GAUSSIAN_MEASURES:
        short = decompose_gaussian(cov, measure=name.removeprefix("gaussian_"))
        assert decompose_gaussian(cov, measure=name).redundancy == short.redundancy
