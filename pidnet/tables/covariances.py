"""Stage 3, continuous: activations -> joint covariances of pairs or groups of units with the target.

The covariance of a whole layer with the target is estimated once; pairs and groups are blocks of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from pidnet.activations import Activations
from pidnet.arguments import check_arguments
from pidnet.execution.blocks import COVARIANCE_BYTES
from pidnet.printing import Printed, counted, number
from pidnet.tables.layer_covariance import LayerCovariance, layer_covariance

Group = Sequence[int]


@dataclass(frozen=True, eq=False, repr=False)
class PairCovariances(Printed):
    """Joint covariances of pairs of sources with the target.

    Attributes
    ----------
    pairs : ndarray
        int (pair, 2), unit indices; -1 where the sources are groups or were given.
    cov : ndarray
        float64 (pair, n, n) in the order source1, source2, target.
    dims : tuple of int
        The sizes of source1, source2 and target, which add up to n.
    samples : int
        How many samples were seen; 0 for covariances that were given, not estimated.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> values = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    >>> pn.pair_covariances(pn.Activations({"fc": values}, torch.arange(50) % 2, {}), "fc")
    PairCovariances: 3 pairs, dimensions (1, 1, 1), estimated from 50 samples
    """

    pairs: np.ndarray
    cov: np.ndarray
    dims: tuple[int, int, int]
    samples: int = 0

    def __len__(self) -> int:
        return len(self.cov)

    def _lines(self) -> list[str]:
        seen = f"estimated from {number(self.samples)} samples" if self.samples else "given"
        return [f"PairCovariances: {counted(len(self), 'pair')}, dimensions {self.dims}, {seen}"]


def pair_covariances(
    acts: Activations,
    layer: str,
    *,
    target: np.ndarray | Tensor | None = None,
    shrinkage: str | None = None,
    copula: bool = False,
) -> PairCovariances:
    """Covariances of all pairs i < j of the units of a layer that vary.

    Parameters
    ----------
    acts : Activations
        What ``capture`` returned.
    layer : str
        Its name.
    target : array or Tensor, optional
        float (sample, d), for instance logits or the next layer's pre-activations, or classes (sample,); that of the
        activations by default.
    shrinkage : str, optional
        "ledoit_wolf" or "oas", for when units are not few against samples.
    copula : bool
        Replace each column by normal scores of its ranks (Gaussian copula), for heavy tails.

    Returns
    -------
    PairCovariances
        8 (2 size + d)^2 bytes per pair; ``iterate_pair_covariances`` gives the same in blocks.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> acts = pn.Activations({"fc": torch.eye(5)[:, :3]}, torch.arange(5.0)[:, None], {"fc": "none"})
    >>> pn.pair_covariances(acts, "fc").cov.shape
    (3, 3, 3)
    """
    check_arguments(pair_covariances, locals())
    whole = layer_covariance(acts, layer, target=target, shrinkage=shrinkage, copula=copula)
    blocks = list(iterate_pair_covariances(whole, layer))
    return PairCovariances(
        pairs=np.concatenate([block.pairs for block in blocks]),
        cov=np.concatenate([block.cov for block in blocks]),
        dims=blocks[0].dims,
        samples=blocks[0].samples,
    )


def iterate_pair_covariances(whole: LayerCovariance, layer: str) -> Iterator[PairCovariances]:
    """Blocks of the covariances of all pairs i < j of the units of a layer that vary, in order.

    Raises ValueError when fewer than two units vary.
    """
    if len(whole.varying) < 2:
        raise ValueError(f"layer {layer!r} has {len(whole.varying)} units that vary; pairs need at least 2")
    pairs = whole.varying[np.stack(np.triu_indices(len(whole.varying), 1), 1)]
    dims = (whole.size, whole.size, len(whole.targets))
    block = max(1, COVARIANCE_BYTES // (8 * sum(dims) ** 2))
    for start in range(0, len(pairs), block):
        chosen = pairs[start : start + block]
        yield PairCovariances(chosen, whole.blocks(chosen), dims, whole.samples)


def unit_covariances(whole: LayerCovariance) -> PairCovariances:
    """Each unit of a layer as both sources: whatever a measure, R = I(Y;X) and no other atom."""
    twice = np.repeat(np.arange(whole.units)[:, None], 2, 1)
    dims = (whole.size, whole.size, len(whole.targets))
    return PairCovariances(twice, whole.blocks(twice), dims, whole.samples)


def group_covariances(
    acts: Activations,
    layer: str,
    groups: Sequence[tuple[Group, Group]],
    *,
    target: np.ndarray | Tensor | None = None,
    shrinkage: str | None = None,
    copula: bool = False,
) -> PairCovariances:
    """Covariances of pairs of groups of units with the target.

    Parameters
    ----------
    acts : Activations
        What ``capture`` returned.
    layer : str
        Its name.
    groups : sequence of (sequence of int, sequence of int)
        Pairs of groups of units; all first groups have one size, all second ones too. ``each_against_others`` and
        ``halves`` make the usual ones.
    target : array or Tensor, optional
        float (sample, d), for instance logits or the next layer's pre-activations, or classes (sample,); that of the
        activations by default.
    shrinkage : str, optional
        "ledoit_wolf" or "oas", for when units are not few against samples.
    copula : bool
        Replace each column by normal scores of its ranks (Gaussian copula), for heavy tails.

    Returns
    -------
    PairCovariances
        One covariance for each pair of groups.

    Raises
    ------
    ValueError
        For groups of unequal sizes, or a unit that the layer does not have or that is in both.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> acts = pn.Activations({"fc": torch.eye(5)[:, :3]}, torch.arange(5.0)[:, None], {"fc": "none"})
    >>> pn.group_covariances(acts, "fc", [([0], [1, 2])]).dims
    (1, 2, 1)
    """
    check_arguments(group_covariances, locals())
    whole = layer_covariance(acts, layer, target=target, shrinkage=shrinkage, copula=copula)
    chosen, sizes = group_index(groups, whole.units)
    unnamed = np.full((len(chosen), 2), -1)
    dims = (sizes[0] * whole.size, sizes[1] * whole.size, len(whole.targets))
    return PairCovariances(unnamed, whole.blocks(chosen), dims, whole.samples)


def group_index(groups: Sequence[tuple[Group, Group]], units: int) -> tuple[np.ndarray, tuple[int, int]]:
    """The units of each pair of groups, int (pair, size1 + size2), and the two sizes.

    Raises ValueError as ``group_covariances`` does.
    """
    sizes = {(len(first), len(second)) for first, second in groups}
    if len(sizes) != 1 or 0 in next(iter(sizes)):
        raise ValueError(f"groups have the sizes {sorted(sizes)}; expected one pair of sizes above 0 for all")
    chosen = np.array([[*first, *second] for first, second in groups])
    for row in chosen:
        if len(set(row.tolist())) < len(row) or row.min() < 0 or row.max() >= units:
            raise ValueError(f"groups {row.tolist()} repeat a unit or name one that is not in 0..{units - 1}")
    return chosen, next(iter(sizes))


def each_against_others(units: int) -> list[tuple[list[int], list[int]]]:
    """Every unit of a layer against all its others, in order of the units."""
    return [([unit], [other for other in range(units) if other != unit]) for unit in range(units)]


def halves(units: int, *, splits: int = 1, seed: int = 0) -> list[tuple[list[int], list[int]]]:
    """Random splits of a layer into two halves; one unit stays out when their number is odd."""
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(units).tolist() for _ in range(splits)]
    return [(sorted(order[: units // 2]), sorted(order[units // 2 : units // 2 * 2])) for order in orders]
