"""What each rule would have done on one recorded training: points lost, epochs and energy saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pidnet.arguments import check_arguments
from pidnet.optional import optional_module
from pidnet.printing import Printed, listed, table, wrapped
from pidnet.training.stopping.history import History
from pidnet.training.stopping.rules import STOPPING, StoppingRule

if TYPE_CHECKING:
    import pandas

MOST_ROWS = 9


@dataclass(frozen=True, eq=False, repr=False)
class Replay(Printed):
    """Stopping rules on one recorded training, one row each. ``replay`` makes it.

    Attributes
    ----------
    rules : tuple of str
        Their names; the last row, "all epochs", is the training as it was.
    epoch, ended : ndarray of int, (rule,)
        Whose weights the rule keeps, and after which epoch it stops; of a rule that does not fire the last one.
    fired : ndarray of bool, (rule,)
        Whether it stops before the end.
    lost : ndarray of float, (rule,)
        Points of test accuracy below the best epoch; nan without test accuracies.
    energy : ndarray of float, (rule,)
        Processor time of the training to ``ended`` and of what the rule reads, by that of the whole training; nan
        where no times were recorded. Measured, and of this machine.
    monitors : ndarray of float, (rule,)
        The part of it that is measuring what the rule reads.
    left_out : tuple of str
        Rules whose columns the history does not have.

    Examples
    --------
    >>> import pidnet as pn
    >>> history = pn.training.History((1, 2, 3, 4), {"loss": [2, 1, 1, 1], "test_accuracy": [0.5, 0.6, 0.7, 0.7]})
    >>> found = pn.training.replay(history)
    >>> found.epoch, found.ended, found.lost.round(1)
    (array([2, 4]), array([4, 4]), array([10.,  0.]))
    """

    rules: tuple[str, ...]
    epoch: np.ndarray
    ended: np.ndarray
    fired: np.ndarray
    lost: np.ndarray
    energy: np.ndarray
    monitors: np.ndarray
    left_out: tuple[str, ...] = ()

    def to_pandas(self) -> pandas.DataFrame:
        """One row for each rule: its name and the attributes."""
        return optional_module("pandas").DataFrame(self._columns())

    def _columns(self) -> dict[str, Any]:
        names = ("epoch", "ended", "fired", "lost", "energy", "monitors")
        return {"rule": self.rules, **{name: getattr(self, name).tolist() for name in names}}

    def _lines(self) -> list[str]:
        columns = self._columns()
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        rows = [row | {"fired": "yes" if row["fired"] else "no"} for row in rows]
        head = "Replay: points lost to the best epoch; energy and monitors as shares of the whole training"
        missing = (
            f"left out, their columns were not recorded: {listed(self.left_out)}" if self.left_out else ""
        )
        return [head, *table(rows, MOST_ROWS), *wrapped(missing)]


def replay(
    history: History,
    rules: Mapping[str, StoppingRule] | None = None,
    *,
    patience: int = 2,
    best: float | None = None,
) -> Replay:
    """Replay rules on a recorded training, as if each had been asked after every record.

    Parameters
    ----------
    history : History
        Of a training that went to its end: ``stop_training(..., watch=STOPPING)`` or a ``Stopper`` without a rule.
    rules : mapping of str to StoppingRule, optional
        By default those in ``STOPPING`` whose columns were recorded.
    patience : int
        Records without progress before a rule fires, for rules that wait.
    best : float, optional
        The test accuracy to compare with, 0 to 1; by default that of the best epoch of this history. A rule with
        held-out data has less to train on: compare its training with one on all data.

    Returns
    -------
    Replay
        One row for each rule, and one for the whole training.

    Raises
    ------
    ValueError
        For an empty history, or one without a column that a given rule reads.

    Notes
    -----
    The best epoch is found by looking at the test data, so that no rule can be better than 0 points lost, and a
    fixed number of epochs loses some as well. A rule that fits one training proves nothing: compare several
    trainings, clean and with wrong labels, and say how many rules were tried.

    Examples
    --------
    >>> import pidnet as pn
    >>> history = pn.training.History((1, 2, 3, 4), {"loss": [2, 1, 1, 1], "test_accuracy": [0.5, 0.6, 0.7, 0.7]})
    >>> pn.training.replay(history).rules
    ('loss_plateau', 'all epochs')
    """
    check_arguments(replay, locals())
    if not len(history):
        raise ValueError("the history is empty; record a training first")
    chosen = dict(STOPPING) if rules is None else dict(rules)
    missing = [name for name, rule in chosen.items() if not set(rule.columns) <= set(history.columns)]
    left_out = missing if rules is None else []
    rows = [_row(history, rule, patience) for name, rule in chosen.items() if name not in left_out]
    rows.append((history.epochs[-1], len(history), False, 0.0))
    epoch, records, fired, monitors = (np.array(column) for column in zip(*rows, strict=True))
    trained = np.cumsum(history.seconds.get("training", np.full(len(history), np.nan)))
    accuracy = history.columns.get("test_accuracy", np.full(len(history), np.nan))
    kept = np.searchsorted(history.epochs, epoch)
    return Replay(
        rules=(*(name for name in chosen if name not in left_out), "all epochs"),
        epoch=epoch,
        ended=np.array(history.epochs)[records - 1],
        fired=fired,
        lost=100 * ((accuracy.max() if best is None else best) - accuracy[kept]),
        energy=(trained[records - 1] + monitors) / trained[-1],
        monitors=monitors / trained[-1],
        left_out=tuple(left_out),
    )


def _row(history: History, rule: StoppingRule, patience: int) -> tuple[int, int, bool, float]:
    """The epoch that is kept, records until it is chosen, whether it is, and seconds of what the rule reads."""
    rule(history, patience)  # a missing column is named, whatever the first records say
    kept, records = history.epochs[-1], len(history)
    for some in range(1, len(history) + 1):
        if (found := rule(history.first(some), patience)) is not None:
            kept, records = found, some
            break
    else:
        some = 0
    return kept, records, bool(some), _seconds(history.first(records), rule)


def _seconds(history: History, rule: StoppingRule) -> float:
    """Processor time of the measurements that give the rule's columns."""
    costs = [
        values
        for together, values in history.seconds.items()
        if set(rule.columns) & set(together.split(", "))
    ]
    return float(np.sum(costs))
