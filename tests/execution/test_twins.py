"""Each compiled kernel has a twin in NumPy that a test holds it to."""

import ast
from pathlib import Path

import numpy as np
import pytest

from pidnet.measures.ibroja import optimum

ROOT = Path(__file__).parents[2]
# Kernel -> the test that compares it, and the words for its twin there.
TWINS = {
    "measures/_kernels/common_surprisal.fill_derivative": ("measures/test_iccs", "twins.variance_of_jumps"),
    "measures/_kernels/common_surprisal.solve_pairs": ("measures/test_iccs", "twins.common_surprisal"),
    "measures/_kernels/surprisal_lanes.fill_surprisals": ("measures/test_iccs", "twins.common_surprisal"),
    "measures/_kernels/occupied_cells.fill_cells": ("measures/test_sampling_bias", "twins.cells_that_count"),
    "measures/ibroja/_binary.solve_binary": ("measures/test_ibroja", "_twin.binary_minimum_nats"),
    "measures/ibroja/_binary_lanes.solve_pairs": ("measures/test_ibroja", "_twin.binary_minimum_nats"),
    "measures/ibroja/_curvature._fill_in_lanes": ("measures/test_sampling_bias", "_twin.curvature_trace"),
    "measures/ibroja/_general.solve_general": ("measures/test_ibroja", "_twin.minimum_nats"),
    "measures/ibroja/_lanes.solve_pairs": ("measures/test_ibroja_lanes", "_twin.ends_nats"),
    "measures/ibroja/optimum._add_cells": ("execution/test_twins", "margins_without_the_negligible"),
    "measures/sampling_bias._fill_moments": ("measures/test_sampling_bias", "twins.difference_moments"),
    "significance/_one_pass.fill_evidence": ("significance/test_mixture_bias", "_twins.joint_bias"),
    "significance/delta_method.fill_covariances": ("significance/test_delta_method", "_twins.covariance"),
    "significance/expected_information.fill_means": (
        "significance/test_expected_information",
        "_twins.mean_n_ln_n",
    ),
    "tables/bits._count_targets": ("tables/test_discrete", "tables_under_other_targets"),
    "tables/bits._count_units": ("tables/test_discrete", "count_by_hand"),
    "tables/bits._fill_terms": ("tables/test_discrete", "joint_informations"),
    "tables/bits._tables_of_rows": ("tables/test_discrete", "count_by_hand"),
    "tables/bits._tables_of_samples": ("tables/test_discrete", "count_by_hand"),
    "tables/shannon._fill_informations": ("tables/test_shannon", "sums_over_cells"),
}


def kernels(path: Path) -> list[str]:
    """The functions of a file that ``kernel`` compiles."""
    found = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    return [
        node.name
        for node in found
        if any("kernel" in ast.unparse(one).split("(")[0] for one in node.decorator_list)
    ]


def test_every_kernel_is_in_the_table():
    package = ROOT / "pidnet"
    found = {
        f"{path.relative_to(package).with_suffix('')}.{name}"
        for path in package.rglob("*.py")
        for name in kernels(path)
    }
    assert found == set(TWINS)


@pytest.mark.parametrize("kernel", TWINS)
def test_the_test_is_there(kernel):
    test, words = TWINS[kernel]
    assert words in (ROOT / "tests" / f"{test}.py").read_text()


def margins_without_the_negligible(p_PABY):
    """Both margins by class of the cells that are not negligible, and the mass of the others."""
    kept = np.where(p_PABY < optimum.NEGLIGIBLE, 0, p_PABY)
    return kept.sum(2).swapaxes(1, 2), kept.sum(1).swapaxes(1, 2), (p_PABY - kept).sum((1, 2, 3))


def test_negligible_cells_are_left_out_of_both_margins():
    p = np.random.default_rng(0).dirichlet(np.full(24, 0.2), 50).reshape(50, 2, 4, 3)
    p[:, 0, 0, 0] = optimum.NEGLIGIBLE / 2
    expected = margins_without_the_negligible(p)
    found = np.zeros((50, 3, 2)), np.zeros((50, 3, 4)), np.zeros(50)
    optimum._add_cells(p, *found)
    assert (expected[2] > 0).all()
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13)
