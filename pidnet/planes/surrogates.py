"""Finite numbers of layers without noise: of their bins, or with noise added. They are not I(X;T), and say so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pidnet.arguments import check_arguments
from pidnet.channels import Normal
from pidnet.channels.channel import checked_matrix
from pidnet.choices import find_choice
from pidnet.estimators import Information, channel_information, code_information

GEOMETRY = "a number of the bins: it follows the geometry of T, not its information"
ADDED = "a number of the noise that was added: it changes with the scale of T, which I(X;T) does not"
# How a layer is binned to see whether the bins decide.
BINNINGS = {
    "30 bins of equal width": ("equal_width", 30),
    "30 bins of equal mass": ("equal_mass", 30),
    "120 bins of equal width": ("equal_width", 120),
}


def binned_information(t: Tensor, y: Any = None, *, bins: int = 30, how: str = "equal_width") -> Information:
    """H(binned T), or with labels I(binned T;Y), as the information planes of the literature have it.

    Parameters
    ----------
    t : Tensor
        (sample, unit).
    y : array or Tensor, optional
        Labels.
    bins : int
        Bins of each unit.
    how : str
        "equal_width" over the range of all units, or "equal_mass" for each unit.

    Returns
    -------
    Information
        About the data, counted. Its state is "not robust": other bins give another number.

    Raises
    ------
    ValueError
        For fewer than 2 bins, values that are not finite, or another word.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> pn.planes.binned_information(torch.linspace(-1, 1, 64)[:, None], bins=4)
    H(binned T) 2.00 [2.00, 2.00] bits, not robust (4 bins, equal_width, 64 samples)
    """
    check_arguments(binned_information, locals())
    if bins < 2:
        raise ValueError(f"bins={bins}; expected at least 2")
    codes = find_choice("binning", how, {"equal_width": _equal_width, "equal_mass": _equal_mass})(
        checked_matrix("t", t), bins
    )
    found = code_information(codes, y, about="data")
    chosen = found["H(T)"] if y is None else found["I(T;Y)"]
    quantity = "H(binned T)" if y is None else "I(binned T;Y)"
    named = replace(chosen, quantity=quantity, estimator=f"{bins} bins, {how}")
    return named.with_note(GEOMETRY, state="not robust")


def noisy_information(t: Tensor, std: float = 0.1, *, seed: int = 0) -> Information:
    """I(X;T+noise) with Gaussian noise that the network does not have, added afterwards.

    Parameters
    ----------
    t : Tensor
        (sample, unit).
    std : float
        Standard deviation of the noise.
    seed : int
        Of its draws.

    Returns
    -------
    Information
        Its state is "not robust": it changes when T is multiplied by a number.

    Raises
    ------
    ValueError
        For a ``std`` that is not positive.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> t = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    >>> pn.planes.noisy_information(t).value < pn.planes.noisy_information(10 * t).value
    True
    """
    check_arguments(noisy_information, locals())
    if not std > 0:
        raise ValueError(f"std={std}; expected a positive number")
    found = channel_information(Normal(t, std**2), draws=1, seed=seed)["I(X;T)"]
    named = replace(found, quantity="I(X;T+noise)", estimator=f"noise of {std} added")
    return named.with_note(ADDED, state="not robust")


def _equal_width(t: Tensor, bins: int) -> np.ndarray:
    low, high = t.min(), t.max()
    return ((t - low) / (high - low).clamp(min=1e-300) * bins).floor().clamp(0, bins - 1).long().cpu().numpy()


def _equal_mass(t: Tensor, bins: int) -> np.ndarray:
    edges = torch.quantile(t, torch.linspace(0, 1, bins + 1, dtype=t.dtype, device=t.device)[1:-1], dim=0)
    columns = [torch.bucketize(t[:, k].contiguous(), edges[:, k].contiguous()) for k in range(t.shape[1])]
    return torch.stack(columns, 1).cpu().numpy()
