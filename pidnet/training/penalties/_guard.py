"""Does the network still learn to tell its inputs apart?"""

from __future__ import annotations

import math
import warnings

import torch
from torch import Tensor

MEMORY = 0.95
STEPS = 20
LEAST_BITS = 0.1
COLLAPSED = 0.5
LATEST = 0.5


class Guard:
    """Warns once when a training collapses under its penalty; no labels are needed.

    What the output tells of the input is I(input; class) of the classes as the network gives them, averaged over some
    twenty batches. It is held against half of the most that it was before, and from ``LATEST`` of the training on, where
    the term is a share, against the term: what is learned should be worth more nats than what is paid. ``LATEST`` was set
    by hand on eleven trainings of an MLP and an LSTM.
    """

    def __init__(self) -> None:
        self.best = self.bits = self.paid = 0.0
        self.warned, self._steps = False, 0

    def see(self, scores: Tensor, remedy: str) -> None:
        """Look at the scores of a batch."""
        if self.warned or scores.ndim < 2 or scores.shape[-1] < 2 or math.prod(scores.shape[:-1]) < 2:
            return
        self._steps += 1
        self.bits += max(1 - MEMORY, 1 / self._steps) * (told_apart(scores) - self.bits)
        if self._steps >= STEPS:
            self.best = max(self.best, self.bits)
        if self.best > LEAST_BITS and self.bits < COLLAPSED * self.best:
            self._warn(f"and did by {self.best:.2g} before; {remedy}")

    def pay(self, nats: float, progress: float, remedy: str) -> None:
        """Hold a share that is added to the loss against what has been learned."""
        self.paid += 2 * (1 - MEMORY) * (nats - self.paid)
        late = progress >= LATEST and self._steps >= STEPS and not self.warned
        if late and self.paid > self.bits * math.log(2):
            self._warn(f"less than the {self.paid / math.log(2):.2g} bits that the penalty takes; {remedy}")

    def _warn(self, compared: str) -> None:
        self.warned = True
        warnings.warn(
            f"the training collapses: the output tells its inputs apart by {self.bits:.2g} bits, {compared}",
            stacklevel=4,
        )


@torch.no_grad()
def told_apart(scores: Tensor) -> float:
    """I(input; class) in bits, with the classes drawn from the softmax of the scores."""
    logs = scores.detach().float().flatten(0, -2).log_softmax(-1)
    mean = logs.exp().mean(0)
    within = -(logs.exp() * logs).sum(-1).mean()
    return float((-torch.special.xlogy(mean, mean).sum() - within) / math.log(2))
