"""Traps of information planes that need the network or a layer, each as a check with a name: what it saw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from pidnet.channels import Scaled
from pidnet.estimators import Information, code_information
from pidnet.networks.inputs import Inputs
from pidnet.networks.running import restored, scores
from pidnet.planes.row_checks import Finding
from pidnet.planes.surrogates import BINNINGS, binned_information, noisy_information

WIDE = 0.1
LOOSE = 0.1
FLAT = 0.05  # bits: a smaller change of a binned entropy is none


def binning(snapshots: Sequence[Tensor], y: Tensor | None = None) -> list[Finding]:
    """Whether the bins decide if the entropy of a layer rises or falls over training.

    Parameters
    ----------
    snapshots : sequence of Tensor
        Units (sample, unit) of one layer at two or more epochs.
    y : Tensor, optional
        Labels, for the information about them.

    Returns
    -------
    list of Finding
        One where two kinds of bins show changes of another sign between some epochs.

    Raises
    ------
    ValueError
        For fewer than two snapshots.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> h = torch.randn(500, 1, generator=torch.Generator().manual_seed(0))
    >>> pn.planes.checks.binning([h**3, (10 * h.erf()).round()])[0].check
    'binning'
    """
    if len(snapshots) < 2:
        raise ValueError(f"{len(snapshots)} snapshot; expected at least 2 to see a change")
    values = {
        name: [binned_information(t, y, bins=bins, how=how).value for t in snapshots]
        for name, (how, bins) in BINNINGS.items()
    }
    for k in range(1, len(snapshots)):
        changes = {name: found[k] - found[k - 1] for name, found in values.items()}
        up = [name for name, change in changes.items() if change > FLAT]
        down = [name for name, change in changes.items() if change < -FLAT]
        if up and down:
            sentence = f"rises with {up[0]} and falls with {down[0]}: the bins decide, not the layer"
            return [Finding("binning", f"snapshot {k} to {k + 1}", sentence)]
    return []


def scale(t: Tensor, std: float = 0.1) -> list[Finding]:
    """Whether I(X;T+noise), with noise added afterwards, changes when T is multiplied by 10, which changes nothing.

    Parameters
    ----------
    t : Tensor
        (sample, unit), without noise of its own.
    std : float
        Of the noise that is added.

    Returns
    -------
    list of Finding
        One where the number changes by more than its errors.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> h = torch.randn(300, 2, generator=torch.Generator().manual_seed(0))
    >>> pn.planes.checks.scale(h)[0].check
    'scale'
    """
    first, second = noisy_information(t, std), noisy_information(10 * t, std)
    if abs(second.value - first.value) <= WIDE + 2 * (first.error + second.error):
        return []
    sentence = (
        f"{first.value:.2f} bits, and {second.value:.2f} after T is multiplied by 10: the noise decides"
    )
    return [Finding("scale", f"noise of {std} added afterwards", sentence)]


def modes(model: nn.Module, x: Inputs) -> list[Finding]:
    """Whether noise of the network is on where it is thought off, or off where it is thought on.

    Parameters
    ----------
    model : nn.Module
        Its modes are as before afterwards.
    x : Tensor, tuple or mapping
        Some inputs.

    Returns
    -------
    list of Finding
        For dropout that eval mode turns off, and for noise that eval mode does not turn off and no layer accounts
        for.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> from torch import nn
    >>> net = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5), nn.Linear(3, 2))
    >>> pn.planes.checks.modes(net, torch.ones(5, 4))[0].check
    'modes'
    """
    dropout = [
        name for name, part in model.named_modules() if isinstance(part, nn.modules.dropout._DropoutNd)
    ]
    found = []
    if dropout:
        sentence = "off in eval mode, so that the network is deterministic; layers.GaussianDropout stays on"
        found.append(Finding("modes", ", ".join(dropout), sentence))
    known = any(
        hasattr(part, "channel") or part.__class__.__name__ == "MeanField" for part in model.modules()
    )
    if not known and not torch.equal(_pass(model, x, 0), _pass(model, x, 1)):
        sentence = "two passes in eval mode differ, and no layer with a channel accounts for it"
        found.append(Finding("modes", type(model).__name__, sentence))
    return found


@torch.no_grad()
def _pass(model: nn.Module, x: Inputs, seed: int) -> Tensor:
    with restored(model):
        torch.manual_seed(seed)
        return scores(model, x)


def zeros(channel: Any, information: Information) -> list[Finding]:
    """Whether Gaussian dropout mostly tells which units are 0.

    Parameters
    ----------
    channel : Channel
        Of the layer; only ``Scaled`` has the trap.
    information : Information
        Its I(X;T).

    Returns
    -------
    list of Finding
        One where the pattern of zeros holds more than half of the information.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> channel = pn.channels.Scaled(torch.randn(200, 8, generator=torch.Generator().manual_seed(0)).relu(), 1.0)
    >>> found = pn.channel_information(channel)["I(X;T)"]
    >>> pn.planes.checks.zeros(channel, found)[0].check
    'zeros'
    """
    if not isinstance(channel, Scaled) or not channel.zeros.any():
        return []
    pattern = code_information(channel.zeros, about="data")["H(T)"].value
    if pattern <= 0.5 * information.value:
        return []
    sentence = (
        f"{pattern:.2f} of {information.value:.2f} bits tell which units are 0, which the noise leaves alone"
    )
    return [Finding("zeros", "Gaussian dropout", sentence)]


def variational(bound: float, exact: Information) -> list[Finding]:
    """Whether a variational bound is far above what it bounds.

    Parameters
    ----------
    bound : float
        Such as a CEB or VIB loss gives, in bits.
    exact : Information
        The bracket of the same quantity.

    Returns
    -------
    list of Finding
        One where the bound is more than 10 % above the bracket: it measures how well its model was trained.

    Examples
    --------
    >>> import pidnet as pn
    >>> exact = pn.Information("I(X;T|Y)", 2.9, 2.85, 3.0)
    >>> print(pn.planes.checks.variational(7.6, exact)[0].sentence)
    the bound is 7.60 bits where the bracket ends at 3.00: refit its model, show both
    """
    if not math.isfinite(exact.high) or bound - exact.high <= LOOSE * exact.high:
        return []
    sentence = f"the bound is {bound:.2f} bits where the bracket ends at {exact.high:.2f}: refit its model, show both"
    return [Finding("variational", exact.quantity, sentence)]
