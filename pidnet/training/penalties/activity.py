"""Penalties of what units do together: low rank, and its opposite, decorrelation."""

from __future__ import annotations

import torch
from torch import Tensor

from pidnet.training.penalties.penalty import Penalty

ROWS = 512


class Activity(Penalty):
    """What is read in each layer, about its mean: the base of ``LowRank`` and ``Decorrelated``."""

    def term(self, progress: float) -> Tensor:
        """The sum over the layers that read units.

        Parameters
        ----------
        progress : float
            Share of the training that is done.

        Returns
        -------
        Tensor
            Scalar.
        """
        found = []
        for name, read in self.watch.read.items():
            rows = self.watch.consumers[name].rows(read, ROWS, self._generator)
            found.append(self.of(rows - rows.mean(0)))
            self.macs += 3 * rows.numel() * min(rows.shape)
        return torch.stack(found).sum()

    def of(self, rows: Tensor) -> Tensor:
        """The term of one layer.

        Parameters
        ----------
        rows : Tensor
            float (row, feature), about their mean.

        Returns
        -------
        Tensor
            Scalar.
        """
        raise NotImplementedError


class LowRank(Activity):
    """Logarithm of the effective number of directions that the units of a layer use.

    Parameters
    ----------
    model : torch.nn.Module
        The network that is trained; see ``Penalty``.
    weight : float, optional
        Strength at the end of the training; ``usual_weight`` by default.
    every : int
        Steps between two terms; each counts as many times as much.
    layers : sequence of str or Module, optional
        Layers whose units shall be cut later; all that can be by default.

    Notes
    -----
    log (tr C)^2 / tr C^2, the participation ratio of the covariance C of what is read, of up to 512 rows.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> net = pn.zoo.mlp(8, (16,), 3)
    >>> with pn.training.PENALTIES["low_rank"](net) as penalty:
    ...     _ = net(torch.randn(32, 8))
    ...     bool(penalty(progress=1.0) > 0)
    True
    """

    usual_weight = 0.1

    def of(self, rows: Tensor) -> Tensor:
        """The logarithm of the participation ratio.

        Parameters
        ----------
        rows : Tensor
            float (row, feature), about their mean.

        Returns
        -------
        Tensor
            Scalar.
        """
        products = _products(rows)
        least = torch.finfo(rows.dtype).tiny
        trace, squares = products.diagonal().sum().clamp(min=least), products.square().sum().clamp(min=least)
        return 2 * trace.log() - squares.log()


class Decorrelated(Activity):
    """Squared correlations between what units of a layer do, a feature's sum on average.

    Parameters
    ----------
    model : torch.nn.Module
        The network that is trained; see ``Penalty``.
    weight : float, optional
        Strength at the end of the training; ``usual_weight`` by default.
    every : int
        Steps between two terms; each counts as many times as much.
    layers : sequence of str or Module, optional
        Layers whose units shall be cut later; all that can be by default.

    Notes
    -----
    Source: Cogswell et al., Reducing overfitting in deep networks by decorrelating representations, 2016, with
    correlations in the place of covariances.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> net = pn.zoo.mlp(8, (16,), 3)
    >>> with pn.training.PENALTIES["decorrelated"](net) as penalty:
    ...     _ = net(torch.randn(32, 8))
    ...     bool(penalty(progress=1.0) > 0)
    True
    """

    usual_weight = 0.03

    def of(self, rows: Tensor) -> Tensor:
        """The mean over features of the squared correlations with the others.

        Parameters
        ----------
        rows : Tensor
            float (row, feature), about their mean.

        Returns
        -------
        Tensor
            Scalar.
        """
        standard = rows / (rows.square().mean(0) + 1e-6).sqrt()
        own = (standard.square().mean(0)).square().sum()
        return (_products(standard).square().sum() / len(rows) ** 2 - own) / rows.shape[1]


def _products(rows: Tensor) -> Tensor:
    """Products of all features, or of all rows where these are fewer: both have the same sum of squares and trace."""
    return rows @ rows.T if len(rows) < rows.shape[1] else rows.T @ rows
