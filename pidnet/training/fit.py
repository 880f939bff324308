"""Plain supervised training, enough for the reference networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from pidnet.arguments import check_arguments
from pidnet.layers import kl_divergence
from pidnet.networks.inputs import Inputs, on_device, samples, shapes, take, tensors_in
from pidnet.networks.outputs import IGNORED, check_labels, class_axis, unfit_labels
from pidnet.networks.running import class_scores, device_of, run_or_say, scores
from pidnet.progress import shown

Loss = Callable[[Any, Tensor, Tensor], Tensor]
Penalty = Callable[[float], Tensor]


def train(
    model: nn.Module,
    x: Inputs,
    y: Tensor,
    *,
    epochs: int = 30,
    rate: float = 1e-3,
    decay: float = 0.0,
    seed: int = 0,
    batch: int = 64,
    loss: Loss | None = None,
    penalty: Penalty | None = None,
) -> nn.Module:
    """Train as ``train_epochs`` does, to the end.

    Parameters
    ----------
    model : nn.Module
        The network; it is changed in place.
    x : Tensor, tuple or mapping
        Inputs (sample, ...), as the model takes them; each batch is moved to the device of the model.
    y : Tensor
        Labels, int64 (sample,).
    epochs : int
        Passes over the data.
    rate : float
        Largest learning rate of the one-cycle schedule.
    decay : float
        Decay of the weights, per step and unit of rate; 0 is Adam.
    seed : int
        Seed of the order of the batches, which does not follow the global random state.
    batch : int
        Samples of a step.
    loss : callable, optional
        (model, x, y) -> scalar, such as ``bottleneck_loss``; the cross-entropy by default.
    penalty : callable, optional
        (share of the steps done) -> scalar, asked after each forward pass and added to the loss.

    Returns
    -------
    nn.Module
        The same model, in eval mode.

    Raises
    ------
    ValueError
        For fewer than one epoch, a rate of 0, labels that are not one a sample or no classes of the output, and inputs
        that are not finite.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> _ = torch.manual_seed(0)
    >>> samples = pn.datasets.load("digits")
    >>> data = samples.x_train[:128], samples.y_train[:128]
    >>> net = pn.zoo.mlp(64, (8,), 10)
    >>> net = pn.training.train(net, *data, epochs=1)
    >>> net.training
    False
    """
    check_arguments(train, locals())
    if epochs < 1 or not 0 < rate < float("inf"):
        raise ValueError(f"epochs={epochs}, rate={rate}; expected at least one epoch and a rate above 0")
    parts = list(tensors_in(x))
    if not parts or 0 in [part.ndim for part in (*parts, y)] or samples(x) != len(y):
        raise ValueError(
            f"x has shape {shapes(x)} but y has shape {tuple(y.shape)}; expected one label a sample"
        )
    if not all(part.isfinite().all() for part in parts):
        raise ValueError("x holds values that are not finite; drop or impute those samples")
    options = {"epochs": epochs, "rate": rate, "decay": decay, "seed": seed, "batch": batch}
    for _ in train_epochs(model, x, y, loss=loss, penalty=penalty, **options):
        pass
    return model.eval()


def train_epochs(
    model: nn.Module,
    x: Inputs,
    y: Tensor,
    *,
    epochs: int = 30,
    rate: float = 1e-3,
    decay: float = 0.0,
    seed: int = 0,
    batch: int = 64,
    loss: Loss | None = None,
    penalty: Penalty | None = None,
) -> Iterator[int]:
    """Minimize the cross-entropy, or another loss, in place, one epoch at a time.

    Parameters
    ----------
    model : nn.Module
        The network; it is changed in place.
    x : Tensor, tuple or mapping
        Inputs (sample, ...), as the model takes them; each batch is moved to the device of the model.
    y : Tensor
        Labels, int64 (sample,).
    epochs : int
        Passes over the data.
    rate : float
        Largest learning rate of the one-cycle schedule.
    decay : float
        Decay of the weights, per step and unit of rate; 0 is Adam.
    seed : int
        Seed of the order of the batches, which does not follow the global random state.
    batch : int
        Samples of a step.
    loss : callable, optional
        (model, x, y) -> scalar, such as ``bottleneck_loss``; the cross-entropy by default.
    penalty : callable, optional
        (share of the steps done) -> scalar, asked after each forward pass and added to the loss.

    Yields
    ------
    int
        Number of epochs done, after each, so that the caller can look at the model.

    Notes
    -----
    AdamW with a one-cycle rate. With Gaussian weights their KL divergence per sample is added (the
    evidence bound).

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> _ = torch.manual_seed(0)
    >>> samples = pn.datasets.load("digits")
    >>> data = samples.x_train[:128], samples.y_train[:128]
    >>> net = pn.zoo.mlp(64, (8,), 10)
    >>> list(pn.training.train_epochs(net, *data, epochs=2))
    [1, 2]
    """
    generator = torch.Generator().manual_seed(seed)
    loss = cross_entropy if loss is None else loss
    device = device_of(model)
    batches = -(-len(y) // batch)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * batches)
    for epoch in shown(range(epochs), "training"):
        model.train()
        for number, part in enumerate(torch.randperm(len(y), generator=generator).split(batch)):
            optimizer.zero_grad()
            some_x, some_y = (on_device(values, device) for values in (take(x, part.tolist()), y[part]))
            lost = loss(model, some_x, some_y) + kl_divergence(model) / len(y)
            if penalty is not None:
                lost = lost + penalty((epoch * batches + number) / (epochs * batches))
            lost.backward()
            optimizer.step()
            schedule.step()
        yield epoch + 1


def cross_entropy(model: nn.Module, x: Inputs, y: Tensor) -> Tensor:
    """The loss of plain training, in nats.

    Parameters
    ----------
    model : nn.Module
        A classifier.
    x : Tensor, tuple or mapping
        Inputs (sample, ...), as the model takes them.
    y : Tensor
        Labels, int64 (sample,).

    Returns
    -------
    Tensor
        Scalar.

    Raises
    ------
    ValueError
        For labels that are no classes of the network's output.
    """
    found = scores(model, x)
    try:
        return nn.functional.cross_entropy(found, y)
    except (IndexError, RuntimeError, ValueError) as error:
        raise ValueError(unfit_labels(found, y)) from error


@torch.no_grad()
def accuracy(model: nn.Module, x: Inputs, y: Tensor) -> float:
    """Share of labels that are the class of the largest output, or, of a network with one logit, on its sign's side.

    Parameters
    ----------
    model : nn.Module
        A classifier.
    x : Tensor, tuple or mapping
        Inputs, as the model takes them.
    y : Tensor
        Labels, whole numbers (sample,), (sample, token) or (sample, place); 0 and 1 for a network with one logit.
        Those at -100 are left out, as in torch's cross-entropy.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        Where the network does not answer with one class a label, or with scores that are not numbers; without a label.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> _ = torch.manual_seed(0)
    >>> samples = pn.datasets.load("digits")
    >>> data = samples.x_train[:128], samples.y_train[:128]
    >>> net = pn.zoo.mlp(64, (8,), 10)
    >>> 0 <= pn.training.accuracy(net, *data) <= 1
    True
    """
    check_arguments(accuracy, locals())
    return share_right(class_scores(run_or_say(model, x)), y)


def share_right(scores: Tensor, y: Tensor) -> float:
    """The accuracy of scores; ValueError where they are no answers to these labels."""
    if scores.isnan().any():
        raise ValueError(
            "some of the network's scores are not numbers, so that no class is its answer; look at x and the weights"
        )
    axis = class_axis(scores.shape, y)
    if axis is None or not y.ndim or len(scores) != len(y):
        raise ValueError(
            f"an output of shape {tuple(scores.shape)} has no class for each label of shape {tuple(y.shape)}; expected "
            "the scores of classes, or one logit a sample and labels 0 and 1 (other numbers have no accuracy)"
        )
    found = scores.argmax(axis) if axis else (scores > 0).reshape(y.shape)
    y = y.to(found.device)
    check_labels(y)
    return float((found == y)[y != IGNORED].double().mean())
