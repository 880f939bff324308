"""When to stop a training, read from its history: rules of the literature and two of redundancy.

The constants are those of the literature, or were set before any training was looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pidnet.printing import Printed, Registry
from pidnet.training.stopping.history import History

PLATEAU = 0.02  # a quantity that moves by less than this part of itself has not moved
WINDOW = 3  # records of the moving mean of Label Wave
RISES = 5  # of gradient disparity


@dataclass(frozen=True, repr=False)
class StoppingRule(Printed):
    """A rule that reads a history: a function of (history, patience) and what it needs.

    Attributes
    ----------
    name : str
        The name that results store.
    columns : tuple of str
        Columns of the history that it reads.
    function : callable
        (history, patience) -> the epoch whose weights are to be kept, as soon as the history tells it, or None.
    source : str
        Where the rule comes from.

    Raises
    ------
    ValueError
        When called on a history without one of its columns.

    Examples
    --------
    >>> import pidnet as pn
    >>> rule = pn.training.STOPPING["loss_plateau"]
    >>> rule(pn.training.History((1, 2, 3, 4), {"loss": [2.0, 1.0, 0.99, 0.99]}), patience=2)
    2
    """

    name: str
    columns: tuple[str, ...]
    function: Callable[[History, int], int | None]
    source: str = ""

    def __call__(self, history: History, patience: int = 2) -> int | None:
        if patience < 1:
            raise ValueError(f"patience={patience}; expected at least 1")
        for name in self.columns:
            history.column(name)
        return self.function(history, patience)

    def _lines(self) -> list[str]:
        return [f"StoppingRule {self.name}: reads {', '.join(self.columns)}", f"source: {self.source or '-'}"]


def loss_plateau(history: History, patience: int) -> int | None:
    """The last epoch at which the training loss fell by 2 % of itself."""
    return _waited(history, patience, history.column("loss"), lambda now, best: now < (1 - PLATEAU) * best)


def prediction_changes(history: History, patience: int) -> int | None:
    """Label Wave: the first minimum of the moving mean, over 3 records, of how many predictions changed."""
    changes = history.column("changes")[1:]  # nothing was before the first record
    means = np.convolve(changes, np.ones(WINDOW) / WINDOW, "valid") if len(changes) >= WINDOW else changes[:0]
    return _waited(history, patience, means, lambda now, best: now < best)


def gradient_disparity(history: History, _patience: int) -> int | None:
    """The epoch of the fifth rise of the distance between gradients of batches, whatever the patience."""
    rises = np.cumsum(np.diff(history.column("disparity")) > 0)
    return history.epochs[int(np.argmax(rises >= RISES)) + 1] if RISES in rises else None


def evidence(history: History, _patience: int) -> int | None:
    """The first epoch whose gradients are, on average, within their noise of 0, whatever the patience."""
    over = history.column("evidence") > 0
    return history.epochs[int(np.argmax(over))] if over.any() else None


def unexplained(history: History, patience: int) -> int | None:
    """The last epoch at which the share that a tenth of the units cannot tell moved by 2 % of itself."""
    return _plateau(history, patience, "unexplained")


def profile_plateau(history: History, patience: int) -> int | None:
    """The last epoch at which the share of redundancy or of synergy moved by 2 % of itself."""
    return _plateau(history, patience, "redundancy", "synergy")


def validation(history: History, patience: int) -> int | None:
    """The epoch with the smallest loss of held-out data so far."""
    return _waited(history, patience, history.column("held_out_loss"), lambda now, best: now < best)


def _plateau(history: History, patience: int, *columns: str) -> int | None:
    values = np.stack([history.column(name) for name in columns], 1)
    return _waited(
        history, patience, values, lambda now, last: np.any(np.abs(now - last) > PLATEAU * np.abs(last))
    )


def _waited(history: History, patience: int, values: np.ndarray, moved: Callable[..., object]) -> int | None:
    """The epoch of the last value that moved, once ``patience`` values after it have not; values end with the history."""
    epochs = history.epochs[len(history) - len(values) :]
    last = 0
    for k in range(1, len(values)):
        if moved(values[k], values[last]):
            last = k
        elif k - last >= patience:
            return epochs[last]
    return None


STOPPING = Registry(
    "stopping rules",
    {
        rule.name: rule
        for rule in (
            StoppingRule("loss_plateau", ("loss",), loss_plateau, "common practice"),
            StoppingRule(
                "prediction_changes",
                ("changes",),
                prediction_changes,
                "Label Wave: Yuan, Feng, Liu, ICLR 2025 (arXiv:2502.07551)",
            ),
            StoppingRule(
                "gradient_disparity",
                ("disparity",),
                gradient_disparity,
                "Forouzesh, Thiran, ECML 2021 (arXiv:2107.06665)",
            ),
            StoppingRule("evidence", ("evidence",), evidence, "Mahsereci et al. 2017 (arXiv:1703.09580)"),
            StoppingRule("unexplained", ("unexplained",), unexplained, "pidnet: what a cut is worth settles"),
            StoppingRule(
                "profile_plateau", ("redundancy", "synergy"), profile_plateau, "pidnet: the make-up settles"
            ),
            StoppingRule("validation", ("held_out_loss",), validation, "Prechelt, Early stopping, 1998"),
        )
    },
)
