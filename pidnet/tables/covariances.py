"""Stage 3, continuous: activations -> joint covariances of pairs or groups of units with the target.

The covariance of a whole layer with the target is estimated once; pairs and groups are blocks of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import ndtri
from scipy.stats import rankdata

from pidnet.activations import Activations
from pidnet.arguments import check_arguments
from pidnet.execution.blocks import COVARIANCE_BYTES
from pidnet.printing import Printed, counted, number

SHRINKAGES = ("ledoit_wolf", "oas")

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


@dataclass(frozen=True, eq=False)
class LayerCovariance:
    """Covariance of the units of a layer with the target.

    cov: float64 (unit * size + d, unit * size + d), units first, the dimensions of a unit side by side.
    varying: int, the units that are not constant. size: dimensions of a unit, 1 but for vector units.
    classes: the number of classes, one a one-hot column; 0 when the target is not a label.
    """

    cov: np.ndarray
    varying: np.ndarray
    classes: int
    units: int
    samples: int
    size: int = 1

    @property
    def targets(self) -> np.ndarray:
        """Which columns are the target's, int (d,)."""
        return np.arange(self.units * self.size, len(self.cov))

    def blocks(self, units: np.ndarray) -> np.ndarray:
        """Covariance of each row of units (row, k) with the target, (row, k * size + d, k * size + d)."""
        columns = (units[:, :, None] * self.size + np.arange(self.size)).reshape(len(units), -1)
        index = np.concatenate([columns, np.tile(self.targets, (len(units), 1))], 1)
        return self.cov[index[:, :, None], index[:, None, :]]


def layer_covariance(
    activations: Activations,
    layer: str,
    *,
    target: np.ndarray | torch.Tensor | None = None,
    shrinkage: str | None = None,
    copula: bool = False,
) -> LayerCovariance:
    """Covariance of a layer's units with the target; of vector units, such as attention heads, all dimensions.

    target: float (sample, d), for instance logits or the next layer's pre-activations; None takes the target
    of the activations. Classes become one-hot columns, all but the last: the result describes a Gaussian with
    the same second moments, which sees linear separation only and can exceed the entropy of the label; quantized codes cannot.
    shrinkage: "ledoit_wolf" or "oas" (scikit-learn's) on standardized columns, for when units are not few
    against samples. copula: replace each column by normal scores of its ranks (Gaussian copula), for heavy
    tails; tied values, such as the zeros of a ReLU, share one score.
    Raises ValueError for an unknown layer or shrinkage, a target of another length, or values not finite.
    """
    if layer not in activations.layers:
        known = ", ".join(map(repr, activations.layers))
        raise ValueError(f"no such layer: {layer!r}; the activations hold {known}")
    unit_SU = activations.layers[layer].numpy().astype(np.float64)
    samples, units = unit_SU.shape[:2]
    target_SD, classes = _target_columns(activations.target if target is None else target, samples)
    columns = np.concatenate([unit_SU.reshape(samples, -1), target_SD], 1)
    if not np.isfinite(columns).all():
        raise ValueError(f"layer {layer!r} or its target has values that are not finite")
    scored = _normal_scores(columns) if copula else columns
    return LayerCovariance(
        cov=_covariance(scored, shrinkage),
        varying=np.flatnonzero((np.ptp(unit_SU, axis=0) > 0).reshape(units, -1).any(1)),
        classes=classes,
        units=units,
        samples=samples,
        size=int(np.prod(unit_SU.shape[2:])),
    )


def pair_covariances(activations: Activations, layer: str, **options) -> PairCovariances:
    """Covariances of all pairs i < j of the units of a layer that vary.

    Parameters
    ----------
    activations : Activations
        What ``capture`` returned.
    layer : str
        Its name.
    **options
        Of ``layer_covariance``: target, shrinkage and copula.

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
    blocks = list(iterate_pair_covariances(layer_covariance(activations, layer, **options), layer))
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
    activations: Activations, layer: str, groups: Sequence[tuple[Group, Group]], **options
) -> PairCovariances:
    """Covariances of pairs of groups of units with the target.

    Parameters
    ----------
    activations : Activations
        What ``capture`` returned.
    layer : str
        Its name.
    groups : sequence of (sequence of int, sequence of int)
        Pairs of groups of units; all first groups have one size, all second ones too. ``each_against_others`` and
        ``halves`` make the usual ones.
    **options
        Of ``layer_covariance``: target, shrinkage and copula.

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
    whole = layer_covariance(activations, layer, **options)
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


def _target_columns(target: np.ndarray | torch.Tensor, samples: int) -> tuple[np.ndarray, int]:
    """A target as float64 (sample, d), and its number of classes: those become one-hot columns."""
    values = np.atleast_1d(target)
    if len(values) != samples:
        raise ValueError(f"the target has {len(values)} samples and the layer {samples}; expected the same")
    if values.ndim == 1 and np.issubdtype(values.dtype, np.integer):
        # The columns of all classes add up to 1, so the last one follows from the others.
        classes = np.unique(values)
        return (values[:, None] == classes[:-1]).astype(np.float64), len(classes)
    if values.ndim > 2 or not np.issubdtype(values.dtype, np.floating):
        raise ValueError(
            f"the target has shape {values.shape} and type {values.dtype}; expected integer classes "
            "(sample,) or floats (sample, d)"
        )
    return values.reshape(samples, -1).astype(np.float64), 0


def _normal_scores(columns: np.ndarray) -> np.ndarray:
    """Standard normal quantiles of the ranks of each column; ties share their mean rank."""
    return ndtri(rankdata(columns, axis=0) / (len(columns) + 1))


def _covariance(columns: np.ndarray, shrinkage: str | None) -> np.ndarray:
    """Covariance of the columns; constant ones get exact zeros."""
    if shrinkage not in (None, *SHRINKAGES):
        raise ValueError(f"unknown shrinkage {shrinkage!r}; the known ones are {', '.join(SHRINKAGES)}")
    if len(columns) < 2:
        raise ValueError(f"a covariance needs at least 2 samples; there are {len(columns)}")
    centered = columns - columns.mean(0)
    centered[:, np.ptp(columns, axis=0) == 0] = 0
    if shrinkage is None:
        return centered.T @ centered / (len(columns) - 1)
    from sklearn import covariance

    # Shrinking pulls towards one common variance, so the columns are brought to one scale first.
    scale = centered.std(0, ddof=1)
    varying = scale > 0
    shrunk, _ = getattr(covariance, shrinkage)(centered[:, varying] / scale[varying])
    cov = np.zeros((len(scale), len(scale)))
    cov[np.ix_(varying, varying)] = shrunk * np.outer(scale[varying], scale[varying])
    return cov
