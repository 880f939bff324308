"""A short fine-tuning with the same budget for whoever is compared."""

from __future__ import annotations

import copy

from torch import Tensor, nn

from pidnet import training


def fine_tune(
    small: nn.Module, data: tuple[Tensor, Tensor], *, epochs: int = 2, rate: float = 3e-4, seed: int = 0
) -> nn.Module:
    """A fine-tuned copy of a pruned network, in eval mode; the given one is untouched.

    data: inputs and labels. epochs, rate, seed: passes over the data, the largest learning rate of the
    one-cycle schedule and the order of the batches: equal settings give every network the same samples in
    the same order and the same number of steps. Raises ValueError for fewer than one epoch.
    """
    if epochs < 1:
        raise ValueError(f"epochs={epochs}; expected at least 1")
    return training.train(copy.deepcopy(small), *data, epochs=epochs, rate=rate, seed=seed)
