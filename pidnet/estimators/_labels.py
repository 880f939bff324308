"""Labels as class numbers, checked at the door."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from pidnet.estimators._arrays import array

FEWEST_PER_CLASS = 2


def class_numbers(y: Any, samples: int, device: torch.device | str = "cpu") -> Tensor:
    """Classes 0, 1, ... of each sample.

    Raises ValueError for labels that do not fit the samples, are all equal, or are as many as the samples.
    """
    labels = array(y, "y")
    if labels.shape != (samples,):
        raise ValueError(f"y has shape {labels.shape}; expected one label for each of the {samples} samples")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise ValueError("y holds values that are not finite; remove those samples")
    classes, numbers = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            f"all labels are {classes[0]}: nothing can carry information about them; leave y out to get I(X;T) alone"
        )
    if samples < FEWEST_PER_CLASS * len(classes):
        raise ValueError(
            f"{len(classes)} classes for {samples} samples; expected at least {FEWEST_PER_CLASS} samples a class "
            "(bin a continuous target first)"
        )
    return torch.from_numpy(numbers).to(device)


def entropy(numbers: Tensor) -> float:
    """Plug-in entropy of class numbers, in nats."""
    p = torch.bincount(numbers).double() / len(numbers)
    return -float(torch.xlogy(p, p).sum())
