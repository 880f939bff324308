"""Losses that trade what a stochastic code carries about the input for what it tells about the class; in nats."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, MultivariateNormal, Normal

from pidnet.arguments import check_arguments
from pidnet.choices import find_choice
from pidnet.printing import Registry

# form -> (gamma of a beta, beta of a gamma, what is minimized); gamma is the weight of I(Z;Y) beside I(X;Z|Y)
BETA_FORMS: dict[str, tuple[Callable[[float], float], Callable[[float], float], str]] = Registry(
    "forms of beta",
    {
        "ib": (lambda beta: beta - 1, lambda gamma: gamma + 1, "I(X;Z) - beta I(Z;Y)"),
        "gamma": (lambda beta: beta, lambda gamma: gamma, "I(X;Z|Y) - beta I(Z;Y)"),
        "ceb": (
            lambda beta: 1 / beta if beta else math.inf,
            lambda gamma: 1 / gamma,
            "beta I(X;Z|Y) - I(Z;Y)",
        ),
        "rho": (math.exp, math.log, "exp(-beta) I(X;Z|Y) - I(Z;Y)"),
        "vib": (
            lambda beta: 1 / beta - 1 if beta else math.inf,
            lambda gamma: 1 / (1 + gamma),
            "beta I(X;Z) - I(Z;Y)",
        ),
    },
)


def convert_beta(beta: float, form: str, to: str) -> float:
    """The same trade-off between I(X;Z) and I(Z;Y) in the parameter of another paper.

    Parameters
    ----------
    beta : float
        The parameter.
    form : str
        What it means: "ib" minimizes I(X;Z) - beta I(Z;Y) (Tishby; Adilova et al.), "gamma" I(X;Z|Y) - beta I(Z;Y)
        (Fischer), "ceb" beta I(X;Z|Y) - I(Z;Y), "rho" exp(-beta) I(X;Z|Y) - I(Z;Y) (Fischer and Alemi), "vib"
        beta I(X;Z) - I(Z;Y) (Alemi et al.).
    to : str
        The form that is wanted.

    Returns
    -------
    float
        The parameter in that form.

    Raises
    ------
    ValueError
        For an unknown form, or a beta that weighs I(Z;Y) with 0 or less.

    Notes
    -----
    Y - X - Z is a Markov chain, so I(X;Z) = I(X;Z|Y) + I(Z;Y), and all five are one family.

    Examples
    --------
    >>> import pidnet as pn
    >>> pn.training.convert_beta(101, "ib", "gamma"), pn.training.convert_beta(101, "ib", "ceb")
    (100.0, 0.01)
    """
    check_arguments(convert_beta, locals())
    return float(find_choice("form", to, BETA_FORMS)[1](_gamma(beta, form)))


def ceb_loss(
    encoder: Normal,
    z: Tensor,
    backward: Normal | MultivariateNormal,
    logits: Tensor,
    y: Tensor,
    beta: float,
    *,
    form: str = "ib",
) -> Tensor:
    """The conditional entropy bottleneck: a weighted sum of log e(z|x) - log b(z|y) and the cross-entropy.

    Parameters
    ----------
    encoder : torch.distributions.Normal
        e(z|x), (sample, latent).
    z : Tensor
        Codes drawn from it, (sample, latent) or (draw, sample, latent).
    backward : torch.distributions.Normal or MultivariateNormal
        b(z|y), one for each class.
    logits : Tensor
        What the decoder makes of ``z``, (sample, class) or (draw, sample, class).
    y : Tensor
        Labels, int64 (sample,).
    beta : float
        The trade-off; larger keeps more information in all forms but "ceb".
    form : str
        What ``beta`` means, a form of ``convert_beta`` other than "vib".

    Returns
    -------
    Tensor
        Scalar, nats.

    Raises
    ------
    ValueError
        For an unknown form, a beta out of its range, or labels without a class in ``backward``.

    Notes
    -----
    With rate = mean(log e(z|x) - log b(z|y)), an upper bound of I(X;Z|Y), and the cross-entropy CE >= H(Y) - I(Z;Y):
    "ib" [rate + (beta - 1) CE] / beta; "gamma" rate + beta CE; "ceb" beta rate + CE; "rho" exp(-beta) rate + CE.
    Sources: Fischer, The conditional entropy bottleneck, 2020; Fischer and Alemi, CEB improves model robustness, 2020.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> layer = pn.layers.Bottleneck(4, latent=2, classes=3)
    >>> code = layer.encode(torch.zeros(6, 4))
    >>> y = torch.arange(6) % 3
    >>> loss = pn.training.ceb_loss(
    ...     code, code.rsample(), layer.backward_encoder(), torch.zeros(6, 3), y, beta=10.0
    ... )
    >>> loss.shape
    torch.Size([])
    """
    check_arguments(ceb_loss, locals())
    if form == "vib":
        raise ValueError('form="vib" is about I(X;Z); use vib_loss, or convert_beta(beta, "vib", "ib")')
    rate = encoder.log_prob(z).sum(-1).mean() - _class_log_prob(backward, z, y).mean()
    return _weighed(rate, _cross_entropy(logits, y), beta, form, _gamma(beta, form))


def vib_loss(
    encoder: Normal,
    logits: Tensor,
    y: Tensor,
    beta: float,
    *,
    prior: Normal | None = None,
    form: str = "vib",
) -> Tensor:
    """The variational information bottleneck: a weighted sum of KL(e(z|x) || r(z)) and the cross-entropy.

    Parameters
    ----------
    encoder : torch.distributions.Normal
        e(z|x), (sample, latent).
    logits : Tensor
        What the decoder makes of codes drawn from it, (sample, class) or (draw, sample, class).
    y : Tensor
        Labels, int64 (sample,).
    beta : float
        The trade-off; in the form "vib" larger compresses more.
    prior : torch.distributions.Normal, optional
        r(z), standard normal by default.
    form : str
        "vib": CE + beta KL. "ib": CE + KL / beta.

    Returns
    -------
    Tensor
        Scalar, nats.

    Raises
    ------
    ValueError
        For another form or a beta that is not positive.

    Notes
    -----
    The divergence, in closed form, is an upper bound of I(X;Z).
    Source: Alemi et al., Deep variational information bottleneck, 2017, equation 17.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> code = pn.layers.Bottleneck(4, latent=2).encode(torch.zeros(6, 4))
    >>> pn.training.vib_loss(code, torch.zeros(6, 3), torch.arange(6) % 3, beta=1e-3).shape
    torch.Size([])
    """
    check_arguments(vib_loss, locals())
    if form not in ("vib", "ib"):
        raise ValueError(f'form={form!r}; expected "vib" or "ib" (convert_beta translates others)')
    if not beta > 0:
        raise ValueError(f"beta={beta}; expected a positive number")
    prior = Normal(torch.zeros(()).to(logits), torch.ones(()).to(logits)) if prior is None else prior
    rate = torch.distributions.kl_divergence(encoder, prior).sum(-1).mean()
    return _cross_entropy(logits, y) + (beta if form == "vib" else 1 / beta) * rate


def bottleneck_loss(
    beta: float, *, form: str = "ib", prior: Normal | None = None, draws: int = 1
) -> Callable[[Any, Tensor, Tensor], Tensor]:
    """A loss for ``train_epochs`` on networks with a bottleneck (``pn.zoo.bottlenecked``).

    Parameters
    ----------
    beta : float
        The trade-off.
    form : str
        A form of ``convert_beta``. All but "vib" train by ``ceb_loss``, "vib" by ``vib_loss``.
    prior : torch.distributions.Normal, optional
        For "vib".
    draws : int
        Codes a sample and step.

    Returns
    -------
    callable
        (model, x, y) -> scalar loss.

    Raises
    ------
    ValueError
        For an unknown form or a beta out of its range.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> net = pn.zoo.bottlenecked(pn.zoo.mlp(4, (8,), 3), latent=2)
    >>> loss = pn.training.bottleneck_loss(100.0)
    >>> loss(net, torch.zeros(6, 4), torch.arange(6) % 3).shape
    torch.Size([])
    """
    check_arguments(bottleneck_loss, locals())
    _gamma(beta, form)

    def loss(model: Any, x: Tensor, y: Tensor) -> Tensor:
        code = model.encode(x)
        z = code.rsample((draws,))
        logits = model.decoder(z)
        if form == "vib":
            return vib_loss(code, logits, y, beta, prior=prior)
        return ceb_loss(code, z, model.bottleneck.backward_encoder(), logits, y, beta, form=form)

    return loss


def _gamma(beta: float, form: str) -> float:
    gamma = find_choice("form", form, BETA_FORMS)[0](beta)
    if not gamma > 0 or not math.isfinite(gamma):
        goal = BETA_FORMS[form][2]
        raise ValueError(f"beta={beta} of the form {form!r} ({goal}) gives I(Z;Y) no positive, finite weight")
    return gamma


def _weighed(rate: Tensor, ce: Tensor, beta: float, form: str, gamma: float) -> Tensor:
    """Rate and cross-entropy at the ratio 1 to gamma, in the scale of the form."""
    if form == "ib":
        return (rate + gamma * ce) / beta
    return rate + gamma * ce if form == "gamma" else rate / gamma + ce


def _class_log_prob(backward: Distribution, z: Tensor, y: Tensor) -> Tensor:
    """log b(z|y) at the own class, (..., sample)."""
    dense = backward.log_prob(z.unsqueeze(-2))
    dense = dense.sum(-1) if isinstance(backward, Normal) else dense
    if y.min() < 0 or y.max() >= dense.shape[-1]:
        raise ValueError(
            f"labels from {int(y.min())} to {int(y.max())}; the backward encoder has {dense.shape[-1]} classes"
        )
    return dense.gather(-1, y.expand(dense.shape[:-1]).unsqueeze(-1)).squeeze(-1)


def _cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    return nn.functional.cross_entropy(logits.flatten(0, -2), y.expand(logits.shape[:-1]).flatten())
