"""Layers that read very many features, several of each unit, seen through a few combinations of them.

The covariance of the 25,088 inputs of VGG's first fully connected layer would take 5 GB. Each of its 512 units owns 49 of
them, so of every unit those combinations are taken that carry most of what the layer makes of it: with C the covariance
of the unit's features and W the weights on them, the parts are U^T C^(-1/2) x, U the leading eigenvectors of
C^(1/2) W^T W C^(1/2). Whatever criteria and the fold in closed form ask of the layer is asked of the parts; the repairs
see all features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pidnet.networks.inputs import Inputs
from pidnet.networks.kinds import Weighted
from pidnet.networks.linear_map import POSITIONS, feature_count, features, input_rows, weight_matrix
from pidnet.pruning.structure.network import CuttableNetwork

# Layers that read more features are sketched, with about so many parts in all.
MOST_FEATURES = 8192
PARTS = 4096
# Covariances of more features than this would take more than 2 GB.
MOST_UNSKETCHED = 16_384
ROUNDING = 1e-10  # of the largest eigenvalue


@dataclass(frozen=True, eq=False)
class Sketch:
    """What a layer reads, by parts.

    owned: int (unit, feature). inward: (unit, feature, part), from features to parts. outward: (unit, feature, part),
    from parts to what they say of the features. mean: of all features. share: how much of the variance of what the layer
    makes of single units the parts carry.
    """

    owned: np.ndarray
    inward: np.ndarray
    outward: np.ndarray
    mean: np.ndarray
    share: float

    @property
    def parts(self) -> np.ndarray:
        """The parts by the unit that they belong to, int (unit, part)."""
        units, _, size = self.inward.shape
        return np.arange(units * size).reshape(units, size)

    def rows(self, rows: Tensor) -> Tensor:
        """Features (row, feature) as parts (row, part)."""
        of_units = rows[:, torch.as_tensor(self.owned)].transpose(0, 1)
        return (of_units @ torch.as_tensor(self.inward).to(rows)).transpose(0, 1).flatten(1)

    def weights(self, weight: np.ndarray) -> np.ndarray:
        """Weights on features (output, feature) as weights on parts (output, part)."""
        of_units = weight[:, self.owned].transpose(1, 0, 2)
        return (of_units @ self.outward).transpose(1, 0, 2).reshape(len(weight), -1)

    def of(self, kept: np.ndarray) -> np.ndarray:
        """The parts of the units whose features these are, int (part,)."""
        return self.parts[np.isin(self.owned[:, 0], kept)].ravel()

    def spread(self, weight: np.ndarray, kept: np.ndarray) -> np.ndarray:
        """Weights on the parts of some units as weights on their features, (output, feature) in the order of ``kept``."""
        units = np.isin(self.owned[:, 0], kept)
        of_units = weight.reshape(len(weight), units.sum(), -1).transpose(1, 2, 0)
        whole = np.zeros((len(self.mean), len(weight)))
        whole[self.owned[units].ravel()] = (self.inward[units] @ of_units).reshape(-1, len(weight))
        return whole[kept].T


def sketched(network: CuttableNetwork, x: Inputs, consumer: str) -> Sketch | None:
    """The sketch of a layer, or None where it reads few enough features.

    Raises ValueError where there are too many and none can be made: not all of them belong to one layer's units, or just
    one to each.
    """
    layer = network.weighted(consumer)
    total = feature_count(layer)
    if total <= MOST_FEATURES:
        return None
    owners = [group for group in network.groups.values() if consumer in group.consumers]
    owned = features(layer, owners[0].consumers[consumer])
    if len(owners) == 1 and owned.size == total and owned.shape[1] > 1:
        return _of_units(network, x, consumer, owned)
    if total <= MOST_UNSKETCHED:
        return None
    raise ValueError(
        f"layer {consumer!r} reads {total:,} features, whose covariance would take {8e-9 * total**2:,.0f} GB; take a "
        'criterion that needs none, such as l1, l2 or random, with the repair "none", or leave the layer before it out by '
        "layers="
    )


def _of_units(network: CuttableNetwork, x: Inputs, consumer: str, owned: np.ndarray) -> Sketch:
    grams = torch.zeros(len(owned), owned.shape[1], owned.shape[1], dtype=torch.float64)
    totals, count = torch.zeros(owned.size, dtype=torch.float64), 0

    def add(_name: str, layer: Weighted, inputs: Tensor, _output: Tensor) -> None:
        nonlocal grams, totals, count
        rows = input_rows(layer, inputs, POSITIONS)
        of_units = rows[:, torch.as_tensor(owned)].transpose(0, 1)
        grams = grams.to(rows) + of_units.mT @ of_units
        totals, count = totals.to(rows) + rows.sum(0), count + len(rows)

    network.watch([consumer], x, add, 128)
    mean = (totals / count).cpu().numpy()
    centers = mean[owned]
    covariances = grams.cpu().numpy() / count - centers[:, :, None] * centers[:, None, :]
    return _with_parts(owned, covariances, weight_matrix(network.weighted(consumer)).cpu().numpy(), mean)


def _with_parts(owned: np.ndarray, covariances: np.ndarray, weight: np.ndarray, mean: np.ndarray) -> Sketch:
    parts = min(max(1, PARTS // len(owned)), owned.shape[1])
    values, vectors = np.linalg.eigh(covariances)
    values = np.where(values > ROUNDING * values.max(), values, 0)
    root = (vectors * np.sqrt(values)[:, None]) @ vectors.mT
    scale = np.divide(1, np.sqrt(values), out=np.zeros_like(values), where=values > 0)
    inverse = (vectors * scale[:, None]) @ vectors.mT
    made = np.stack(
        [root_of @ (w := weight[:, own]).T @ w @ root_of for root_of, own in zip(root, owned, strict=True)]
    )
    carried, axes = np.linalg.eigh(made)
    leading = axes[:, :, -parts:]
    share = float(carried[:, -parts:].sum() / max(carried.sum(), np.finfo(float).tiny))
    return Sketch(owned, inverse @ leading, root @ leading, mean, share)
