"""In which order units go, by what the ones that stay cannot say of them: cheap enough for the middle of a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

# So many parts of the units that are left make up a block, which goes at once.
PARTS = 16


@dataclass(eq=False)
class Message:
    """What a consumer gets from units. precision: inverse covariance of its features. gram: W^T W, both float64 (feature,
    feature). owned: int64 (unit, feature)."""

    precision: Tensor
    gram: Tensor
    owned: Tensor

    def costs(self, units: Tensor) -> Tensor:
        """tr(G_uu [P_uu]^-1): what the message loses without each of these units, whose consumer is repaired, (unit,)."""
        own = self.owned[units]
        precision, gram = (m[own[:, :, None], own[:, None, :]] for m in (self.precision, self.gram))
        if own.shape[1] == 1:
            return gram.flatten() / precision.flatten()
        return torch.linalg.solve(precision, gram).diagonal(dim1=1, dim2=2).sum(1)

    def without(self, units: Tensor) -> Message:
        """The message once these units are gone and the others have taken over what they can."""
        size = len(self.precision)
        gone = self.owned[units].flatten()
        stays = torch.ones(size, dtype=torch.bool, device=gone.device)
        stays[gone] = False
        kept = stays.nonzero()[:, 0]
        across = self.precision[gone][:, kept]
        shares = -torch.linalg.solve(self.precision[gone][:, gone], across)
        carried = self.gram[kept][:, gone] @ shares
        gram = self.gram[kept][:, kept] + carried + carried.T + shares.T @ (self.gram[gone][:, gone] @ shares)
        places = torch.cumsum(stays, 0) - 1  # of units that are gone it points anywhere, and is not asked for
        return Message(self.precision[kept][:, kept] + across.T @ shares, gram, places[self.owned])


def removal_order(messages: Sequence[Message], least: int) -> list[int]:
    """Units in the order in which they go; the last ``least`` are those that stay, in no order of their own."""
    left, gone = torch.arange(len(messages[0].owned), device=messages[0].owned.device), []
    while len(left) > least:
        costs = torch.stack([message.costs(left) for message in messages]).sum(0)
        block = costs.argsort(stable=True)[: min(max(1, len(left) // PARTS), len(left) - least)]
        gone += left[block].tolist()
        messages = [message.without(left[block]) for message in messages]
        stays = torch.ones(len(left), dtype=torch.bool, device=left.device)
        stays[block] = False
        left = left[stays]
    return gone + left.tolist()


def elimination_macs(features: int, outputs: int) -> int:
    """About the multiply-accumulates of the order for one consumer: the inverse, W^T W, and all blocks in turn."""
    return 2 * features**3 + features**2 * outputs
