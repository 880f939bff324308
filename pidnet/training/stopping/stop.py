"""Train until a rule fires."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from torch import nn

from pidnet.arguments import check_arguments
from pidnet.networks.batches import Data
from pidnet.printing import Printed
from pidnet.training.stopping.history import History
from pidnet.training.stopping.rules import StoppingRule
from pidnet.training.stopping.stopper import Stopper


@dataclass(frozen=True, eq=False, repr=False)
class Stopped(Printed):
    """A training that a rule has ended, or that went to its end. ``stop_training`` makes it.

    Attributes
    ----------
    model : nn.Module
        The network with the weights of ``epoch``, in eval mode; the one that was given.
    epoch : int
        Whose weights it has.
    ended : int
        The last epoch that was trained.
    fired : bool
        Whether the rule ended the training.
    rule : str
        Its name.
    history : History
        What was recorded.

    Examples
    --------
    >>> import pidnet as pn
    >>> history = pn.training.History((1, 2), {"loss": [2.0, 1.0]})
    >>> pn.training.Stopped(pn.zoo.mlp(4, (8,), 2), 2, 2, False, "loss_plateau", history)
    Stopped: loss_plateau did not fire; weights of the last epoch, 2
    """

    model: nn.Module
    epoch: int
    ended: int
    fired: bool
    rule: str
    history: History

    def _lines(self) -> list[str]:
        if not self.fired:
            return [f"Stopped: {self.rule} did not fire; weights of the last epoch, {self.epoch}"]
        return [f"Stopped: {self.rule} fired after epoch {self.ended}; weights of epoch {self.epoch}"]


def stop_training(
    epochs: Iterable[int],
    model: nn.Module,
    data: Data,
    rule: str | StoppingRule = "prediction_changes",
    *,
    patience: int = 2,
    watch: Collection[str] = (),
    held_out: Data | None = None,
    test: Data | None = None,
    layer: str | None = None,
    every: int = 1,
    samples: int = 1000,
    seed: int = 0,
) -> Stopped:
    """Let a training run until a rule fires, and take the network back to the epoch that the rule chose.

    Parameters
    ----------
    epochs : iterable of int
        The training: it trains ``model`` by one epoch for each number that it yields, as ``train_epochs`` does.
    model : nn.Module
        The network; it is changed in place.
    data : (x, y), list of such batches, or DataLoader
        The data that are trained on, with the labels that are trained on.
    rule : str or StoppingRule
        A name in ``STOPPING``, or a rule of your own.
    patience : int
        Records without progress before a rule fires, for rules that wait.
    watch : collection of str
        Names of further rules in ``STOPPING`` whose columns are recorded too, for ``replay``.
    held_out : data, optional
        For "validation": samples that are not trained on.
    test : data, optional
        Samples whose accuracy is recorded for ``replay``; no rule reads it, and its cost is not counted.
    layer : str, optional
        Whose units are looked at; by default the last one whose units can be cut.
    every : int
        Record each so many epochs.
    samples : int
        Training samples that are looked at, drawn once.
    seed : int
        Draws samples and units.

    Returns
    -------
    Stopped
        The epoch, the history and the model with the weights of that epoch.

    Raises
    ------
    ValueError
        For an unknown rule, one without what it reads, data that do not fit, or no epoch.

    Notes
    -----
    No rule is recommended: on three networks, clean and with wrong labels, none told when to stop on all of them
    (``benchmarks/results/training.md``).
    ``replay`` compares them on a training of your own. A schedule that anneals the rate to the end, as that of
    ``train_epochs``, gives its best network at the end by construction; stop trainings of a constant rate.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> _ = torch.manual_seed(0)
    >>> x = torch.randn(200, 4)
    >>> y, net = (x[:, 0] > 0).long(), pn.zoo.mlp(4, (8,), 2)
    >>> epochs = pn.training.train_epochs(net, x, y, epochs=20, rate=0.1)
    >>> pn.training.stop_training(epochs, net, (x, y), "loss_plateau").ended < 20
    True
    """
    check_arguments(stop_training, locals())
    stopper = Stopper(
        data,
        rule,
        patience=patience,
        watch=watch,
        held_out=held_out,
        test=test,
        layer=layer,
        every=every,
        samples=samples,
        seed=seed,
    )
    ended = None
    for epoch in epochs:
        ended = epoch
        if stopper(model, epoch):
            break
    if ended is None:
        raise ValueError(
            "the training has no epoch; pass epochs that train the model, as train_epochs gives them"
        )
    fired = stopper.epoch is not None
    kept = stopper.restore(model) if fired else ended
    return Stopped(model.eval(), kept, ended, fired, _name(stopper), stopper.history)


def _name(stopper: Stopper) -> str:
    return stopper.rule.name if stopper.rule is not None else "no rule"
