"""The penalty that puts redundancy where it can be cut."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from pidnet.arguments import check_arguments
from pidnet.networks.naming import Layers
from pidnet.pruning.plans.plan import PruningPlan
from pidnet.training.penalties._elimination import Message, elimination_macs, removal_order
from pidnet.training.penalties._moments import Cut, Moments, message_size, ridge
from pidnet.training.penalties.penalty import START, Penalty

# The terms and the moments are taken from as many rows as cost this share of what the consumers cost in training.
BUDGET = 0.15
UPDATE = 4
REGRESS = 32


class Foldable(Penalty):
    r"""Penalty that makes the units which a plan would cut say nothing that the others cannot say.

    Parameters
    ----------
    model : torch.nn.Module
        The network that is trained; see ``Penalty``.
    keep : sequence of float
        Shares of the units that shall be enough, taken in turn.
    weight : float
        Of the penalty against the cross-entropy, at the end of the training. On the LSTM of the benchmark 1, the
        default, cost .7 points (3.5 on its validation split) and gained nothing there, 3 broke the training; on its MLP 3
        with ``decay=1`` did best. For a few hundred steps take less, such as 0.3. Choose it on a validation split.
    every : int
        Steps between two terms; each counts as many times as much.
    replan : int
        How often in the training the units that go are chosen anew.
    layers : sequence of str or Module, optional
        Layers whose units shall be cut later; all that can be by default.

    Attributes
    ----------
    history : list of dict
        progress, layer, keep and the unsaid share, whenever a plan was made; ``pidnet.plots.plot_unexplained`` draws it.

    Raises
    ------
    ValueError
        For shares outside (0, 1), a weight below 0, fewer than 1 step or plan; at the first pass, where no unit of the
        network can be cut.

    Warns
    -----
    UserWarning
        When the training collapses, for which the weight is too large: the output tells its inputs apart by less than
        half of the bits of before, or, from the middle of the training on, by less than the penalty takes.

    Notes
    -----
    For each layer that reads units, with weights W, units S that go and K that stay, and inputs x about their mean,

    .. math:: E ||W_S (x_S - B x_K)||^2 / E ||W x||^2, \qquad B = C_{SK} C_{KK}^{-1},

    the share of the message that the kept units cannot say: of the whole group S the unique and synergistic information
    given K in the Gaussian channel to the next layer, with unit noise. It is the sum that planning by ``obs`` lowers and
    that ``repair="fold"`` leaves. The mean over the layers that read a layer's units is taken, the sum over layers. B
    comes from running moments and has no gradient: it is at its minimum, so there is none to first order.

    Units are chosen by elimination in blocks. Convolutions are read by patches, recurrent layers at every step. What it
    costs is in ``macs`` and ``overhead``; rows are drawn so that it stays below a fourth of the training.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> _ = torch.manual_seed(0)
    >>> samples = pn.datasets.load("digits")
    >>> data = samples.x_train[:256], samples.y_train[:256]
    >>> net = pn.zoo.mlp(64, (32,), 10)
    >>> with pn.training.Foldable(net, keep=(0.25,)) as penalty:
    ...     net = pn.training.train(net, *data, epochs=4, penalty=penalty)
    >>> sorted(penalty.unexplained()["fc1"])
    [0.25]
    >>> penalty.plan(0.25).widths
    {'fc1': 8}
    """

    is_share = True

    def __init__(
        self,
        model: nn.Module,
        *,
        keep: Sequence[float] = (0.1, 0.3),
        weight: float = 1.0,
        every: int = 2,
        replan: int = 6,
        layers: Layers = None,
    ) -> None:
        check_arguments(Foldable.__init__, locals())
        if not len(keep) or not all(0 < share < 1 for share in keep):
            raise ValueError(
                f"keep={tuple(keep)}; expected shares of the units between 0 and 1, such as (0.1, 0.3)"
            )
        if replan < 1:
            raise ValueError(f"replan={replan}; expected at least one plan")
        super().__init__(model, weight=weight, every=every, layers=layers)
        self.keep, self.replan = tuple(map(float, keep)), replan
        self.history: list[dict[str, str | float]] = []
        self._moments: dict[str, Moments] = {}
        self._orders: dict[str, list[int]] = {}
        self._cuts: dict[tuple[str, float], Cut] = {}
        self._next = START

    def observe(self, progress: float) -> None:
        """Keep the moments up, and plan anew when it is time.

        Parameters
        ----------
        progress : float
            Share of the training that is done.
        """
        if self.step % UPDATE == 0 or not self._moments:
            self._update()
        if progress >= self._next:
            self._next = (int(progress * self.replan + 1e-9) + 1) / self.replan
            self._order()
            self.history += [
                {"progress": progress, "layer": layer, "keep": keep, "unsaid": share}
                for layer, shares in self.unexplained().items()
                for keep, share in shares.items()
            ]
        elif self._orders and self.step % REGRESS == 0:
            self._regress()

    def term(self, progress: float) -> Tensor:
        """The share that is not said, of one of the shares to keep.

        Parameters
        ----------
        progress : float
            Share of the training that is done.

        Returns
        -------
        Tensor
            Scalar.
        """
        keep = self.keep[self.step // self.every % len(self.keep)]
        total = self.watch.scores().new_zeros(())
        for name, weight in self._weights().items():
            cut, matrix, rows = self._cuts[name, keep], self.watch.matrix(name), self._rows(name)
            total = total + weight * cut.unsaid(self._moments[name].deviations(rows), matrix)
            self.macs += cut.macs(len(rows), len(matrix))
        return total

    def unexplained(self) -> dict[str, dict[float, float]]:
        """The share of each layer's message that the units which stay cannot say.

        Returns
        -------
        dict
            Layer -> share of the units that stay -> share of the message, by the latest moments and the present weights.

        Raises
        ------
        RuntimeError
            Before the first forward pass.
        """
        self._check_plan()
        by_consumer = {
            key: cut.unsaid_by(self._moments[key[0]].covariance(), self.watch.matrix(key[0]))
            for key, cut in self._cuts.items()
        }
        return {
            layer: {
                keep: sum(by_consumer[name, keep] for name in group.consumers) / len(group.consumers)
                for keep in self.keep
            }
            for layer, group in self.watch.groups.items()
        }

    def plan(self, keep: float) -> PruningPlan:
        """The units that stay by the latest plan of the training.

        Parameters
        ----------
        keep : float
            One of the shares to keep.

        Returns
        -------
        PruningPlan
            For ``apply_plan``. A fresh ``plan_pruning`` on samples does as well or better.

        Raises
        ------
        ValueError
            For a share that the penalty was not made for.
        RuntimeError
            Before the first forward pass.
        """
        if keep not in self.keep:
            raise ValueError(
                f"keep={keep!r}; expected one of {', '.join(map(str, self.keep))}, which the training is for"
            )
        self._check_plan()
        kept = {layer: sorted(self._orders[layer][-n:]) for layer, n in self._widths(keep).items()}
        units = {layer: group.units for layer, group in self.watch.groups.items()}
        return PruningPlan(kept, {}, "foldable", {"budget": {"keep": keep}}, units, self.left_out)

    def _check_plan(self) -> None:
        if not self._moments:
            raise RuntimeError("the penalty has not been asked yet; train with it first")
        if not self._orders:
            self._order()

    def _widths(self, keep: float) -> dict[str, int]:
        """Layer -> units that stay."""
        return {layer: max(1, round(keep * group.units)) for layer, group in self.watch.groups.items()}

    def _weights(self) -> dict[str, float]:
        """Consumer -> its weight in the sum, of those that ran in this pass: means over the consumers of each layer."""
        weights = dict.fromkeys(self.watch.read, 0.0)
        for group in self.watch.groups.values():
            for name in group.consumers:
                if name in weights:
                    weights[name] += 1 / len(group.consumers)
        return weights

    def _rows(self, name: str) -> Tensor:
        """As many rows of a consumer as the budget allows, the same share of every consumer's."""
        trained = spent = 0.0
        for consumer, read in self.watch.read.items():
            outputs, features = self.watch.matrix(consumer).shape
            trained += 3 * read.rows * outputs * features
            spent += read.rows * features**2 / UPDATE
            for keep in self.keep:
                gone = (1 - keep) * features
                spent += read.rows * gone * (2 * keep * features + 3 * outputs) / self.every / len(self.keep)
        read = self.watch.read[name]
        most = max(2, round(min(1.0, BUDGET * trained / spent) * read.rows))
        return self.watch.consumers[name].rows(read, most, self._generator)

    @torch.no_grad()
    def _update(self) -> None:
        for name in self.watch.read:
            rows = self._rows(name)
            moments = self._moments.setdefault(name, Moments(centered=self.watch.consumers[name].bias))
            moments.add(rows)
            self.macs += len(rows) * rows.shape[1] ** 2

    @torch.no_grad()
    def _order(self) -> None:
        """Choose who goes, by the shares of the messages to all consumers."""
        least = min(self.keep)
        messages = {name: self._message(name) for name in self._moments}
        for layer, group in self.watch.groups.items():
            parts = []
            for name in group.consumers:
                precision, gram = messages[name]
                owned = torch.as_tensor(self.watch.owned[layer, name], device=gram.device)
                parts.append(Message(precision, gram, owned))
                self.macs += elimination_macs(len(gram), len(self.watch.matrix(name)))
            self._orders[layer] = removal_order(parts, self._widths(least)[layer])
        self._regress()

    def _message(self, name: str) -> tuple[Tensor, Tensor]:
        """The inverse covariance, and W^T W as a share of the whole message."""
        covariance, weight = self._moments[name].covariance(), self.watch.matrix(name).double()
        gram = weight.T @ weight
        return torch.linalg.inv(covariance + ridge(covariance)), gram / (gram * covariance).sum().clamp(
            min=1e-300
        )

    @torch.no_grad()
    def _regress(self) -> None:
        """The regressions of the units that go on those that stay."""
        for name, moments in self._moments.items():
            covariance, matrix = moments.covariance(), self.watch.matrix(name)
            total = message_size(covariance, matrix)
            self.macs += matrix.shape[0] * matrix.shape[1] ** 2
            for keep in self.keep:
                gone = torch.as_tensor(self._gone(name, keep), device=matrix.device)
                self._cuts[name, keep] = Cut.of(covariance, total, gone)
                kept = matrix.shape[1] - len(gone)
                self.macs += kept**3 // 3 + kept**2 * len(gone)

    def _gone(self, name: str, keep: float) -> np.ndarray:
        """The features of a consumer that go, of all layers that it reads."""
        widths, owned = self._widths(keep), self.watch.owned
        gone = [
            owned[layer, name][order[: len(order) - widths[layer]]].ravel()
            for layer, order in self._orders.items()
            if (layer, name) in owned
        ]
        return np.unique(np.concatenate(gone))
