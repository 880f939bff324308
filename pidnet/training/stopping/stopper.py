"""A recorder that tells a training when to stop, and takes the network back to the epoch to keep."""

from __future__ import annotations

import copy
import time
from collections import deque
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from torch import nn

from pidnet.choices import find_choice
from pidnet.networks.batches import Data, labelled
from pidnet.training.recorder import Recorder
from pidnet.training.stopping._monitors import BATCHES, Monitor, last_layer, monitors, some_samples
from pidnet.training.stopping.history import History
from pidnet.training.stopping.rules import STOPPING, StoppingRule

if TYPE_CHECKING:
    import pandas

FEWEST = 2 * BATCHES  # samples: two for each gradient


class Stopper(Recorder):
    """A recorder of what a stopping rule reads, which says when the rule fires.

    In a plain loop: ``if stopper(model, epoch): break``, and ``stopper.restore(model)`` after it. For Lightning write
    ``class Callback(Stopper, lightning.Callback): ...``; Lightning then stops and restores by itself. For Hugging
    Face's Trainer use ``pidnet.integrations.trainer_callback``.

    Parameters
    ----------
    data : (x, y), list of such batches, or DataLoader
        The data that are trained on, with the labels that are trained on.
    rule : str, StoppingRule or None
        A name in ``STOPPING``, or a rule of your own. None only records.
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

    Attributes
    ----------
    history : History
        What was recorded.
    epoch : int or None
        The epoch that the rule chose, None before it fires.

    Raises
    ------
    ValueError
        For an unknown rule, one without what it reads, or data that do not fit.

    Notes
    -----
    Training is left bit for bit as it was: random state, modes, buffers and gradients are not touched.
    A schedule that anneals the rate to the end, as that of ``train_epochs``, gives its best network at the end
    by construction; stop trainings of a constant rate.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> x = torch.randn(100, 4, generator=torch.Generator().manual_seed(0))
    >>> y = (x[:, 0] > 0).long()
    >>> net, stopper = pn.zoo.mlp(4, (8,), 2), pn.training.Stopper((x, y), "loss_plateau")
    >>> for epoch in pn.training.train_epochs(net, x, y, epochs=3):
    ...     if stopper(net, epoch):
    ...         break
    >>> sorted(stopper.history.columns)
    ['changes', 'loss']
    """

    def __init__(
        self,
        data: Data,
        rule: str | StoppingRule | None = "prediction_changes",
        *,
        patience: int = 2,
        watch: Collection[str] = (),
        held_out: Data | None = None,
        test: Data | None = None,
        layer: str | None = None,
        every: int = 1,
        samples: int = 1000,
        seed: int = 0,
    ) -> None:
        self._watched = some_samples(labelled(data), samples, seed)
        super().__init__(self._watched, every=every)
        if len(self._watched[1]) < FEWEST or patience < 1:
            raise ValueError(
                f"{len(self._watched[1])} samples, patience={patience}; expected at least {FEWEST} samples and 1 record"
            )
        self.rule = None if rule is None else find_choice("stopping rule", rule, STOPPING)
        self.patience, self.seed, self.layer = patience, seed, layer
        self.held_out, self.test = (None if one is None else labelled(one) for one in (held_out, test))
        self.epoch: int | None = None
        self._wanted = self._columns(watch)
        self._monitors: list[Monitor] | None = None
        self._rows: list[dict[str, float]] = []
        self._seconds: list[dict[str, float]] = []
        self._weights: deque[tuple[int, dict[str, Any]]] = deque(maxlen=patience + 1)
        self._since = time.process_time()

    @property
    def history(self) -> History:
        """What was recorded so far."""
        columns, seconds = (
            {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}
            for rows in (self._rows, self._seconds)
        )
        return History(tuple(self.steps), columns, seconds)  # ty: ignore[invalid-argument-type]

    def __call__(self, model: nn.Module, step: int) -> bool:
        """Record the model, when ``step`` is a multiple of ``every``, and ask the rule.

        Parameters
        ----------
        model : nn.Module
            The network.
        step : int
            Epochs done.

        Returns
        -------
        bool
            Whether to stop: the rule has fired.
        """
        if step % self.every == 0 and self.epoch is None:
            self._record(model, step)
            self.epoch = None if self.rule is None else self.rule(self.history, self.patience)
        self._since = time.process_time()
        return self.epoch is not None

    def restore(self, model: nn.Module) -> int:
        """Take the model back to the epoch that the rule chose; where it has not fired, leave it.

        Parameters
        ----------
        model : nn.Module
            The network, changed in place.

        Returns
        -------
        int
            The epoch whose weights it has now, 0 where nothing was recorded.

        Raises
        ------
        ValueError
            Where a rule of your own chose an epoch further back than ``patience`` records.
        """
        if self.epoch is None:
            return self.steps[-1] if self.steps else 0
        kept = dict(self._weights)
        if self.epoch not in kept:
            raise ValueError(
                f"the rule chose epoch {self.epoch}, but only the weights of the epochs {', '.join(map(str, kept))} are "
                "kept; raise patience"
            )
        model.load_state_dict(kept[self.epoch])
        return self.epoch

    def on_train_epoch_end(self, trainer: Any, pl_module: nn.Module) -> None:
        """Record after an epoch, and stop, as Lightning asks for it.

        Parameters
        ----------
        trainer : lightning.Trainer
            Carries the epoch; its ``should_stop`` is set.
        pl_module : nn.Module
            The network.
        """
        if self(pl_module, trainer.current_epoch + 1):
            trainer.should_stop = True

    def on_train_end(self, trainer: Any, pl_module: nn.Module) -> None:
        """Restore the weights of the chosen epoch after a training, as Lightning asks for it.

        Parameters
        ----------
        trainer : lightning.Trainer
            Not used.
        pl_module : nn.Module
            The network.
        """
        self.restore(pl_module)

    def to_pandas(self) -> pandas.DataFrame:
        """One row for each record: its epoch as ``step``, and the columns."""
        return self.history.to_pandas()

    def _columns(self, watch: Collection[str]) -> set[str]:
        """The columns to record: of the rule, of those that are watched, and the test accuracy."""
        rules = [find_choice("stopping rule", name, STOPPING) for name in watch]
        wanted = {column for rule in (*rules, self.rule) if rule is not None for column in rule.columns}
        if "held_out_loss" in wanted and self.held_out is None:
            raise ValueError(
                '"validation" reads held-out data; pass held_out=(x, y), samples that are not trained on'
            )
        if "test_accuracy" in wanted and self.test is None:
            raise ValueError("the rule reads the test accuracy; pass test=(x, y)")
        return wanted | {"test_accuracy"} if self.test is not None else wanted

    def _record(self, model: nn.Module, step: int) -> None:
        row, seconds = {}, {"training": time.process_time() - self._since}
        for monitor in self._chosen(model):
            start = time.process_time()
            row |= dict(zip(monitor.columns, monitor.measure(model), strict=True))
            seconds[", ".join(monitor.columns)] = time.process_time() - start
        self.steps.append(step)
        self._rows.append(row)
        self._seconds.append(seconds)
        self._weights.append((step, copy.deepcopy(model.state_dict())))

    def _chosen(self, model: nn.Module) -> list[Monitor]:
        """The monitors of the wanted columns, made at the first record, which is the first to see a model."""
        if self._monitors is None:
            looked = self._wanted & {"unexplained", "redundancy", "synergy"}
            layer = (self.layer or last_layer(model, self._watched)) if looked else ""
            every = monitors(self._watched, self.held_out, self.test, layer, self.seed)
            self._monitors = [monitor for monitor in every if self._wanted & set(monitor.columns)]
        return self._monitors
