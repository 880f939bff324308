"""Information of layers whose units take few values: entropy of the codes, with how much of them was seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pidnet.arguments import check_arguments
from pidnet.channels import Discrete
from pidnet.codes import LayerCodes
from pidnet.estimators._arrays import array
from pidnet.estimators._counts import chao_shen, chao_wang_jost, coverage, plug_in
from pidnet.estimators._labels import class_numbers
from pidnet.estimators.information import ABOUT, ERRORS, Information
from pidnet.printing import Several

# Good-Turing coverage, and how far above the estimates the truth may be, in bits.
SURE, UNSURE = (0.95, 0.05), (0.8, 0.3)
SHUFFLES = 10


def code_information(
    codes: Any, y: Any = None, *, about: str = "population", seed: int = 0
) -> dict[str, Information]:
    """H(T) and I(X;T), and with labels I(X;T|Y) and I(T;Y), of units that are functions of the input.

    Parameters
    ----------
    codes : array, Tensor, LayerCodes or Discrete
        (sample, unit): the value of each unit, of few that it can take.
    y : array or Tensor, optional
        The label of each input, (sample,).
    about : str
        "population", of which the inputs are a sample, or "data", where they are all that there is.
    seed : int
        Of the shuffled labels.

    Returns
    -------
    dict
        Quantity -> Information. I(X;T) = H(T), and I(X;T) = I(X;T|Y) + I(T;Y) holds for the values.

    Raises
    ------
    ValueError
        For values that are not finite, a single sample, or labels that do not fit or are all equal.

    Notes
    -----
    About the data: H = -sum_t (n_t / n) log2(n_t / n), exact. About the population that is too small. The value is
    then that of Chao, Wang and Jost: sum_t (n_t / n) [psi(n) - psi(n_t)], which has no bias but for codes that were
    seldom seen, and what the codes seen once and twice foretell of the others. That of Chao and Shen, which was
    further off in most cases, stands in ``settings``; the upper end is above both. Counts never exceed H but by
    chance, so that they are the lower end.

    The state goes by C = 1 - (codes seen once) / n, the coverage of Good and Turing: "ok" from 0.95 on, "undersampled" from 0.8 on, and "saturated" below, where the
    value is what was counted and there is no upper end but that of the units. For I(X;T|Y) and I(T;Y) it is the
    coverage within classes. I(T;Y) lies between the cross-entropy of counts without the sample itself and what was
    counted; ``settings`` has what shuffled labels give, whose truth is 0.
    Sources: Chao, Wang and Jost, Entropy and the species accumulation curve, 2013; Chao and Shen, Nonparametric
    estimation of Shannon's index of diversity, 2003.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> bits = torch.randint(2, (1000, 3), generator=torch.Generator().manual_seed(0))
    >>> pn.code_information(bits, bits[:, 0])["I(T;Y)"]
    I(T;Y) 1.00 [0.992, 1.00] bits, ok (codes, 1,000 samples)
    """
    check_arguments(code_information, locals())
    if about not in ABOUT:
        raise ValueError(f"about={about!r}; expected one of {', '.join(ABOUT)}")
    values = _values(codes)
    if len(values) < 2:
        raise ValueError(f"the codes are of {len(values)} sample; expected at least 2")
    counted = _Counted(values, about)
    whole = counted.entropy("H(T)", [np.arange(len(values))])
    found = {"H(T)": whole, "I(X;T)": counted.entropy("I(X;T)", [np.arange(len(values))])}
    if y is None:
        return found
    labels = class_numbers(y, len(values)).numpy()
    parts = [np.flatnonzero(labels == c) for c in range(labels.max() + 1)]
    within = counted.entropy("I(X;T|Y)", parts)
    within = replace(within, high=max(min(within.high, whole.high), within.low))
    label = counted.about_labels(whole, within, labels, seed)
    return Several({**found, "I(X;T|Y)": within, "I(T;Y)": label})


def row_codes(values: np.ndarray) -> np.ndarray:
    """A whole number for each distinct row, by one sort of the rows as bytes."""
    rows = np.ascontiguousarray(values)
    view = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    return np.unique(view, return_inverse=True)[1].ravel()


class _Counted:
    """The codes of a layer, counted."""

    def __init__(self, values: np.ndarray, about: str) -> None:
        self.rows, self.about, self.units = row_codes(values), about, values.shape[1]
        # No entropy is above that of independent units that use all of their values equally.
        counts = [np.unique(column, return_counts=True)[1] for column in values.T]
        self.most, self.continuous = sum(map(_most, counts)), max(map(len, counts)) == len(values)

    def entropy(self, quantity: str, parts: Sequence[np.ndarray]) -> Information:
        """Entropy within each part, weighted with its size."""
        counts = [np.unique(self.rows[part], return_counts=True)[1] for part in parts]
        shares = np.array([len(part) / len(self.rows) for part in parts])
        counted = float(shares @ [plug_in(c) for c in counts])
        if self.about == "data":
            return self._information(quantity, counted, (counted, counted))
        seen = float(shares @ [coverage(c) for c in counts])
        error = self._error(counts)
        state, margin = _state(seen)
        estimates = [float(shares @ [how(c) for c in counts]) for how in (chao_wang_jost, chao_shen)]
        high = max(min(self.most, max(estimates) + margin + ERRORS * error), counted)
        value = counted if state == "saturated" else min(self.most, estimates[0])
        known = {"coverage": seen, "chao_shen": estimates[1]}
        return self._information(
            quantity,
            value,
            (max(0.0, counted - ERRORS * error), high),
            error=error,
            state=state,
            **known,
        )

    def about_labels(
        self, whole: Information, within: Information, labels: np.ndarray, seed: int
    ) -> Information:
        """I(T;Y) between a cross-entropy of other samples and the count."""
        counted = self._label_count(labels)
        if self.about == "data":
            return self._information("I(T;Y)", counted, (counted, counted))
        low, error = self._cross_entropy(labels)
        rng = np.random.default_rng(seed)
        null = float(np.mean([self._label_count(rng.permutation(labels)) for _ in range(SHUFFLES)]))
        value = whole.value - within.value if within.state == whole.state == "ok" else counted
        high = min(counted + ERRORS * error, math.log2(labels.max() + 1))
        ends = min(max(0.0, low - ERRORS * error), high), high
        seen = within.settings["coverage"]
        return self._information(
            "I(T;Y)", value, ends, error=error, state=within.state, coverage=seen, null=null
        )

    def _label_count(self, labels: np.ndarray) -> float:
        """Plug-in I(T;Y), in bits."""
        joint = np.unique(self.rows * (labels.max() + 1) + labels, return_counts=True)[1]
        alone = (np.unique(codes, return_counts=True)[1] for codes in (self.rows, labels))
        return sum(map(plug_in, alone)) - plug_in(joint)

    def _cross_entropy(self, labels: np.ndarray) -> tuple[float, float]:
        """Log of the posterior of the label by the counts of the other samples, over its share; mean and error.

        One sample of weight is spread as the labels are, so that a code seen once carries no information.
        """
        classes = labels.max() + 1
        _, place, joint = np.unique(self.rows * classes + labels, return_inverse=True, return_counts=True)
        of_code, share = np.bincount(self.rows), np.bincount(labels) / len(labels)
        prior = share[labels]
        posterior = (joint[place] - 1 + prior) / of_code[self.rows]
        point = np.log2(posterior / prior)
        return float(point.mean()), float(point.std(ddof=1) / math.sqrt(len(point)))

    def _error(self, counts: Sequence[np.ndarray]) -> float:
        """Standard error of -log p over the samples, in bits."""
        point = np.concatenate([np.repeat(-np.log2(c / c.sum()), c) for c in counts])
        return float(point.std(ddof=1) / math.sqrt(len(point)))

    def _information(
        self,
        quantity: str,
        value: float,
        ends: tuple[float, float],
        *,
        error: float = 0.0,
        state: str = "ok",
        **settings: float,
    ) -> Information:
        n = len(self.rows)
        return Information(
            quantity,
            value,
            *ends,
            error=error,
            about=self.about,
            estimator="codes",
            samples=n,
            rows=n,
            units=self.units,
            state=state,
            notes=_notes(state, settings.get("coverage", 1.0), self.continuous),
            settings=settings,
        )


def _values(codes: Any) -> np.ndarray:
    """Codes as whole numbers (sample, unit), one for each value of a unit."""
    found = codes.values if isinstance(codes, Discrete | LayerCodes) else codes
    values = array(found, "codes")
    if values.ndim < 2 or 0 in values.shape or values.dtype.kind not in "iufb":
        raise ValueError(
            f"the codes have shape {values.shape} and type {values.dtype}; expected (sample, unit), numbers"
        )
    values = values.reshape(len(values), -1)
    if values.dtype.kind not in "iub":
        if not np.isfinite(values).all():
            raise ValueError("the codes hold values that are not finite; check weights and inputs")
        distinct, values = np.unique(values, return_inverse=True)
        return values.reshape(len(found), -1).astype(np.uint8 if len(distinct) <= 256 else np.int32)
    return values.astype(np.uint8) if values.min() >= 0 and values.max() < 256 else values


def _most(counts: np.ndarray) -> float:
    """The most entropy of one unit: it may have further values where some were seen only once."""
    return math.log2(len(counts)) if counts.min() > 1 else math.inf


def _state(seen: float) -> tuple[str, float]:
    """The state at a coverage, and how far above the estimate the truth may be."""
    if seen >= SURE[0]:
        return "ok", SURE[1]
    return ("undersampled", UNSURE[1]) if seen >= UNSURE[0] else ("saturated", math.inf)


def _notes(state: str, seen: float, continuous: bool) -> tuple[str, ...]:
    if state == "ok":
        return ()
    notes = (f"{state}: {1 - seen:.0%} of the codes to come were not seen yet (Good and Turing)",)
    if continuous:
        notes += ("a unit has another value in every sample: continuous values are no codes; quantize them",)
    return notes
