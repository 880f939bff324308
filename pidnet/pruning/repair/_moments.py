"""What least squares need of the samples: sums of products, or, where a layer reads very many features, the samples.

Sums take (feature + 1)^2 numbers and serve any number of samples. Where a layer reads so many features that their
products do not fit, the same solution is found from the products between a limited number of samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pidnet.networks.linear_map import POSITIONS, squares

ROUNDING = 1e-12  # of the sum of squares
SMALLEST = 1e-12  # keeps the system solvable where all inputs are 0: then the weights stay
# Above so many features no more than MOST_ROWS samples at positions are looked at, and not their sums.
MOST_FEATURES = 4096
MOST_ROWS = 4096
ROWS_EACH = 20
FEWEST = 16


@dataclass(eq=False)
class Moments:
    """Sums over rows of [input, 1] by itself and by the wanted output: all that least squares needs.

    gram: (feature + 1, feature + 1). cross: (feature + 1, output). square: sum of squared wanted outputs.
    """

    gram: Tensor
    cross: Tensor
    square: Tensor

    @staticmethod
    def of(inputs: Tensor, wanted: Tensor) -> Moments:
        rows = torch.cat([inputs, inputs.new_ones(len(inputs), 1)], 1)
        return Moments(squares(rows), rows.T @ wanted, (wanted**2).sum())

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.gram + other.gram, self.cross + other.cross, self.square + other.square)

    def error(self, solution: Tensor) -> float:
        """Sum of squared errors of a solution (feature + 1, output)."""
        return float(self.square + (solution * (self.gram @ solution - 2 * self.cross)).sum())

    def solve(self, prior: Tensor, ridge: float, biased: bool) -> Tensor:
        """argmin of the squared error plus ridge * mean diagonal * |weights - prior|^2; the bias is not pulled,
        and stays 0 where the layer has none."""
        strength = max(SMALLEST, ridge * float(self.gram.diagonal()[:-1].mean()))  # nan without a feature
        penalty = torch.full_like(self.gram.diagonal(), strength)
        penalty[-1] = 0
        free = slice(None) if biased else slice(-1)
        gram, wanted = self.gram[free, free].clone(), (self.cross + penalty[:, None] * prior)[free]
        gram.diagonal().add_(penalty[free])
        factor, failed = torch.linalg.cholesky_ex(gram)
        solution = prior.clone()
        # What rounding leaves indefinite is solved all the same: the samples held out judge.
        solution[free] = torch.linalg.solve(gram, wanted) if failed else torch.cholesky_solve(wanted, factor)
        return solution


@dataclass(eq=False)
class Rows:
    """The rows themselves. inputs: (row, feature). wanted: (row, output)."""

    inputs: Tensor
    wanted: Tensor

    @property
    def square(self) -> Tensor:
        """Sum of squared wanted outputs."""
        return (self.wanted**2).sum()

    def __add__(self, other: Rows) -> Rows:
        return Rows(torch.cat([self.inputs, other.inputs]), torch.cat([self.wanted, other.wanted]))

    def error(self, solution: Tensor) -> float:
        """Sum of squared errors of a solution (feature + 1, output)."""
        return float(((self.inputs @ solution[:-1] + solution[-1] - self.wanted) ** 2).sum())

    def solve(self, prior: Tensor, ridge: float, biased: bool) -> Tensor:
        """As ``Moments.solve``: with X the inputs and E what the prior leaves of the wanted outputs, both centered
        where there is a bias, the weights change by X^T (X X^T + ridge)^-1 E."""
        strength = max(ridge * float((self.inputs**2).sum() / self.inputs.shape[1]), SMALLEST)
        inputs, left = self.inputs, self.wanted - self.inputs @ prior[:-1] - prior[-1]
        offset = left.mean(0) if biased else torch.zeros_like(left[0])
        middle = inputs.mean(0) if biased else torch.zeros_like(inputs[0])
        inputs, left = inputs - middle, left - offset
        gram = inputs @ inputs.T
        gram.diagonal().add_(strength)
        change = inputs.T @ torch.linalg.solve(gram, left)
        return prior + torch.cat([change, (offset - middle @ change)[None]])


def gathered(inputs: Tensor, wanted: Tensor, most: int) -> Moments | Rows:
    """What least squares need: sums, or of very many features at most so many of the rows, evenly spread."""
    if inputs.shape[1] <= MOST_FEATURES:
        return Moments.of(inputs, wanted)
    step = -(-len(inputs) // most)
    return Rows(inputs[::step], wanted[::step])


def joined(one: Any, other: Any) -> Moments | Rows:
    """The sums of two parts of the samples, of one kind."""
    return one + other


def is_met(moments: Moments | Rows, solution: Tensor) -> bool:
    """Whether a solution has no error but that of rounding."""
    return moments.error(solution) <= ROUNDING * float(moments.square)


def positions(features: int, samples: int) -> int:
    """At how many positions of each sample a layer is looked at: enough for ``ROWS_EACH`` rows a feature, but at least ``FEWEST`` and
    at most ``POSITIONS``, since neighbors are nearly alike; of very many features ``MOST_ROWS`` rows in all."""
    if features > MOST_FEATURES:
        return max(1, min(POSITIONS, MOST_ROWS // samples))
    return min(max(-(-ROWS_EACH * features // samples), FEWEST), POSITIONS)
