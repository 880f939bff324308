"""The general I_BROJA kernel: an interior-point method on the dual, one pair at a time.

With the margins p1(x1,y), p2(x2,y) fixed, the minimum of sum q ln(q / Q), Q(x1,x2) = sum_y q, is the maximum of

    sum p1 lam + sum p2 mu   subject to   sum_y exp( lam(x1,y) + mu(x2,y) ) <= 1 for every cell (x1,x2),

and Q holds the multipliers of the cells: q = Q exp(lam + mu). Every iterate is dual feasible. A Newton step
on margins = given, Q * slack = tau, costs one system in the cells (see ``class_systems``). The answer comes with
both ends of ``unique_optimum_certificate``.

Arrays are class-major: Y class, A level of source 1, B level of source 2, C = A*B cells.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from pidnet.measures.ibroja.certificate import certify
from pidnet.measures.kernels.class_systems import (
    FAST,
    Blocks,
    allocate_blocks,
    cell_matrix,
    factor_blocks,
    solve_blocks,
    solve_definite,
)

MOST_STEPS = 80
SHRINK = 0.1  # of tau after a step that was mostly taken
STAY_INSIDE = 0.99  # of the way to the boundary at most
LONGEST_MOVE = 3.0  # of lam + mu in a step: exponentials are not linear beyond
LEAST_TAU = 1e-16  # the slack is roundoff below


class Room(NamedTuple):
    """The state and the scratch memory of one pair, allocated once a thread.

    p1, lam, el = exp(lam), step1, right1: (Y, A); p2, mu, em, step2, right2: (Y, B).
    e = exp(lam + mu) and q = Q e: (Y, A, B). Q = mass, load = sum_y e, slack = 1 - load, the step of Q, and the
    scratch ``cells``: (C,).
    root: (C, columns); matrix: (C, C).
    """

    p1: np.ndarray
    lam: np.ndarray
    el: np.ndarray
    step1: np.ndarray
    right1: np.ndarray
    p2: np.ndarray
    mu: np.ndarray
    em: np.ndarray
    step2: np.ndarray
    right2: np.ndarray
    e: np.ndarray
    q: np.ndarray
    mass: np.ndarray
    load: np.ndarray
    slack: np.ndarray
    mass_step: np.ndarray
    cells: np.ndarray
    root: np.ndarray
    matrix: np.ndarray
    blocks: Blocks


@njit(cache=True, nogil=True, error_model="numpy")
def allocate_room(levels1, levels2, classes):
    """Room for pairs of one shape."""
    first, second = np.zeros((5, classes, levels1)), np.zeros((5, classes, levels2))
    tables, cells = np.zeros((2, classes, levels1, levels2)), np.zeros((5, levels1 * levels2))
    columns = (classes * levels2 + 7) // 8 * 8
    return Room(
        first[0], first[1], first[2], first[3], first[4],
        second[0], second[1], second[2], second[3], second[4],
        tables[0], tables[1],
        cells[0], cells[1], cells[2], cells[3], cells[4],
        np.zeros((levels1 * levels2, columns)),
        np.zeros((levels1 * levels2, levels1 * levels2)),
        allocate_blocks(levels1, levels2, classes),
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def solve_general(p1_PYA, p2_PYB, tolerance, upper_P, lower_P, lam_PYA, mu_PYB):
    """Fill certified ends of min sum q ln(q/Q) of each pair, nats, at most ``tolerance`` apart where reached, and
    the dual point (lam, mu): how the minimum changes with the margins."""
    pairs, classes, levels1 = p1_PYA.shape
    room = allocate_room(levels1, p2_PYB.shape[2], classes)
    for pair in range(pairs):
        room.p1[:] = p1_PYA[pair]
        room.p2[:] = p2_PYB[pair]
        upper_P[pair], lower_P[pair] = solve_pair(room, tolerance)
        lam_PYA[pair], mu_PYB[pair] = room.lam, room.mu


@njit(cache=True, nogil=True, error_model="numpy")
def solve_pair(room, tolerance):
    """The best certified ends (upper, lower) that the steps reach, nats."""
    start(room)
    cells = len(room.mass)
    best_upper, best_lower = np.inf, -np.inf
    tau = SHRINK * complementarity(room)
    for _ in range(MOST_STEPS):
        find_step(room, tau)
        length = advance(room)
        tau = complementarity(room)
        if cells * tau < tolerance:
            upper, lower = certify(room)
            if upper < best_upper:
                best_upper = upper
            if lower > best_lower:
                best_lower = lower
            if best_upper - best_lower <= tolerance:
                break
        if not tau > LEAST_TAU:
            break
        tau *= SHRINK if length > 0.5 else 1.0
    return best_upper, best_lower


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def complementarity(room):
    """Mean of Q * slack over the cells."""
    return (room.mass * room.slack).sum() / len(room.mass)


@njit(cache=True, nogil=True, error_model="numpy")
def start(room):
    """q = p1 p2 / p(y), and a dual point that touches no constraint."""
    classes, levels1 = room.p1.shape
    levels2 = room.p2.shape[1]
    room.el[:] = room.p1
    for y in range(classes):
        total = room.p1[y].sum()
        for b in range(levels2):
            room.em[y, b] = room.p2[y, b] / total if total > 0.0 else 0.0
    fill_exponentials(room)
    room.mass[:] = room.load
    touch(room)
    room.el[:] *= 0.5
    fill_exponentials(room)
    for y in range(classes):
        for a in range(levels1):
            room.lam[y, a] = np.log(room.el[y, a]) if room.el[y, a] > 0.0 else 0.0
        for b in range(levels2):
            room.mu[y, b] = np.log(room.em[y, b]) if room.em[y, b] > 0.0 else 0.0
    for cell in range(len(room.mass)):
        room.mass[cell] = room.mass[cell] / room.load[cell] if room.load[cell] > 0.0 else 0.0
    floor = 1e-3 * complementarity(room)
    for cell in range(len(room.mass)):
        room.mass[cell] = max(room.mass[cell], floor)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def fill_exponentials(room):
    """e = el em, load = sum_y e and slack = 1 - load."""
    classes, levels1 = room.el.shape
    levels2 = room.em.shape[1]
    room.load[:] = 0.0
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                value = room.el[y, a] * room.em[y, b]
                room.e[y, a, b] = value
                room.load[a * levels2 + b] += value
    for cell in range(len(room.load)):
        room.slack[cell] = 1.0 - room.load[cell]


@njit(cache=True, nogil=True, error_model="numpy")
def touch(room):
    """Scale the levels so that every constraint holds and each level touches one of its own."""
    levels1, levels2 = room.el.shape[1], room.em.shape[1]
    load = room.load.reshape(levels1, levels2)
    for a in range(levels1):
        most = load[a].max()
        if most > 0.0:
            room.el[:, a] /= most
            load[a] /= most
    for b in range(levels2):
        most = load[:, b].max()
        if most > 0.0:
            room.em[:, b] /= most


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def find_step(room, tau):
    """Newton step of lam, mu and Q towards exact margins and Q * slack = tau."""
    classes, levels1 = room.p1.shape
    levels2 = room.p2.shape[1]
    room.right1[:] = room.p1
    room.right2[:] = room.p2
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                cell = a * levels2 + b
                room.q[y, a, b] = room.mass[cell] * room.e[y, a, b]
                centred = room.e[y, a, b] * (tau / room.slack[cell])
                room.right1[y, a] -= centred
                room.right2[y, b] -= centred
    factor_blocks(room.q, room.blocks)
    cell_matrix(room.blocks, room.e, room.root, room.matrix)
    for cell in range(len(room.mass)):
        room.matrix[cell, cell] += room.slack[cell] / room.mass[cell]
    solve_blocks(room.blocks, room.right1, room.right2, room.step1, room.step2)
    sum_over_classes(room, room.mass_step)
    solve_definite(room.matrix, room.mass_step)
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                pull = room.e[y, a, b] * room.mass_step[a * levels2 + b]
                room.right1[y, a] -= pull
                room.right2[y, b] -= pull
    solve_blocks(room.blocks, room.right1, room.right2, room.step1, room.step2)
    for cell in range(len(room.mass)):
        room.mass_step[cell] += tau / room.slack[cell] - room.mass[cell]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def sum_over_classes(room, out_C):
    """out = E^T step: what the step adds to the load of each cell, to first order."""
    classes, levels1, levels2 = room.e.shape
    out_C[:] = 0.0
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                out_C[a * levels2 + b] += room.e[y, a, b] * (room.step1[y, a] + room.step2[y, b])


@njit(cache=True, nogil=True, error_model="numpy")
def advance(room):
    """Take as much of the step as keeps Q and the slack positive; return the length taken."""
    length = 1.0 / max(1.0, longest_move(room) / LONGEST_MOVE)
    for cell in range(len(room.mass)):
        if room.mass_step[cell] < 0.0:
            length = min(length, -STAY_INSIDE * room.mass[cell] / room.mass_step[cell])
    room.cells[:] = (1.0 - STAY_INSIDE) * room.slack
    shift(room, length)
    moved = length
    while (room.slack < room.cells).any() and moved > 1e-12:
        shift(room, -0.4 * moved)
        moved *= 0.6
    room.mass[:] += moved * room.mass_step
    return moved


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def longest_move(room):
    """Largest change of lam + mu that the whole step would make."""
    classes, levels1 = room.p1.shape
    longest = 0.0
    for y in range(classes):
        for a in range(levels1):
            if room.p1[y, a] > 0.0:
                for b in range(room.p2.shape[1]):
                    if room.p2[y, b] > 0.0:
                        longest = max(longest, abs(room.step1[y, a] + room.step2[y, b]))
    return longest


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def shift(room, length):
    """Move lam and mu along the step."""
    classes, levels1 = room.lam.shape
    levels2 = room.mu.shape[1]
    for y in range(classes):
        for a in range(levels1):
            if room.el[y, a] > 0.0:
                room.lam[y, a] += length * room.step1[y, a]
                room.el[y, a] = np.exp(room.lam[y, a])
        for b in range(levels2):
            if room.em[y, b] > 0.0:
                room.mu[y, b] += length * room.step2[y, b]
                room.em[y, b] = np.exp(room.mu[y, b])
    fill_exponentials(room)
