"""What the I_BROJA kernels compute, in plain NumPy: slow, dense, one table (y, a, b) at a time. The kernels must agree.

    minimize  sum q ln(q / Q)   over q >= 0 with the margins p1(y,a), p2(y,b) of p,      Q(a,b) = sum_y q(y,a,b)

Axis letters: Y class, A level of source 1, B level of source 2.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq


def value_nats(q_YAB: np.ndarray) -> float:
    """sum q ln(q / Q), nats."""
    Q_YAB = np.broadcast_to(q_YAB.sum(0), q_YAB.shape)
    taken = q_YAB > 0
    return float((q_YAB[taken] * np.log(q_YAB[taken] / Q_YAB[taken])).sum())


def ends_nats(
    p_YAB: np.ndarray, q_YAB: np.ndarray, lam_YA: np.ndarray, mu_YB: np.ndarray
) -> tuple[float, float]:
    """What a table with the margins of p and a dual point prove about the minimum: it lies between.

    A dual point that breaks sum_y exp(lam + mu) <= 1 is moved down until it holds.
    """
    load = np.exp(lam_YA[:, :, None] + mu_YB[:, None]).sum(0).max()
    dual = (p_YAB.sum(2) * lam_YA).sum() + (p_YAB.sum(1) * mu_YB).sum()
    return value_nats(q_YAB), float(dual - max(np.log(load), 0.0) * p_YAB.sum())


def minimum_nats(p_YAB: np.ndarray, tolerance: float = 1e-9) -> tuple[float, float]:
    """The general kernel: a value with nearly exact margins, and that of a feasible dual point.

    The dual has the variables lam(y,a), mu(y,b) and one constraint a cell, load = sum_y exp(lam + mu) <= 1; Q holds
    the multipliers. The method solves the three equations of ``missing`` for ever smaller tau by Newton steps.
    """
    p1, p2 = p_YAB.sum(2), p_YAB.sum(1)
    lam = np.log(p1 / p1.sum(1, keepdims=True)) - np.log(2 * len(p1))
    mu = np.log(p2 / p2.sum(1, keepdims=True)) - np.log(2 * len(p2))
    Q = np.full(p_YAB.shape[1:], 1 / p_YAB[0].size)
    tau = Q[0, 0]
    while Q.size * tau > tolerance:
        right, jacobian = missing(p1, p2, lam, mu, Q, tau), jacobian_of(lam, mu, Q)
        # Singular: lam + c, mu - c is the same point.
        step = np.linalg.lstsq(jacobian, right, rcond=None)[0]
        parts = np.split(step, [lam.size, lam.size + mu.size])
        dlam, dmu, dQ = (part.reshape(x.shape) for part, x in zip(parts, (lam, mu, Q), strict=True))
        length = min(
            1.0, 3 / np.abs(dlam[:, :, None] + dmu[:, None]).max()
        )  # exponentials are not linear beyond
        while (Q + length * dQ <= 0).any() or (load(lam + length * dlam, mu + length * dmu) >= 1).any():
            length *= 0.7
        lam, mu, Q = lam + length * dlam, mu + length * dmu, Q + length * dQ
        tau *= 0.3 if length > 0.5 else 1.0
    return value_nats(Q * exponentials(lam, mu)), float((p1 * lam).sum() + (p2 * mu).sum())


def exponentials(lam_YA: np.ndarray, mu_YB: np.ndarray) -> np.ndarray:
    """e = exp(lam + mu), (Y, A, B)."""
    return np.exp(lam_YA[:, :, None] + mu_YB[:, None])


def load(lam_YA: np.ndarray, mu_YB: np.ndarray) -> np.ndarray:
    """sum_y e, (A, B)."""
    return exponentials(lam_YA, mu_YB).sum(0)


def missing(p1_YA, p2_YB, lam_YA, mu_YB, Q_AB, tau) -> np.ndarray:
    """What is missing from each of the three equations: sum_b q = p1, sum_a q = p2, Q (1 - load) = tau."""
    q = Q_AB * exponentials(lam_YA, mu_YB)
    complementary = tau - Q_AB * (1 - load(lam_YA, mu_YB))
    return np.concatenate([(p1_YA - q.sum(2)).ravel(), (p2_YB - q.sum(1)).ravel(), complementary.ravel()])


def jacobian_of(lam_YA: np.ndarray, mu_YB: np.ndarray, Q_AB: np.ndarray) -> np.ndarray:
    """The derivative of (sum_b q, sum_a q, Q slack) by (lam, mu, Q): every cell of q and of Q by its unknowns."""
    (Y, A), B = lam_YA.shape, mu_YB.shape[1]
    e = exponentials(lam_YA, mu_YB)
    by_lam = np.zeros((Y, A, B, Y * A)) + np.eye(Y * A).reshape(Y, A, 1, Y * A)
    by_mu = np.zeros((Y, A, B, Y * B)) + np.eye(Y * B).reshape(Y, 1, B, Y * B)
    by_Q = np.eye(A * B).reshape(A, B, A * B)
    dln = np.concatenate([by_lam, by_mu], -1)
    dq = np.concatenate([(Q_AB * e)[..., None] * dln, e[..., None] * by_Q], -1)
    dload = (e[..., None] * dln).sum(0)
    dslack = np.concatenate([-Q_AB[..., None] * dload, (1 - e.sum(0))[..., None] * by_Q], -1)
    unknowns = dq.shape[-1]
    return np.concatenate([part.reshape(-1, unknowns) for part in (dq.sum(2), dq.sum(1), dslack)])


def binary_minimum_nats(p_Y22: np.ndarray) -> float:
    """The binary kernel: the value at the w where all class tables share the odds ratio exp(w) of their sum."""

    def excess(w: float) -> float:
        Q = class_tables(p_Y22, w).sum(0)
        return w - np.log(Q[0, 0] * Q[1, 1] / (Q[0, 1] * Q[1, 0]))

    return value_nats(class_tables(p_Y22, brentq(excess, -60, 60, xtol=1e-13)))


def class_tables(p_Y22: np.ndarray, w: float) -> np.ndarray:
    """The tables with the margins of each class of p and odds ratio exp(w): q00 q11 = exp(w) q01 q10."""
    row, column, total = p_Y22[:, 0].sum(1), p_Y22[:, :, 0].sum(1), p_Y22.sum((1, 2))
    if w > 0:  # exchange the columns, so that the ratio below is at most 1
        return class_tables(p_Y22[:, :, ::-1], -w)[:, :, ::-1]
    ratio = np.exp(w)
    linear = total - (1 - ratio) * (row + column)
    root = np.sqrt(linear**2 + 4 * (1 - ratio) * ratio * row * column)
    # The positive root of (1 - ratio) x^2 + linear x - ratio r c = 0, in the form that does not cancel.
    same = np.where(
        linear >= 0,
        2 * ratio * row * column / (np.abs(linear) + root),
        (root - linear) / max(2 * (1 - ratio), 1e-300),
    )
    right, below = row - same, column - same
    return np.stack([np.stack([same, right], -1), np.stack([below, ratio * right * below / same], -1)], 1)


def curvature_trace(p_YAB: np.ndarray, e_YAB: np.ndarray, Q: np.ndarray) -> float:
    """tr(V'' Sigma), V'' = (L + E diag(Q / slack) E^T)^+, Sigma the covariance of the margins of one sample."""
    slack = 1 - e_YAB.sum(0)
    by_cell = np.concatenate([_by_level(e_YAB, 2), _by_level(e_YAB, 1)]).reshape(-1, Q.size)
    system = _laplacian(Q * e_YAB) + by_cell @ np.diag((Q / slack).ravel()) @ by_cell.T
    margins = np.concatenate([p_YAB.sum(2).ravel(), p_YAB.sum(1).ravel()])
    scatter = _laplacian(p_YAB) - np.outer(margins, margins)
    return float((np.linalg.pinv(system, rcond=1e-12, hermitian=True) * scatter).sum())


def _by_level(e_YAB: np.ndarray, summed: int) -> np.ndarray:
    """e(y,c) on the level of source 1 (summed: 2) or of source 2 (1) of each cell c, (Y * levels, A, B)."""
    Y, A, B = e_YAB.shape
    if summed == 2:
        return np.einsum("yab,ak->ykab", e_YAB, np.eye(A)).reshape(Y * A, A, B)
    return np.einsum("yab,bk->ykab", e_YAB, np.eye(B)).reshape(Y * B, A, B)


def _laplacian(q_YAB: np.ndarray) -> np.ndarray:
    """E diag(q) E^T over the levels of both sources in every class."""
    Y, A, B = q_YAB.shape
    matrix = np.diag(np.concatenate([q_YAB.sum(2).ravel(), q_YAB.sum(1).ravel()]))
    cross = np.einsum("yab,yz->yazb", q_YAB, np.eye(Y)).reshape(Y * A, Y * B)
    matrix[: Y * A, Y * A :], matrix[Y * A :, : Y * A] = cross, cross.T
    return matrix
