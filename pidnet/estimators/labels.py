"""What any layer tells about the label, at least: the cross-entropy of a probe on samples it was not fitted to."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pidnet.arguments import check_arguments
from pidnet.choices import find_choice, name_of
from pidnet.estimators._arrays import matrix
from pidnet.estimators._labels import class_numbers
from pidnet.estimators.information import ERRORS, Information

SMALLEST = 1e-12
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 100.0)


def label_information(
    t: Any,
    y: Any,
    *,
    held_out: tuple[Any, Any],
    probe: str | Callable[[], Any] = "logistic",
    seed: int = 0,
) -> Information:
    """I(T;Y) from below: H(Y) minus the cross-entropy of a probe, on samples held out.

    Parameters
    ----------
    t : array or Tensor
        (sample, unit), what the probe is fitted to.
    y : array or Tensor
        (sample,), the labels.
    held_out : tuple
        (t, y) of other samples, on which alone the value is measured.
    probe : str or callable
        "logistic", "mlp" or "best" (the better of the two), or a function that makes a classifier with ``fit`` and
        ``predict_proba``.
    seed : int
        Of the inner split.

    Returns
    -------
    Information
        In expectation at most I(T;Y) of the population, so ``high`` is that of the labels alone.

    Raises
    ------
    ValueError
        For labels that do not fit or are all equal, values that are not finite, or other units held out.

    Notes
    -----
    I(T;Y) >= E log2 q(y|t) / p(y) for any q. The penalty of the logistic probe, the better probe, and whether there
    is a probe that beats the shares of the labels at all are chosen on a fifth of the samples to be fitted to.
    In-sample values are no bound: with enough units any labels look known.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> t = torch.randn(2000, 2, generator=torch.Generator().manual_seed(0))
    >>> y = (t[:, 0] > 0).long()
    >>> pn.label_information(t[:1000], y[:1000], held_out=(t[1000:], y[1000:]))
    I(T;Y) 0.969 [0.958, 1.00] bits, ok (probe logistic, 1,000 samples)
    """
    check_arguments(label_information, locals())
    values, labels = _checked(t, y, "t")
    others, other_labels = _checked(*held_out, "held_out")
    if others.shape[1] != values.shape[1]:
        raise ValueError(
            f"t has {values.shape[1]} units but held_out {others.shape[1]}; expected the same units"
        )
    new = set(np.unique(other_labels)) - set(np.unique(labels))
    if new:
        raise ValueError(
            f"the label {min(new)} is held out but not among the samples to fit; split them anew"
        )
    class_numbers(other_labels, len(others))
    make = find_choice("probe", probe, PROBES)
    fitted = _chosen(make, values, labels, seed)
    point = _log_ratio(fitted, others, other_labels)
    value, error = float(point.mean()), float(point.std(ddof=1) / math.sqrt(len(point)))
    most = math.log2(len(np.unique(labels)))
    return Information(
        "I(T;Y)",
        value,
        low=max(0.0, value - ERRORS * error),
        high=most,
        error=error,
        about="population",
        estimator=f"probe {name_of(probe)}",
        samples=len(others),
        units=values.shape[1],
        rows=len(others),
        settings={"fitted_to": len(values), "seed": seed},
        notes=("a lower end: what this probe reads",),
    )


def _checked(t: Any, y: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    values = matrix(t, name)
    class_numbers(y, len(values))
    return values, np.asarray(y.detach().cpu() if hasattr(y, "detach") else y)


def _logistic() -> Iterator[Any]:
    for penalty in PENALTIES:
        yield make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=200))


def _mlp() -> Iterator[Any]:
    yield make_pipeline(
        StandardScaler(), MLPClassifier((64,), learning_rate_init=0.01, early_stopping=True, random_state=0)
    )


def _best() -> Iterator[Any]:
    yield from _logistic()
    yield from _mlp()


PROBES: dict[str, Callable[[], Any]] = {"logistic": _logistic, "mlp": _mlp, "best": _best}


def _chosen(make: Callable[[], Any], values: np.ndarray, labels: np.ndarray, seed: int) -> Any:
    """The probe with the least inner cross-entropy, fitted to all; the shares of the labels where none is better."""
    made = make()
    candidates = [*(made if isinstance(made, Iterator) else [made]), DummyClassifier(strategy="prior")]
    try:
        fit, inner, fit_y, inner_y = train_test_split(
            values, labels, test_size=0.2, random_state=seed, stratify=labels
        )
    except ValueError:  # too few samples of a class to have some in both parts
        fit, inner, fit_y, inner_y = values, values, labels, labels
    scores = [_log_ratio(_fitted(probe, fit, fit_y), inner, inner_y).mean() for probe in candidates]
    return _fitted(candidates[int(np.argmax(scores))], values, labels)


def _fitted(probe: Any, values: np.ndarray, labels: np.ndarray) -> Any:
    with warnings.catch_warnings():
        # A probe that stopped early is a looser bound, not a wrong one.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return probe.fit(values, labels)


def _log_ratio(probe: Any, values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """log2 q(y|t) / p(y) of each sample, p by the shares of these labels."""
    places = np.searchsorted(probe.classes_, labels)
    posterior = probe.predict_proba(values)[np.arange(len(labels)), places].clip(min=SMALLEST)
    _, numbers, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return np.log2(posterior * len(labels) / counts[numbers])
