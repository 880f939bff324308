"""k-means in one dimension, all units at once."""

from __future__ import annotations

import torch
from torch import Tensor


def lloyd(values: Tensor, levels: int, *, sweeps: int = 100) -> Tensor:
    """Levels around the centers of one-dimensional k-means: the smallest squared error.

    Parameters
    ----------
    values : Tensor
        Activations, float (sample, unit).
    levels : int
        How many levels each unit gets.
    sweeps : int
        The most sweeps; it stops where no value changes its level.

    Returns
    -------
    Tensor
        Edges (unit, levels - 1), halfway between neighboring centers.

    Notes
    -----
    Starts from equal masses. Each sweep moves every center to the mean of its values; a center without values
    takes the value that is farthest from its own center. Deterministic. All units at once, and ties stay
    together, which scikit-learn's ``KBinsDiscretizer`` does not offer. Source: Lloyd 1982, IEEE Trans. Inf. Theory
    28, 129.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.quantizers.lloyd(torch.tensor([[0.0], [0.2], [9.0], [9.2], [9.4]]), 2)
    tensor([[4.6500]])
    """
    ordered = values.T.contiguous().sort(1).values.double()
    sums = torch.nn.functional.pad(ordered.cumsum(1), (1, 0))
    starts = torch.linspace(0, ordered.shape[1], levels + 1, device=values.device).round().long()
    cuts = starts.expand(len(ordered), -1)
    centers = ordered[:, :: max(1, ordered.shape[1] // levels)][:, :levels]
    for _ in range(sweeps):
        counts = cuts.diff()
        means = sums.gather(1, cuts).diff() / counts.clamp(min=1)
        centers = torch.where(counts > 0, means, centers)
        for unit in (counts == 0).any(1).nonzero().flatten().tolist():
            _refill(ordered[unit], counts[unit], centers[unit])
        centers = centers.sort(1).values
        edges = (centers[:, 1:] + centers[:, :-1]) / 2
        inner = torch.searchsorted(ordered, edges.contiguous(), right=True)
        moved = torch.cat([cuts[:, :1], inner, cuts[:, -1:]], 1)
        if torch.equal(moved, cuts):
            break
        cuts = moved
    return edges.float()


def _refill(ordered: Tensor, counts: Tensor, centers: Tensor) -> None:
    """Give the first center of a unit that has no values the value farthest from its own center."""
    distances = (ordered - centers.repeat_interleave(counts)).abs()
    if distances.max() > 0:
        centers[(counts == 0).nonzero()[0, 0]] = ordered[distances.argmax()]
