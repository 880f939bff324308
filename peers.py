"""Peers that tests compare with and benchmarks time: BROJA's cone program, one table at a time, and tables to try."""

from __future__ import annotations

import numpy as np

SHAPES = (
    (2, 2, 2),
    (2, 2, 10),
    (2, 3, 2),
    (3, 2, 4),
    (3, 3, 3),
    (4, 2, 5),
    (4, 4, 2),
    (4, 4, 10),
    (3, 6, 4),
    (6, 6, 3),
)
ZEROS = (0.0, 0.0, 0.3, 0.6, 0.9)


def mixed_tables(count: int, seed: int) -> list[np.ndarray]:
    """Random tables (x1, x2, y) of mixed shape, evenness and sparsity."""
    rng = np.random.default_rng(seed)
    return [
        random_table(rng, SHAPES[k % len(SHAPES)], ZEROS[k // len(SHAPES) % len(ZEROS)]) for k in range(count)
    ]


def random_table(rng: np.random.Generator, shape: tuple[int, int, int], zeros: float) -> np.ndarray:
    """A Dirichlet table of concentration 1 or 0.3, with a share of structural zeros."""
    p = rng.dirichlet(np.full(np.prod(shape), rng.choice([1.0, 0.3]))).reshape(shape)
    p = np.where(rng.random(shape) < zeros, 0.0, p)
    p.flat[rng.integers(p.size)] += 0.01
    return p / p.sum()


def cone_unique(p: np.ndarray) -> tuple[float, float]:
    """U1 and U2 of I_BROJA by ECOS, through the formulation that dit ships; bits."""
    from dit.algorithms.broja_cone import _BrojaConeSolver

    first = {(y, a): v for (a, y), v in np.ndenumerate(p.sum(1)) if v > 0}
    second = {(y, b): v for (b, y), v in np.ndenumerate(p.sum(0)) if v > 0}
    solver = _BrojaConeSolver(first, second)
    solver.create_model()
    if not solver.solve():
        raise RuntimeError("ECOS found no solution")
    return solver.cond_z_mutinf() / np.log(2), solver.cond_y_mutinf() / np.log(2)


def dit_distribution(p: np.ndarray):
    """The table as a dit distribution without its zeros; levels above 9 are not supported."""
    import dit

    cells = np.argwhere(p > 0)
    return dit.Distribution(["".join(map(str, cell)) for cell in cells], p[tuple(cells.T)])
