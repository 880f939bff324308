"""The shared linear algebra against its twin in dense NumPy."""

import numpy as np
import pytest

from pidnet.measures._kernels import class_systems, twins
from tests.kernels import alone

allocate_blocks, padded = alone(class_systems.allocate_blocks), alone(class_systems.padded)
cell_matrix, factor_blocks = alone(class_systems.cell_matrix), alone(class_systems.factor_blocks)
solve_blocks, solve_definite = alone(class_systems.solve_blocks), alone(class_systems.solve_definite)


def random_tables(classes, levels1, levels2, seed):
    rng = np.random.default_rng(seed)
    q = rng.random((classes, levels1, levels2))
    q[0, :, -1] = 0.0  # a level never seen with a class, the last one at that
    q[0, 0] = 0.0
    return q


@pytest.mark.parametrize("shape", [(3, 4, 4), (2, 5, 3), (4, 2, 2), (2, 3, 1)])
def test_blocks_are_solved(shape):
    q_YAB = random_tables(*shape, seed=1)
    rng = np.random.default_rng(2)
    x1, x2 = rng.random(shape[:2]), rng.random((shape[0], shape[2]))
    right = [twins.class_block(q) @ np.r_[a, b] for q, a, b in zip(q_YAB, x1, x2, strict=True)]
    right1, right2 = (
        np.array(part) for part in zip(*((r[: shape[1]], r[shape[1] :]) for r in right), strict=True)
    )
    blocks = allocate_blocks(shape[1], shape[2], shape[0])
    factor_blocks(q_YAB, blocks)
    found1, found2 = np.empty_like(right1), np.empty_like(right2)
    solve_blocks(blocks, right1, right2, found1, found2)
    for q, a, b, expected in zip(q_YAB, found1, found2, right, strict=True):
        np.testing.assert_allclose(twins.class_block(q) @ np.r_[a, b], expected, atol=1e-12)


@pytest.mark.parametrize("shape", [(3, 4, 4), (2, 5, 3), (4, 2, 2)])
def test_the_cell_matrix_is_that_of_the_pseudoinverse(shape):
    classes, levels1, levels2 = shape
    q_YAB, e_YAB = random_tables(*shape, seed=3), np.random.default_rng(4).random(shape)
    e_YAB[q_YAB == 0] = 0.0
    blocks, cells = allocate_blocks(levels1, levels2, classes), levels1 * levels2
    factor_blocks(q_YAB, blocks)
    found = np.full((cells, cells), np.nan)
    cell_matrix(blocks, e_YAB, np.full((cells, padded(classes * levels2)), np.nan), found)
    expected = twins.cell_matrix(q_YAB, e_YAB)
    np.testing.assert_allclose(np.tril(found), np.tril(expected), atol=1e-12)


def test_a_semidefinite_system_is_solved_where_it_can_be():
    rng = np.random.default_rng(5)
    root = rng.random((6, 4))
    matrix = root @ root.T
    right = matrix @ rng.random(6)
    solution = np.full(6, np.nan)
    solve_definite(np.tril(matrix), right, solution)
    np.testing.assert_allclose(matrix @ solution, right, atol=1e-9)
