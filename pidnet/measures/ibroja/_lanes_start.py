"""Where the method in lanes begins: the constraints of eight pairs, and sweeps that bring Q near the optimum."""

from __future__ import annotations

from pidnet.execution.compiling import inner
from pidnet.execution.lane_math import larger, ratio, smaller
from pidnet.execution.lanes import filled

SWEEPS = 20  # in float32 a thirtieth of the cost of a Newton step each, and they save four steps
LEAST_Q = 1e-20  # what a cell keeps: far from what float32 cannot hold


@inner
def fill_load(s, exp_lam, exp_mu, load):
    """load = sum_y exp_lam exp_mu of every cell."""
    for a in range(s.A):
        for b in range(s.B):
            total = filled(load, 0.0)
            for y in range(s.Y):
                total = total + exp_lam[y * s.A + a] * exp_mu[y * s.B + b]
            load[a * s.B + b] = total


@inner
def fill_field(s, pairs, field):
    """e = exp_lam exp_mu and slack = 1 - sum_y e."""
    for c in range(s.C):
        field.slack[c] = filled(field.slack, 1.0)
    for y in range(s.Y):
        for a in range(s.A):
            x = pairs.exp_lam[y * s.A + a]
            for b in range(s.B):
                e = x * pairs.exp_mu[y * s.B + b]
                field.e[(y * s.A + a) * s.B + b] = e
                field.slack[a * s.B + b] = field.slack[a * s.B + b] - e


@inner
def touch(s, exp_lam, exp_mu, load):
    """Scale the levels so that every constraint holds and each level touches one of its own."""
    for a in range(s.A):
        most = filled(load, 0.0)
        for b in range(s.B):
            most = larger(load[a * s.B + b], most)
        scale = ratio(1.0 + 0.0 * most, most)
        for y in range(s.Y):
            exp_lam[y * s.A + a] = exp_lam[y * s.A + a] * scale
        for b in range(s.B):
            load[a * s.B + b] = load[a * s.B + b] * scale
    for b in range(s.B):
        most = filled(load, 0.0)
        for a in range(s.A):
            most = larger(load[a * s.B + b], most)
        scale = ratio(1.0 + 0.0 * most, most)
        for y in range(s.Y):
            exp_mu[y * s.B + b] = exp_mu[y * s.B + b] * scale


@inner
def start(s, pairs, field, sketch):
    """A point inside the constraints: where the sweeps end, moved there."""
    copy_rows(s.Y * s.A, pairs.p1, sketch.pairs.p1)
    copy_rows(s.Y * s.B, pairs.p2, sketch.pairs.p2)
    do_sweeps(s, sketch.pairs, sketch.load)
    copy_rows(s.Y * s.A, sketch.pairs.exp_lam, pairs.exp_lam)
    copy_rows(s.Y * s.B, sketch.pairs.exp_mu, pairs.exp_mu)
    copy_rows(s.C, sketch.pairs.Q, pairs.Q)
    fill_load(s, pairs.exp_lam, pairs.exp_mu, field.load)
    touch(s, pairs.exp_lam, pairs.exp_mu, field.load)
    fill_load(s, pairs.exp_lam, pairs.exp_mu, field.load)
    step_inside(s, pairs, field)


@inner
def copy_rows(size, row, into):
    """Some vectors into another row."""
    for i in range(size):
        into[i] = row[i]


@inner
def do_sweeps(s, pairs, load):
    """From q = p1 p2 / p(y), sweeps that keep q = Q e near its margins."""
    for y in range(s.Y):
        total = filled(pairs.p1, 0.0)
        for a in range(s.A):
            total = total + pairs.p1[y * s.A + a]
            pairs.exp_lam[y * s.A + a] = pairs.p1[y * s.A + a]
        for b in range(s.B):
            pairs.exp_mu[y * s.B + b] = ratio(pairs.p2[y * s.B + b], total)
    fill_load(s, pairs.exp_lam, pairs.exp_mu, pairs.Q)
    for _ in range(SWEEPS):
        sweep(s, pairs)
        fill_load(s, pairs.exp_lam, pairs.exp_mu, load)
        for c in range(s.C):
            pairs.Q[c] = larger(pairs.Q[c] * load[c], LEAST_Q)


@inner
def sweep(s, pairs):
    """Fit the rows of every class to p1, then its columns to p2, with Q held."""
    for y in range(s.Y):
        for a in range(s.A):
            total = filled(pairs.Q, 0.0)
            for b in range(s.B):
                total = total + pairs.Q[a * s.B + b] * pairs.exp_mu[y * s.B + b]
            pairs.exp_lam[y * s.A + a] = ratio(pairs.p1[y * s.A + a], total)
        for b in range(s.B):
            total = filled(pairs.Q, 0.0)
            for a in range(s.A):
                total = total + pairs.Q[a * s.B + b] * pairs.exp_lam[y * s.A + a]
            pairs.exp_mu[y * s.B + b] = ratio(pairs.p2[y * s.B + b], total)


@inner
def step_inside(s, pairs, field):
    """Leave the constraints by as much as the sweeps are off, and give cells without Q their least."""
    loss = filled(pairs.Q, 0.0)
    for c in range(s.C):
        loss = loss + pairs.Q[c] * (1.0 - field.load[c])
    scale = 1.0 / (1.0 + smaller(0.3 * loss + 1e-4, 1.0))
    for i in range(s.Y * s.A):
        pairs.exp_lam[i] = pairs.exp_lam[i] * scale
    fill_field(s, pairs, field)
    mean = filled(pairs.Q, 0.0)
    for c in range(s.C):
        mean = mean + pairs.Q[c] * field.slack[c] / s.C
    for c in range(s.C):
        pairs.Q[c] = larger(pairs.Q[c], 0.1 * mean / field.slack[c])
