"""A short fine-tuning with the same budget for whoever is compared."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from pidnet import training
from pidnet.arguments import check_arguments
from pidnet.networks.inputs import HOLDOUT, Inputs, parted, split
from pidnet.networks.outputs import read_output
from pidnet.networks.running import restored, scores


def fine_tune(
    small: nn.Module,
    data: tuple[Inputs, Tensor],
    *,
    epochs: int = 2,
    rate: float = 3e-4,
    seed: int = 0,
    teacher: nn.Module | None = None,
) -> nn.Module:
    """A fine-tuned copy of a pruned network, in eval mode; the given one is untouched.

    Equal settings give every network the same samples in the same order and the same number of steps.

    Parameters
    ----------
    small : nn.Module
        The network to start from.
    data : tuple
        Inputs, as the model takes them, and labels.
    epochs : int
        Passes over the data.
    rate : float
        Largest learning rate of the one-cycle schedule.
    seed : int
        Seed of the order of the batches.
    teacher : nn.Module, optional
        The dense network. With it the copy learns what the teacher outputs and no label: it lowers the divergence of
        its output from the teacher's, on four of five samples. After every epoch the fifth ones decide: the weights
        that lose least there stay, which may be those it started with.

    Returns
    -------
    nn.Module
        The copy.

    Raises
    ------
    ValueError
        For fewer than one epoch, or with a teacher for fewer than five samples.

    Examples
    --------
    >>> import pidnet as pn
    >>> samples = pn.datasets.load("digits")
    >>> data = samples.x_train[:128], samples.y_train[:128]
    >>> tuned = pn.training.fine_tune(pn.zoo.mlp(64, (4,), 10), data, epochs=1)
    """
    check_arguments(fine_tune, locals())
    if epochs < 1:
        raise ValueError(f"epochs={epochs}; expected at least 1")
    if teacher is not None and len(data[1]) < HOLDOUT:
        raise ValueError(
            f"the data hold {len(data[1])} samples; a teacher needs at least {HOLDOUT}: one is held out"
        )
    tuned = copy.deepcopy(small)
    if teacher is None:
        return training.train(tuned, *data, epochs=epochs, rate=rate, seed=seed)
    return _distilled(tuned, teacher, data, {"epochs": epochs, "rate": rate, "seed": seed})


def _distilled(
    small: nn.Module, teacher: nn.Module, data: tuple[Inputs, Tensor], options: dict[str, Any]
) -> nn.Module:
    """Train the network in place towards the teacher's scores; the best weights on every fifth sample stay."""
    x, y = data
    with torch.no_grad(), restored(teacher):
        wanted = torch.cat([scores(teacher, batch) for batch in split(x)])
    reading = read_output(wanted, y.to(wanted.device))
    (fit, held), (aims, wanted) = parted(x), parted(wanted)

    @torch.no_grad()
    def loss() -> float:
        made = torch.cat([scores(small.eval(), batch) for batch in split(held)])
        return float(reading.divergence(wanted, made).mean())

    def lost(model: nn.Module, some: Inputs, target: Tensor) -> Tensor:
        return reading.divergence(target, scores(model, some)).mean()

    best, least = copy.deepcopy(small.state_dict()), loss()
    for _ in training.train_epochs(small, fit, aims, loss=lost, **options):
        if (now := loss()) < least:
            best, least = copy.deepcopy(small.state_dict()), now
    small.load_state_dict(best)
    return small.eval()
