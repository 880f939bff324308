"""Neural collapse: how tightly the features of a class lie around their mean, and how the means stand."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from pidnet.files import Saved
from pidnet.optional import optional_module
from pidnet.planes._geometry import (
    Batches,
    Centers,
    Head,
    Spread,
    between,
    cdnv,
    class_centers,
    class_spread,
    mean_angles,
    read_head,
    unit,
)
from pidnet.planes._storage import collapse_fields, worded
from pidnet.plots import plot_collapse
from pidnet.printing import Printed, listed, number

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NEAR_ONE = 0.99  # train accuracy from which on collapse has a meaning
SCALARS = (
    "cdnv", "cdnv_unbiased", "nc1", "nc1_trace", "equinorm", "equiangle", "max_angle", "etf", "nc3", "nc4",
    "nearest_center", "accuracy", "classes", "rank", "samples", "units",
)  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class Collapse(Printed, Saved):
    """How far the features of a layer have collapsed to their class means; all numbers are without unit.

    All but ``nearest_center`` and ``accuracy`` are 0 at full collapse.

    Attributes
    ----------
    cdnv : float
        Mean over pairs of classes of ``(v_a + v_b) / (2 |m_a - m_b|^2)``, with v the mean squared distance to the own
        mean m.
    cdnv_unbiased : float
        The same with v n / (n - 1), and squared distances less v_a / n_a + v_b / n_b: few samples make ``cdnv`` too
        small. inf where two means are no further apart than chance puts them.
    nc1 : float
        tr(Sw Sb^+) / C: spread within the classes in units of that between them, in the span of the class means.
    nc1_trace : float
        tr(Sw) / tr(Sb).
    equinorm : float
        Standard deviation over mean of the distances of the class means from their mean (NC2).
    equiangle : float
        Standard deviation of the cosines between the class means about their mean (NC2).
    max_angle : float
        Mean of ``|cosine + 1 / (C - 1)|``: how far the angles are from the largest possible (NC2).
    etf : float
        Distance of the Gram matrix of the class means, scaled to norm 1, from that of a simplex (NC2).
    nc3 : float
        Distance between the weights of a linear head and the class means, each scaled to norm 1; nan without one.
    nc4 : float
        Share of the samples to which the head gives another class than the nearest class mean; nan without a head.
    nearest_center : float
        Share of the samples that are nearest to the mean of their own class.
    accuracy : float
        Share of the samples to which the head gives their label; nan without a head.
    classes : int
        Classes that occur.
    rank : int
        Dimensions that the class means span, at most C - 1.
    samples, units : int
        Numbers of samples and of units.
    labels : ndarray
        The classes that occur, int (C,).
    pair_cdnv : ndarray
        The CDNV of each pair of classes, (C, C), nan on the diagonal.
    cosines : ndarray
        Between the class means about their mean, (C, C).
    notes : tuple of str
        What one should hear before using the numbers.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> corners = torch.eye(3).repeat(4, 1)
    >>> pn.neural_collapse(corners, torch.arange(3).repeat(4)).rank
    2
    """

    cdnv: float
    cdnv_unbiased: float
    nc1: float
    nc1_trace: float
    equinorm: float
    equiangle: float
    max_angle: float
    etf: float
    nc3: float
    nc4: float
    nearest_center: float
    accuracy: float
    classes: int
    rank: int
    samples: int
    units: int
    labels: np.ndarray
    pair_cdnv: np.ndarray
    cosines: np.ndarray
    notes: tuple[str, ...] = ()

    def to_pandas(self) -> pandas.DataFrame:
        """Make a table of one row: all numbers, without the matrices."""
        return optional_module("pandas").DataFrame([{name: getattr(self, name) for name in SCALARS}])

    def _stored(self) -> dict[str, Any]:
        return worded(self)

    @classmethod
    def _restored(cls, stored: dict[str, Any]) -> Collapse:
        return cls(**collapse_fields(stored, SCALARS))

    def plot(self, ax: Axes | None = None) -> Figure:
        """Draw the cosines between the class means, as ``pidnet.plots.plot_collapse`` does.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw.

        Returns
        -------
        Figure
            A heat map.
        """
        return plot_collapse(self, ax)

    def _lines(self) -> list[str]:
        sizes = f"{number(self.samples)} samples of {self.classes} classes, {number(self.units)} units"
        return [
            f"Collapse: {sizes}, class means of rank {self.rank}",
            f"within the classes: CDNV {_four(self.cdnv)} (unbiased {_four(self.cdnv_unbiased)}), "
            f"NC1 {_four(self.nc1)}, trace {_four(self.nc1_trace)}",
            f"between the means (NC2): norms {_four(self.equinorm)}, angles {_four(self.equiangle)}, "
            f"to the largest {_four(self.max_angle)}, ETF {_four(self.etf)}",
            f"head: NC3 {_four(self.nc3)}, NC4 {_four(self.nc4)}, accuracy {_four(self.accuracy)}; "
            f"nearest mean is the own for {_four(self.nearest_center)}",
            *(f"Note: {note}" for note in self.notes),
        ]


def neural_collapse(h: Any, y: Any = None, head: Head | None = None) -> Collapse:
    """Measure neural collapse of features, with their labels and, for NC3 and NC4, the head that reads them.

    Parameters
    ----------
    h : Tensor or array, or iterable of batches
        Features (sample, unit). Without ``y``: batches (features, labels), a list or a loader, which is read twice
        and never held at once.
    y : Tensor or array, optional
        Labels, int (sample,), from 0 on.
    head : nn.Linear, Tensor, tuple or callable, optional
        What turns features into a score for each class: a linear layer, its weights (class, unit), with or without
        bias as a pair, or any callable, for which there is no NC3.

    Returns
    -------
    Collapse
        Calculated in float64.

    Raises
    ------
    ValueError
        For shapes that do not fit, values that are not finite, fewer than two classes, no class with two samples,
        class means that are all equal, a generator of batches, which can be read only once, or a head with other
        units or too few classes.

    Notes
    -----
    With class means m_c, their mean m, covariances Sw = mean (h - m_c)(h - m_c)' over samples and
    Sb = mean (m_c - m)(m_c - m)' over classes. Sb^+ is taken in the span of the means, whose rank is at most C - 1:
    a pseudo-inverse of the whole matrix takes rounding for directions. Of a noisy layer the features of one draw and
    their means over the noise can tell opposite stories, so give both.
    Sources: Papyan, Han and Donoho, Prevalence of neural collapse, 2020 (NC1 to NC4); Galanti et al., On the role of
    neural collapse in transfer learning, 2022 (CDNV); Kothapalli, Neural collapse: a review, 2023 (ETF); Tirer et
    al., Perturbation analysis of neural collapse, 2023 (trace).

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> y = torch.arange(3).repeat(20)
    >>> h = torch.eye(3)[y] + 0.1 * torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
    >>> pn.neural_collapse(h, y, head=torch.eye(3) - 1 / 3)
    Collapse: 60 samples of 3 classes, 3 units, class means of rank 2
    within the classes: CDNV 0.0125 (unbiased 0.0132), NC1 0.0159, trace 0.0376
    between the means (NC2): norms 0.0079, angles 0.0096, to the largest 0.0089, ETF 0.0181
    head: NC3 0.0412, NC4 0.0000, accuracy 1.0000; nearest mean is the own for 1.0000
    """
    batches = Batches(h, y)
    centers = class_centers(batches)
    n, units = int(centers.sizes.sum()), centers.means.shape[1]
    if n == len(centers.sizes):
        raise ValueError(f"no class has two samples ({n} in all): nothing can be told about spread")
    weight, scores, outputs = read_head(head, centers)
    values, directions = between(centers)
    spread = class_spread(batches, centers, directions / values, scores)
    about = centers.means - centers.means.mean(0)
    within = float((spread.variances * centers.sizes).sum()) / n
    cosines, angles = mean_angles(about)
    return Collapse(
        **cdnv(centers, spread),
        nc1=spread.inside / len(about),
        nc1_trace=within / float(values.square().sum()),
        **angles,
        nc3=math.nan if weight is None else float((unit(weight) - unit(about)).norm()),
        nc4=1 - spread.agreement,
        nearest_center=spread.nearest_center,
        accuracy=spread.accuracy,
        classes=len(about),
        rank=len(values),
        samples=n,
        units=units,
        labels=centers.labels.cpu().numpy(),
        cosines=cosines.cpu().numpy(),
        notes=tuple(_notes(centers, spread, values, outputs)),
    )


def _notes(centers: Centers, spread: Spread, values: Tensor, outputs: int) -> Iterator[str]:
    absent = sorted(set(range(min(outputs, 10_000))) - set(centers.labels.tolist()))
    if absent:
        yield f"no sample of class {listed(absent)}: left out"
    single = centers.labels[centers.sizes == 1].tolist()
    if single:
        yield f"class {listed(single)} has one sample, without spread: too small a CDNV, left out of the unbiased"
    if len(values) < len(centers.labels) - 1:
        yield f"the class means span {len(values)} of {len(centers.labels) - 1} dimensions: no simplex is possible"
    if math.isnan(spread.accuracy):
        yield "no head: the train accuracy that belongs beside collapse is not known"
    elif spread.accuracy < NEAR_ONE:
        yield f"accuracy {spread.accuracy:.3f}: collapse is about networks that fit their training data"


def _four(value: float) -> str:
    return "-" if math.isnan(value) else number(value)
