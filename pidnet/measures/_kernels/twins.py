"""What the shared kernels compute, in plain NumPy: slow, dense, one table (y, a, b) at a time. The kernels must agree.

Axis letters: Y class, A level of source 1, B level of source 2, C = A*B cells.
"""

from __future__ import annotations

import numpy as np
from scipy.special import exp1, ndtr, psi

from pidnet.measures._kernels.occupied_cells import SETTLED, STEPS

SIGN_THRESHOLD = 1e-8  # bits


def class_block(q_AB: np.ndarray) -> np.ndarray:
    """L = [[diag(alpha), q], [q^T, diag(beta)]] of one class."""
    return np.block([[np.diag(q_AB.sum(1)), q_AB], [q_AB.T, np.diag(q_AB.sum(0))]])


def cell_columns(e_AB: np.ndarray) -> np.ndarray:
    """E of one class, (A + B, C): column c puts e on the two levels of cell c."""
    on_a = np.eye(e_AB.shape[0])[:, :, None] * e_AB
    on_b = np.eye(e_AB.shape[1])[:, None, :] * e_AB
    return np.concatenate([on_a.reshape(len(on_a), -1), on_b.reshape(len(on_b), -1)])


def cell_matrix(q_YAB: np.ndarray, e_YAB: np.ndarray) -> np.ndarray:
    """G = E^T L^+ E, summed over the classes."""
    columns = [cell_columns(e) for e in e_YAB]
    return np.sum(
        [c.T @ np.linalg.pinv(class_block(q)) @ c for q, c in zip(q_YAB, columns, strict=True)], axis=0
    )


def maximum_entropy(p_YAB: np.ndarray, tolerance: float = 1e-12) -> np.ndarray:
    """The table of largest entropy with the three pairwise margins of p: proportional fitting, from q = 1."""
    q = np.ones_like(p_YAB)
    while max(np.abs(q.sum(axis) - p_YAB.sum(axis)).max() for axis in range(3)) > tolerance:
        for axis in range(3):
            q = q * np.expand_dims(p_YAB.sum(axis), axis) / q.sum(axis, keepdims=True)
    return q


def local_informations(q_YAB: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """i(x1;y), i(x2;y) and i(x1x2;y) of positive tables, bits, each spread over (Y, A, B)."""
    p_Y = q_YAB.sum((1, 2), keepdims=True)
    margins = q_YAB.sum(2, keepdims=True), q_YAB.sum(1, keepdims=True), q_YAB
    first, second, both = (np.log2(m / (m.sum(0, keepdims=True) * p_Y)) for m in margins)
    return first + 0 * q_YAB, second + 0 * q_YAB, both


def signs(values: np.ndarray) -> np.ndarray:
    """-1, 0 or 1, 0 for what is within the threshold of 0."""
    return np.sign(values) * (np.abs(values) > SIGN_THRESHOLD)


def common_surprisal(p_YAB: np.ndarray) -> float:
    """I_ccs: sum q c over the cells where c and the three local informations have one sign, bits."""
    q = maximum_entropy(p_YAB)
    first, second, both = local_informations(q)
    c = first + second - both
    counts = (
        (signs(c) != 0) & (signs(c) == signs(first)) & (signs(c) == signs(second)) & (signs(c) == signs(both))
    )
    return float((q * c)[counts].sum())


def variance_of_jumps(p_YAB: np.ndarray, samples: int) -> float:
    """Sum of J^2 P (1 - P): what the sum above would lose with each sign, by the chance that it is right."""
    q = maximum_entropy(p_YAB)
    first, second, both = local_informations(q)
    c, p_Y = first + second - both, q.sum((1, 2), keepdims=True)
    variances = []
    for margin in (q.sum(2, keepdims=True), q.sum(1, keepdims=True)):
        spread = 1 / margin - 1 / margin.sum(0, keepdims=True) - 1 / p_Y + 1
        variances.append(np.maximum(spread, 0) / (samples * np.log(2) ** 2) + 0 * q)
    size, sign = q * np.abs(c), signs(c)
    total = 0.0
    for i, variance, others, axis in (
        (first, variances[0], (second, both), 2),
        (second, variances[1], (first, both), 1),
        (both, sum(variances), (first, second), ()),
    ):
        jump = np.where(np.logical_and(*(sign == signs(other) for other in others)), size, 0).sum(
            axis, keepdims=True
        )
        distance = np.divide(np.abs(i), np.sqrt(variance), out=np.full_like(q, np.inf), where=variance > 0)
        wrong = ndtr(-distance).max(axis, keepdims=True)
        total += (jump**2 * wrong * (1 - wrong)).sum()
    return float(total)


def cells_that_count(count_XY: np.ndarray) -> np.ndarray:
    """Twice the bias of N H(X,Y) that the cells of each class have: n (ln n - psi(n)) of those that were seen, and
    mu E1(mu) of those still unseen. Their mu is that of a mixture of the counts with the product of their margins,
    scaled to the number of cells seen once."""
    of_x, of_y, total = count_XY.sum(1, keepdims=True), count_XY.sum(0), count_XY.sum()
    own, other = (count_XY - 1).clip(0), (of_x - 1).clip(0) * (of_y - 1).clip(0) / (total - 1)
    weight, change = 0.5, 1.0
    for _ in range(STEPS):
        share = weight * own / np.maximum(weight * own + (1 - weight) * other, 1e-300)
        moved = (count_XY * share).sum() / total
        change, weight = abs(moved - weight), moved
        if change < SETTLED:
            break
    mean = np.maximum(weight * count_XY + (1 - weight) * of_x * of_y / total, 1e-300)
    at_least_one = np.maximum(count_XY, 1)
    seen = count_XY * (np.log(at_least_one) - psi(at_least_one))
    more = ((count_XY == 1).sum() + 1) / ((mean * np.exp(-mean)).sum() + 1)
    return 2 * (seen + more * mean * exp1(mean)).sum(0)


def difference_moments(p_ABY: np.ndarray, value1_AY: np.ndarray, value2_BY: np.ndarray) -> np.ndarray:
    """Sums over the cells of each class of p (value1 - value2) and of p (value1 - value2)^2, (2, Y)."""
    difference = value1_AY[:, None] - value2_BY[None]
    return np.stack([(p_ABY * difference).sum((0, 1)), (p_ABY * difference**2).sum((0, 1))])
