"""The memory of the general I_BROJA kernel, by the names of its formulas; one field has one meaning.

Arrays are class-major: Y class, A level of source 1, B level of source 2, C = A*B cells.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pidnet.execution.compiling import inner
from pidnet.measures._kernels.class_systems import Blocks, allocate_blocks, padded


class Given(NamedTuple):
    """The margins of p. p1: (Y, A). p2: (Y, B)."""

    p1: np.ndarray
    p2: np.ndarray


class Iterate(NamedTuple):
    """Where the method is. lam, exp_lam: (Y, A). mu, exp_mu: (Y, B). e: (Y, A, B). Q, load, slack: (C,)."""

    lam: np.ndarray
    mu: np.ndarray
    exp_lam: np.ndarray
    exp_mu: np.ndarray
    e: np.ndarray
    Q: np.ndarray
    load: np.ndarray
    slack: np.ndarray


class Step(NamedTuple):
    """Where it goes. lam: (Y, A). mu: (Y, B). Q: (C,). least_slack: (C,), how little of it the step may leave."""

    lam: np.ndarray
    mu: np.ndarray
    Q: np.ndarray
    least_slack: np.ndarray


class System(NamedTuple):
    """The linear system of one step, in the order in which its parts are found.

    right1 (Y, A), right2 (Y, B): p - E tau / slack. q = Q e (Y, A, B), of which ``blocks`` holds the factors.
    matrix (C, C): G + slack / Q, then its factor; with more cells than levels the matrix of ``_by_levels``, (K, K).
    right, levels (K,): right1 and right2, and the steps of lam and mu, one after the other. held1 (Y, A), held2
    (Y, B): the step with the response held at 0. lift (C,): E^T of that. response (C,). rest1 (Y, A), rest2 (Y, B):
    right - E response. root (C, columns): scratch of ``cell_matrix``.
    """

    right1: np.ndarray
    right2: np.ndarray
    q: np.ndarray
    blocks: Blocks
    root: np.ndarray
    matrix: np.ndarray
    right: np.ndarray
    levels: np.ndarray
    held1: np.ndarray
    held2: np.ndarray
    lift: np.ndarray
    response: np.ndarray
    rest1: np.ndarray
    rest2: np.ndarray


class Proof(NamedTuple):
    """A table with exact margins. q: (Y, A, B). missing: (B,), of one class. Q = sum_y q: (C,)."""

    q: np.ndarray
    missing: np.ndarray
    Q: np.ndarray


class Workspace(NamedTuple):
    """The memory of one pair, allocated once a thread; functions take the parts that they need."""

    given: Given
    iterate: Iterate
    step: Step
    system: System
    proof: Proof


@inner
def allocate(levels1, levels2, classes):
    """Workspace for pairs of one shape."""
    of_a, of_b, cells = (classes, levels1), (classes, levels2), levels1 * levels2
    table = (classes, levels1, levels2)
    return Workspace(
        given=Given(p1=np.zeros(of_a), p2=np.zeros(of_b)),
        iterate=Iterate(
            lam=np.zeros(of_a),
            mu=np.zeros(of_b),
            exp_lam=np.zeros(of_a),
            exp_mu=np.zeros(of_b),
            e=np.zeros(table),
            Q=np.zeros(cells),
            load=np.zeros(cells),
            slack=np.zeros(cells),
        ),
        step=Step(lam=np.zeros(of_a), mu=np.zeros(of_b), Q=np.zeros(cells), least_slack=np.zeros(cells)),
        system=allocate_system(levels1, levels2, classes),
        proof=Proof(q=np.zeros(table), missing=np.zeros(levels2), Q=np.zeros(cells)),
    )


@inner
def allocate_system(levels1, levels2, classes):
    """Memory for the linear system of a step."""
    of_a, of_b, cells = (classes, levels1), (classes, levels2), levels1 * levels2
    levels = classes * (levels1 + levels2)
    size = min(cells, levels)
    return System(
        right1=np.zeros(of_a),
        right2=np.zeros(of_b),
        q=np.zeros((classes, levels1, levels2)),
        blocks=allocate_blocks(levels1, levels2, classes),
        root=np.zeros((cells if size == cells else 0, padded(classes * levels2))),
        matrix=np.zeros((size, size)),
        right=np.zeros(levels),
        levels=np.zeros(levels),
        held1=np.zeros(of_a),
        held2=np.zeros(of_b),
        lift=np.zeros(cells),
        response=np.zeros(cells),
        rest1=np.zeros(of_a),
        rest2=np.zeros(of_b),
    )
