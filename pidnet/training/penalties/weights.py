"""Penalties of the weights alone, as they are published: what to compare with."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pidnet.networks.kinds import BATCHNORMS
from pidnet.networks.naming import Layers
from pidnet.training.penalties.penalty import Penalty


class GroupLasso(Penalty):
    """The lengths of the weights that read each unit, summed: whole units go to 0.

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
    Sum over units u of ||W_u||, W_u all weights on the unit in one layer that reads it.
    Source: Wen et al., Learning structured sparsity in deep neural networks, 2016.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> net = pn.zoo.mlp(8, (16,), 3)
    >>> with pn.training.PENALTIES["group_lasso"](net) as penalty:
    ...     _ = net(torch.randn(32, 8))
    ...     bool(penalty(progress=1.0) > 0)
    True
    """

    usual_weight = 0.01

    def term(self, progress: float) -> Tensor:
        """The sum of the lengths.

        Parameters
        ----------
        progress : float
            Share of the training that is done.

        Returns
        -------
        Tensor
            Scalar.
        """
        parts = read_weights(self)
        self.macs += sum(part.numel() for part in parts)
        return torch.cat([(part.square().sum((0, 2)) + 1e-10).sqrt() for part in parts]).sum()


class GrowingL2(Penalty):
    """Squares of the weights that read the units which shall go: they fade while the training goes on.

    Parameters
    ----------
    model : torch.nn.Module
        The network that is trained; see ``Penalty``.
    keep : float
        Share of the units of each layer that stay.
    weight : float, optional
        Strength at the end of the training; ``usual_weight`` by default.
    every : int
        Steps between two terms; each counts as many times as much.
    layers : sequence of str or Module, optional
        Layers whose units shall be cut later; all that can be by default.

    Raises
    ------
    ValueError
        For a share outside (0, 1).

    Notes
    -----
    The units with the shortest weights go; they are chosen once, at the first term.
    Source: Wang et al., Neural pruning via growing regularization, 2021.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> net = pn.zoo.mlp(8, (16,), 3)
    >>> with pn.training.PENALTIES["growing_l2"](net, keep=0.25) as penalty:
    ...     _ = net(torch.randn(32, 8))
    ...     bool(penalty(progress=1.0) > 0)
    True
    """

    usual_weight = 1.0

    def __init__(
        self,
        model: nn.Module,
        *,
        keep: float = 0.1,
        weight: float | None = None,
        every: int = 1,
        layers: Layers = None,
    ) -> None:
        if not isinstance(keep, int | float) or not 0 < keep < 1:
            raise ValueError(f"keep={keep!r}; expected a share of the units between 0 and 1")
        super().__init__(model, weight=weight, every=every, layers=layers)
        self.keep = keep
        self._goes: list[Tensor] = []

    def term(self, progress: float) -> Tensor:
        """The sum of the squares.

        Parameters
        ----------
        progress : float
            Share of the training that is done.

        Returns
        -------
        Tensor
            Scalar.
        """
        parts = read_weights(self)
        if not self._goes:
            lengths = [part.detach().square().sum((0, 2)) for part in parts]
            stays = [max(1, round(self.keep * len(length))) for length in lengths]
            self._goes = [length.argsort()[:-n] for length, n in zip(lengths, stays, strict=True)]
        chosen = [part[:, units] for part, units in zip(parts, self._goes, strict=True)]
        self.macs += sum(part.numel() for part in chosen)
        return torch.stack([part.square().sum() for part in chosen]).sum()


class Slimming(Penalty):
    """Absolute scales of the BatchNorms after the layers that can be cut, summed.

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

    Raises
    ------
    ValueError
        At the first term, where no BatchNorm follows.

    Notes
    -----
    Source: Liu et al., Learning efficient convolutional networks through network slimming, 2017.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> net = pn.zoo.conv(1, (4, 4), 3)
    >>> with pn.training.PENALTIES["slimming"](net) as penalty:
    ...     _ = net(torch.randn(32, 1, 8, 8))
    ...     bool(penalty(progress=1.0) > 0)
    True
    """

    usual_weight = 1e-3

    def term(self, progress: float) -> Tensor:
        """The sum of the absolute scales.

        Parameters
        ----------
        progress : float
            Share of the training that is done.

        Returns
        -------
        Tensor
            Scalar.
        """
        names = dict.fromkeys(name for group in self.watch.groups.values() for name in group.followers)
        norms = [self.model.get_submodule(name) for name in names]
        scales: list[Tensor] = [
            norm.weight for norm in norms if isinstance(norm, BATCHNORMS) and norm.weight is not None
        ]
        if not scales:
            raise ValueError(f"no BatchNorm follows {', '.join(self.watch.groups)}; take another penalty")
        self.macs += sum(scale.numel() for scale in scales)
        return torch.cat(scales).abs().sum()


def read_weights(penalty: Penalty) -> list[Tensor]:
    """For each layer and each of its consumers the weights on its units, (output, unit, feature)."""
    return [
        penalty.watch.matrix(name)[:, torch.as_tensor(owned)]
        for (_, name), owned in penalty.watch.owned.items()
    ]
