"""Try a cut on units that nobody reads: the output must stay as it was."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from pidnet.networks.expanded import collapse
from pidnet.networks.running import scores
from pidnet.pruning.structure.groups import Prunable
from pidnet.pruning.structure.removal import Removal, cut

TOLERANCE = 1e-5


@torch.no_grad()
def trial(model: nn.Module, prunable: Mapping[str, Prunable], remove: Removal, x: Tensor) -> str:
    """Cut units from a copy of an expanded model that does not use them, and compare its output on samples x.

    Returns what is wrong, or an empty text.
    """
    silent = copy.deepcopy(model)
    for name, units in remove.items():
        for consumer, columns in prunable[name].consumers.items():
            silent.get_parameter(f"{consumer}.weight")[:, columns[list(units)].ravel()] = 0
    before = scores(silent, x)
    try:
        cut(silent, prunable, remove)
        after = scores(collapse(silent), x)
    except Exception as error:
        return f"leaves a network that does not run: {error}"
    return "" if same(after, before) else "changes more than the units cut"


def same(after: Tensor, before: Tensor) -> bool:
    """Whether two outputs agree to 1e-5 of the largest, or to what half precision can hold."""
    if after.shape != before.shape:
        return False
    tolerance = max(TOLERANCE, 20 * torch.finfo(before.dtype).eps) if before.dtype.itemsize < 4 else TOLERANCE
    return bool((after - before).abs().max() <= tolerance * max(1.0, float(before.abs().max())))
