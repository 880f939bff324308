"""A penalty that pulls the features of each class together."""

from __future__ import annotations

import torch
from torch import Tensor

from pidnet.arguments import check_arguments


def cdnv_penalty(h: Tensor, y: Tensor) -> Tensor:
    """The CDNV of a batch, to be added to a loss: it pulls the features of a class together.

    Parameters
    ----------
    h : Tensor
        Features, (sample, unit).
    y : Tensor
        Labels, int64 (sample,).

    Returns
    -------
    Tensor
        Scalar; 0 for a batch with fewer than two classes of two samples.

    Notes
    -----
    Classes of one sample are left out. It lowers CDNV, not collapse: where it is strong NC1 can rise, so look at both
    (``pn.neural_collapse``).

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.training.cdnv_penalty(torch.eye(2).repeat(3, 1), torch.arange(2).repeat(3))
    tensor(0.)
    """
    check_arguments(cdnv_penalty, locals())
    labels, place, sizes = y.unique(return_inverse=True, return_counts=True)
    sums = h.new_zeros(len(labels), h.shape[1]).index_add(0, place, h)
    means = sums / sizes[:, None]
    spread = (h - means[place]).square().sum(1)
    variances = h.new_zeros(len(labels)).index_add(0, place, spread) / sizes
    means, variances = means[sizes > 1], variances[sizes > 1]
    row, column = torch.triu_indices(len(means), len(means), 1)
    if not len(row):
        return h.sum() * 0
    squares = (means[row] - means[column]).square().sum(1)
    return ((variances[row] + variances[column]) / (2 * squares + 1e-6)).mean()
