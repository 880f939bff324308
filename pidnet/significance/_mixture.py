"""The fit behind ``joint_information_bias``, eight pairs in the lanes of vector registers; ``_twins.fit`` is the same in
NumPy, one pair at a time: read it first.

The fit has most of the cost. The products of margins have factors of one cell (x1,x2) and of one class, so that what
all of them foretell for (x1,x2,y) takes three numbers of (x1,x2), times n(x1,y), n(x2,y) and n(y).

Axis letters: P pair, A/B level of source 1/2, C = A * B cells, Y class; rows as in ``_mixture_memory``.
"""

from __future__ import annotations

from pidnet.execution.compiling import inner
from pidnet.execution.lane_math import larger, ratio, smaller
from pidnet.execution.lanes import anywhere, filled, select, square_root
from pidnet.significance._mixture_memory import COMPONENTS

# Of three steps, at most, and the change in a step, as a length, at which they end. Of 20 families the mean absolute error
# of I(Y;X1X2) at 4 levels and N = 1,000 is .0024 bits after 2 or 3 cycles, .0023 after 4 or 8, .0022 at the maximum.
CYCLES, SETTLED = 4, 1e-4
LONGEST = 64.0  # of the leap that two steps suggest, in steps
LEAST_LEFT = 0.1  # of a weight after a leap
TRUST_OBSERVED = 3.0  # by weight of the observed table: from a third of it on only the data count
SMALLEST = 1e-30


@inner
def fill_margins(s, counts):
    """The margins of the counts."""
    zero = filled(counts.n, 0.0)
    for i in range(s.A * s.Y):
        counts.ay[i] = zero
    for i in range(s.B * s.Y):
        counts.by[i] = zero
    for a in range(s.A):
        for b in range(s.B):
            both = zero
            for y in range(s.Y):
                n = counts.n[(a * s.B + b) * s.Y + y]
                counts.ay[a * s.Y + y] = counts.ay[a * s.Y + y] + n
                counts.by[b * s.Y + y] = counts.by[b * s.Y + y] + n
                both = both + n
            counts.ab[a * s.B + b] = both
    add_rows(s.A, s.Y, counts.ay, counts.a)
    add_rows(s.B, s.Y, counts.by, counts.b)
    for y in range(s.Y):
        total = zero
        for a in range(s.A):
            total = total + counts.ay[a * s.Y + y]
        counts.y[y] = total


@inner
def add_rows(rows, columns, values, sums):
    """The sums of the rows of a matrix."""
    for row in range(rows):
        total = filled(values, 0.0)
        for column in range(columns):
            total = total + values[row * columns + column]
        sums[row] = total


@inner
def less_one(values, size, out):
    """All values less one, at least 0; their sum before."""
    total = filled(values, 0.0)
    for i in range(size):
        total = total + values[i]
        out[i] = larger(values[i] - 1.0, 0.0)
    return total


@inner
def fill_left_out(s, counts, left):
    """Counts and margins without one sample of the cell, and the ratios that the products of margins are made of."""
    less_one(counts.n, s.C * s.Y, left.n)
    less_one(counts.ay, s.A * s.Y, left.ay)
    less_one(counts.by, s.B * s.Y, left.by)
    whole = 1.0 / larger(less_one(counts.y, s.Y, left.y) - 1.0, 1.0)
    for b in range(s.B):
        left.b[b] = larger(counts.b[b] - 1.0, 0.0) * whole
        for y in range(s.Y):
            left.along[b * s.Y + y] = left.by[b * s.Y + y] / larger(left.y[y], 1.0)
    for a in range(s.A):
        left.a[a] = larger(counts.a[a] - 1.0, 0.0) * whole
        for b in range(s.B):
            cell = a * s.B + b
            for y in range(s.Y):
                left.chain[cell * s.Y + y] = left.ay[a * s.Y + y] * left.along[b * s.Y + y]
            both = larger(counts.ab[cell] - 1.0, 0.0)
            left.of_a[cell] = both / larger(counts.a[a] - 1.0, 1.0)
            left.of_b[cell] = both / larger(counts.b[b] - 1.0, 1.0)
            left.of_all[cell] = both * whole


@inner
def fit_weights(s, counts, left, weights):
    """Weights near the largest likelihood of the counts: cycles of two steps of expectation maximization, the leap that
    they suggest, and a step from there, which is taken where it is shorter than the first one; see ``_twins.fit``."""
    for k in range(COMPONENTS):
        weights.now[k] = filled(counts, 1.0 / COMPONENTS)
    going = weights.now[0] > 0.0  # a lane that is done stays as it is, whoever its neighbors are
    for _ in range(CYCLES):
        climb(s, counts, left, weights.now, weights.one)
        climb(s, counts, left, weights.one, weights.two)
        moved = leap(weights)
        climb(s, counts, left, weights.far, weights.there)
        rest = filled(counts, 0.0)
        for k in range(COMPONENTS):
            change = weights.there[k] - weights.far[k]
            rest = rest + change * change
        for k in range(COMPONENTS):
            taken = select(rest <= moved, weights.there[k], weights.two[k])
            weights.now[k] = select(going, taken, weights.now[k])
        going = going & (moved > SETTLED * SETTLED)
        if not anywhere(going):
            break


@inner
def climb(s, counts, left, weight, out):
    """One step of expectation maximization: each weight grows by its factor, in sum 1."""
    for k in range(COMPONENTS):
        out[k] = filled(counts, 0.0)
    for a in range(s.A):
        for b in range(s.B):
            cell, of_first, of_second = a * s.B + b, left.a[a], left.b[b]
            of_a, of_b, of_all = left.of_a[cell], left.of_b[cell], left.of_all[cell]
            by_ay = weight[2] * of_a + weight[6] * of_second
            by_by = weight[3] * of_b + weight[5] * of_first
            by_y = weight[4] * of_all + weight[7] * of_first * of_second
            own, chain, ay, by, y = growth(
                s, counts, left, (a, b), (weight[0], weight[1], by_ay, by_by, by_y)
            )
            out[0], out[1] = out[0] + own, out[1] + chain
            out[2], out[6] = out[2] + ay * of_a, out[6] + ay * of_second
            out[3], out[5] = out[3] + by * of_b, out[5] + by * of_first
            out[4], out[7] = out[4] + y * of_all, out[7] + y * of_first * of_second
    total = filled(counts, SMALLEST)
    for k in range(COMPONENTS):
        out[k] = out[k] * weight[k]
        total = total + out[k]
    for k in range(COMPONENTS):
        out[k] = out[k] / total


@inner
def growth(s, counts, left, cell, factors):
    """Over the classes of a cell (x1,x2), sums of n over what is foretold, times the left out n(x1,x2,y),
    n(x1,y) n(x2,y) / n(y), n(x1,y), n(x2,y), and n(y)."""
    a, b = cell
    of_own, of_chain, by_ay, by_by, by_y = factors
    zero = filled(counts, 0.0)
    sum_own, sum_chain, sum_ay, sum_by, sum_y = zero, zero, zero, zero, zero
    first, second, table = a * s.Y, b * s.Y, (a * s.B + b) * s.Y
    for y in range(s.Y):
        own, chain = left.n[table + y], left.chain[table + y]
        ay, by, all_y = left.ay[first + y], left.by[second + y], left.y[y]
        foretold = all_y * by_y + SMALLEST
        foretold = foretold + by * by_by + ay * by_ay + chain * of_chain + own * of_own
        share = counts[table + y] / foretold
        sum_own, sum_chain = sum_own + share * own, sum_chain + share * chain
        sum_ay, sum_by, sum_y = sum_ay + share * ay, sum_by + share * by, sum_y + share * all_y
    return sum_own, sum_chain, sum_ay, sum_by, sum_y


@inner
def leap(weights):
    """Where two steps point to: now + 2 L first + L^2 (second - first), L = |first| / |second - first|; how long the
    first step was, squared. Source: Varadhan & Roland 2008, Scand. J. Stat. 35, 335 (SQUAREM)."""
    moved, bent = filled(weights.now, 0.0), filled(weights.now, SMALLEST)
    for k in range(COMPONENTS):
        first = weights.one[k] - weights.now[k]
        bend = weights.two[k] - weights.one[k] - first
        moved, bent = moved + first * first, bent + bend * bend
    length = larger(smaller(square_root(moved / bent), LONGEST), 1.0)
    total = filled(weights.now, 0.0)
    for k in range(COMPONENTS):
        first = weights.one[k] - weights.now[k]
        bend = weights.two[k] - weights.one[k] - first
        far = weights.now[k] + length * (2.0 * first + length * bend)
        weights.far[k] = larger(far, LEAST_LEFT * weights.two[k])
        total = total + weights.far[k]
    for k in range(COMPONENTS):
        weights.far[k] = weights.far[k] / total
    return moved


@inner
def fill_fitted(s, counts, weight):
    """The expected counts of the mixture, and their sums over the classes."""
    total = filled(counts.n, 0.0)
    for y in range(s.Y):
        total = total + counts.y[y]
    whole = 1.0 / larger(total, 1.0)
    for a in range(s.A):
        of_first = counts.a[a] * whole
        for b in range(s.B):
            cell, both, of_second = a * s.B + b, counts.ab[a * s.B + b], counts.b[b] * whole
            by_ay = weight[2] * ratio(both, counts.a[a]) + weight[6] * of_second
            by_by = weight[3] * ratio(both, counts.b[b]) + weight[5] * of_first
            by_y = weight[4] * both * whole + weight[7] * of_first * of_second
            total = filled(counts.n, 0.0)
            for y in range(s.Y):
                ay, by, all_y = counts.ay[a * s.Y + y], counts.by[b * s.Y + y], counts.y[y]
                mean = weight[0] * counts.n[cell * s.Y + y] + weight[1] * ay * by / larger(all_y, 1.0)
                mean = mean + by_ay * ay + by_by * by + by_y * all_y
                counts.fitted[cell * s.Y + y] = mean
                total = total + mean
            counts.fitted_ab[cell] = total
