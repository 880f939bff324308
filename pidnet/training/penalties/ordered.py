"""Widths that are trained together, so that the first units of each layer do alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pidnet.networks.naming import Layers
from pidnet.networks.running import class_scores
from pidnet.training.penalties.penalty import Penalty


class Ordered(Penalty):
    """Divergence of the output of a narrower network from that of the whole one.

    The narrower one has the first units of each layer, a share that is drawn anew at each term.

    Parameters
    ----------
    model : torch.nn.Module
        The network that is trained; see ``Penalty``.
    least : float
        Smallest share of the units.
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
    KL(softmax of the whole, without gradient || softmax of the narrower), in nats: slimmable training with in-place
    distillation. Each term is another pass of the network.
    Source: Yu & Huang, Universally slimmable networks and improved training techniques, 2019.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> net = pn.zoo.mlp(8, (16,), 3)
    >>> with pn.training.PENALTIES["ordered"](net) as penalty:
    ...     _ = net(torch.randn(32, 8))
    ...     bool(penalty(progress=1.0) >= 0)
    True
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        least: float = 0.05,
        weight: float | None = None,
        every: int = 1,
        layers: Layers = None,
    ) -> None:
        if not isinstance(least, int | float) or not 0 < least < 1:
            raise ValueError(f"least={least!r}; expected a share of the units between 0 and 1")
        super().__init__(model, weight=weight, every=every, layers=layers)
        self.least = least

    def term(self, progress: float) -> Tensor:
        """The divergence at a drawn width.

        Parameters
        ----------
        progress : float
            Share of the training that is done.

        Returns
        -------
        Tensor
            Scalar.
        """
        share = self.least + (1 - self.least) * float(torch.rand((), generator=self._generator))
        whole = self.watch.scores().detach()
        positional, keywords = self.watch.inputs
        # On copies of the buffers: the running statistics of BatchNorm stay those of the whole network.
        buffers = {name: buffer.clone() for name, buffer in self.model.named_buffers()}
        with self.watch.paused():
            output = torch.func.functional_call(
                self.model, {**buffers, **self._masked(share)}, positional, keywords
            )
        narrow = class_scores(output)
        self.macs += 3 * self.pass_macs * len(narrow)
        kl = nn.functional.kl_div(
            narrow.log_softmax(-1), whole.log_softmax(-1), log_target=True, reduction="none"
        )
        return kl.sum(-1).mean()

    def _masked(self, share: float) -> dict[str, Tensor]:
        """The weights of all consumers, 0 on the units that the narrower network does not have."""
        names = {id(parameter): name for name, parameter in self.model.named_parameters()}
        found: dict[str, Tensor] = {}
        for group in self.watch.groups.values():
            for layer, columns in group.consumers.items():
                consumer = self.watch.consumers[layer]
                name = names[id(consumer.weight)]
                gone = torch.as_tensor(columns[max(1, round(share * group.units)) :].ravel())
                weight = found.get(name, consumer.weight)
                found[name] = weight.index_fill(consumer.axis, gone.to(weight.device), 0)
        return found
