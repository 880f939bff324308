"""Variational bounds: what a backward encoder b(t|y) makes of I(X;T|Y) and I(X;T), and the best Gaussian one."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, Normal

from pidnet import channels
from pidnet.arguments import check_arguments
from pidnet.estimators._labels import class_numbers
from pidnet.estimators.information import ERRORS, Information

NAT = 1 / math.log(2)  # bits in a nat


def fit_backward(encoder: Normal | channels.Normal, y: Any) -> MultivariateNormal:
    """The Gaussian backward encoder that fits best: mean and full covariance of the code in each class.

    Parameters
    ----------
    encoder : torch.distributions.Normal or channels.Normal
        e(t|x), (sample, unit).
    y : array or Tensor
        The class of each sample, int (sample,), from 0 on; all classes up to the largest occur.

    Returns
    -------
    torch.distributions.MultivariateNormal
        b(t|y), (class, unit), float64.

    Raises
    ------
    ValueError
        For labels that do not fit or a class without samples.

    Notes
    -----
    In class y: mean of the means, and covariance of the means plus the mean of the variances. It minimizes
    E[log e - log b] over all Gaussians, so that a bound far above that of this b tells that b was trained badly.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> code = torch.distributions.Normal(torch.randn(40, 2), torch.ones(40, 2))
    >>> pn.fit_backward(code, torch.arange(40) % 4).mean.shape
    torch.Size([4, 2])
    """
    check_arguments(fit_backward, locals())
    mean, variance = _moments(encoder)
    labels = _labels(y, mean)
    parts = [(labels == c).nonzero()[:, 0] for c in range(int(labels.max()) + 1)]
    absent = [c for c, part in enumerate(parts) if not len(part)]
    if absent:
        raise ValueError(f"no sample of class {absent[0]}; number the classes that occur from 0 on")
    centers = torch.stack([mean[part].mean(0) for part in parts])
    about = [mean[part] - center for part, center in zip(parts, centers, strict=True)]
    spread = [a.T @ a / len(a) + variance[part].mean(0).diag() for a, part in zip(about, parts, strict=True)]
    return MultivariateNormal(centers, torch.stack(spread))


def variational_bounds(
    encoder: Normal | channels.Normal, y: Any, backward: Normal | MultivariateNormal, *, seed: int = 0
) -> dict[str, Information]:
    """Upper ends of I(X;T|Y) and I(X;T) from a backward encoder, such as the one that was trained.

    Parameters
    ----------
    encoder : torch.distributions.Normal or channels.Normal
        e(t|x), (sample, unit).
    y : array or Tensor
        The class of each sample, int (sample,), the number of a class of ``backward``.
    backward : torch.distributions.Normal or MultivariateNormal
        b(t|y), (class, unit).
    seed : int
        Of the codes drawn for I(X;T).

    Returns
    -------
    dict
        Quantity -> Information with ``value`` = the bound and ``low`` = 0: only the upper end is known.

    Raises
    ------
    ValueError
        For labels that do not fit.

    Notes
    -----
    I(X;T|Y) <= E KL(e(t|x) || b(t|y)), in closed form, and I(X;T) <= E[log e(t|x) - log sum_y p(y) b(t|y)], over
    one code a sample, in the population the samples come from if b was not fitted to them. The first is too large by
    E KL(p(t|y) || b(t|y)): compare ``pn.channel_information``, which needs no b.
    Source: Fischer, The conditional entropy bottleneck, 2020, equations 9 and 10.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> code = pn.channels.Normal(torch.arange(4.0).repeat(50)[:, None], 1.0)
    >>> y = torch.arange(200) % 2
    >>> pn.estimators.variational_bounds(code, y, pn.fit_backward(code, y))["I(X;T|Y)"]
    I(X;T|Y) 0.500 [0.000, 0.500] bits, ok (variational, 200 samples)
    """
    check_arguments(variational_bounds, locals())
    mean, variance = _moments(encoder)
    labels = _labels(y, mean)
    centers, roots = _class_roots(backward, mean)
    if labels.max() >= len(centers):
        raise ValueError(f"a label is {int(labels.max())}; the backward encoder has {len(centers)} classes")
    generator = torch.Generator(mean.device).manual_seed(seed)
    noise = torch.randn(mean.shape, generator=generator, dtype=mean.dtype, device=mean.device)
    t = mean + variance.sqrt() * noise
    share = torch.bincount(labels, minlength=len(centers)).to(mean) / len(labels)
    mixture = MultivariateNormal(centers, scale_tril=roots).log_prob(t.unsqueeze(1)) + share.log()
    own = Normal(mean, variance.sqrt()).log_prob(t).sum(1)
    points = {
        "I(X;T|Y)": _divergences(mean, variance, labels, (centers, roots)),
        "I(X;T)": own - torch.logsumexp(mixture, 1),
    }
    return {quantity: _upper(quantity, point, mean.shape[1]) for quantity, point in points.items()}


def _divergences(mean: Tensor, variance: Tensor, labels: Tensor, backward: tuple[Tensor, Tensor]) -> Tensor:
    """KL of N(mean, diag variance) from N(center, root root') of the own class, (sample,), nats."""
    found = mean.new_zeros(len(mean))
    for c, (center, root) in enumerate(zip(*backward, strict=True)):
        own = labels == c
        inverse = torch.linalg.inv(root)
        white = (mean[own] - center) @ inverse.T
        logs = 2 * root.diagonal().log().sum() - variance[own].log().sum(1)
        trace = variance[own] @ inverse.square().sum(0)
        found[own] = 0.5 * (logs + trace + white.square().sum(1) - mean.shape[1])
    return found


def _upper(quantity: str, point: Tensor, units: int) -> Information:
    bits = float(point.mean()) * NAT
    error = float(point.std()) / math.sqrt(len(point)) * NAT if len(point) > 1 else math.inf
    high = max(bits + ERRORS * error, 0.0)
    note = "a variational bound: the upper end alone is known, and it hangs on how well b was fitted"
    return Information(
        quantity,
        bits,
        0.0,
        high,
        error,
        estimator="variational",
        samples=len(point),
        units=units,
        notes=(note,),
    )


def _class_roots(backward: Normal | MultivariateNormal, like: Tensor) -> tuple[Tensor, Tensor]:
    """Means (class, unit) and Cholesky factors (class, unit, unit)."""
    root: Any = backward.scale.diag_embed() if isinstance(backward, Normal) else backward.scale_tril
    return backward.mean.detach().to(like), root.detach().to(like)


def _moments(encoder: Normal | channels.Normal) -> tuple[Tensor, Tensor]:
    """Means and variances, float64 (sample, unit)."""
    mean = encoder.mean.detach().double()
    variance = encoder.variance.detach().double().expand_as(mean)
    return mean, variance


def _labels(y: Any, mean: Tensor) -> Tensor:
    class_numbers(y, len(mean), mean.device)
    labels = torch.as_tensor(y)
    if labels.is_floating_point() or labels.min() < 0:
        raise ValueError("labels are not class numbers; expected integers from 0 on")
    return labels.long().to(mean.device)
