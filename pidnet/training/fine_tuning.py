"""A short fine-tuning with the same budget for whoever is compared."""

from __future__ import annotations

import copy

from torch import Tensor, nn

from pidnet import training


def fine_tune(
    small: nn.Module, data: tuple[Tensor, Tensor], *, epochs: int = 2, rate: float = 3e-4, seed: int = 0
) -> nn.Module:
    """A fine-tuned copy of a pruned network, in eval mode; the given one is untouched.

    Equal settings give every network the same samples in the same order and the same number of steps.

    Parameters
    ----------
    small : nn.Module
        The network to start from.
    data : tuple of Tensor
        Inputs and labels.
    epochs : int
        Passes over the data.
    rate : float
        Largest learning rate of the one-cycle schedule.
    seed : int
        Seed of the order of the batches.

    Returns
    -------
    nn.Module
        The copy.

    Raises
    ------
    ValueError
        For fewer than one epoch.

    Examples
    --------
    >>> import pidnet as pn
    >>> samples = pn.datasets.load("digits")
    >>> data = samples.x_train[:128], samples.y_train[:128]
    >>> tuned = pn.training.fine_tune(pn.zoo.mlp(64, (4,), 10), data, epochs=1)
    """
    if epochs < 1:
        raise ValueError(f"epochs={epochs}; expected at least 1")
    return training.train(copy.deepcopy(small), *data, epochs=epochs, rate=rate, seed=seed)
