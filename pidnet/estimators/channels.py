"""Mutual information of a layer whose channel is known: a bracket of the population from one matrix of densities."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from pidnet.arguments import check_arguments
from pidnet.channels import Channel, DensityChannel, Erasure, Upstream
from pidnet.estimators._critic import Bound, critic_bounds
from pidnet.estimators._labels import class_numbers, entropy
from pidnet.estimators._mixture import pointwise
from pidnet.estimators.information import ERRORS, Information
from pidnet.printing import Several

NAT = 1 / math.log(2)  # bits in a nat
SLACK, SHARE = 0.1, 0.05


def channel_information(
    channel: Channel, y: Any = None, *, draws: int = 2, rows: int | None = None, seed: int = 0
) -> dict[str, Information]:
    """I(X;T), and with labels I(X;T|Y) and I(T;Y), of a layer with a known channel.

    Parameters
    ----------
    channel : Channel
        Of n inputs, as ``channel_of`` or the ``channel`` of a layer gives it.
    y : array or Tensor, optional
        The label of each input, (sample,).
    draws : int
        Draws of the noise for each input.
    rows : int, optional
        So many inputs, drawn at random, make up the outer mean; all of them always make up the mixture.
    seed : int
        Of the draws.

    Returns
    -------
    dict
        Quantity -> Information. I(X;T) = I(X;T|Y) + I(T;Y) holds for the values.

    Raises
    ------
    ValueError
        For a single input, labels that do not fit or are all equal, or numbers below 1.

    Notes
    -----
    With p(t) the mixture of the n inputs, ``value`` is E log p(t|x) / p(t), exact for X uniform on the inputs up to
    the draws. It is at most log2 n and, in expectation, at most that of the population (InfoNCE with the true
    critic). The mixture of the other inputs gives an upper end (Jensen), and Gaussians of most entropy another one
    that log n does not cap. For I(T;Y) the value is the upper end; the posterior of the label from the other inputs
    gives the lower one (a held-out cross-entropy). Ends hold 2.5 standard errors.

    The state is "saturated" where the bracket of I(X;T) is wider than 0.1 bits and 5 % apart from its errors: then
    only its ends are known.
    Sources: Poole et al., On variational bounds of mutual information, 2019; McAllester and Stratos, Formal
    limitations on the measurement of mutual information, 2020.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> mean = torch.tensor([[-1.0], [1.0]]).repeat(500, 1)
    >>> found = pn.channel_information(pn.channels.Normal(mean, 0.01), torch.arange(1000) % 2)
    >>> found["I(T;Y)"]
    I(T;Y) 1.00 [1.00, 1.00] bits, ok (channel, 1,000 samples)
    """
    check_arguments(channel_information, locals())
    n = len(channel)
    if n < 2:
        raise ValueError(f"the channel has {n} input; expected at least 2")
    for name, count in (("draws", draws), ("rows", rows)):
        if count is not None and count < 1:
            raise ValueError(f"{name}={count}; expected at least 1")
    device = channel.parameters.device
    numbers = None if y is None else class_numbers(y, n, device)
    if not isinstance(channel, DensityChannel):
        raise TypeError(f"a {type(channel).__name__} channel has no density; use pn.code_information")
    generator = torch.Generator(device).manual_seed(seed)
    chosen = torch.arange(n, device=device)
    if rows is not None and rows < n:
        chosen = torch.randperm(n, generator=generator, device=device)[:rows]
    shared = numbers if numbers is not None else torch.zeros(n, dtype=torch.long, device=device)
    terms = pointwise(channel, shared, draws=draws, rows=chosen, generator=generator)
    critics = critic_bounds(channel, shared, generator) if isinstance(channel, Upstream) and n > 3 else ()
    return _Brackets(channel, numbers, terms, chosen, critics, seed).all()


class _Brackets:
    """The ends of each quantity from the pointwise terms, and from a critic where the channel is not exact."""

    def __init__(
        self,
        channel: DensityChannel,
        y: Tensor | None,
        terms: dict[str, Tensor],
        chosen: Tensor,
        critics: tuple[Bound, ...],
        seed: int,
    ) -> None:
        self.channel, self.y, self.terms, self.chosen = channel, y, terms, chosen
        self.critics, self.seed = critics, seed
        groups = channel.groups if isinstance(channel, Upstream) else None
        self.groups = None if groups is None else groups[chosen]

    def all(self) -> dict[str, Information]:
        whole = self._bracket("I(X;T)", "whole", self.channel.ceiling(), self.critics[:1])
        if self.y is None:
            return Several({"I(X;T)": whole})
        return Several({"I(X;T)": whole, "I(X;T|Y)": self._within(whole), "I(T;Y)": self._label(whole)})

    def _within(self, whole: Information) -> Information:
        assert self.y is not None
        ceiling = _class_ceiling(self.channel, self.y)
        return self._bracket("I(X;T|Y)", "within", ceiling, self.critics[1:], most=whole.high)

    def _bracket(
        self,
        quantity: str,
        term: str,
        ceiling: Tensor | None,
        critics: tuple[Bound, ...],
        most: float = math.inf,
    ) -> Information:
        """[the greatest of the lower ends, the least of the upper ends], with the state of saturation."""
        rest = self._mean(f"{term}_rest")
        lower = max((self._mean(term), *critics), key=lambda bound: bound.value - ERRORS * bound.error)
        # Terms of the same inputs, so that chance moves both ends alike.
        upper = rest if ceiling is None else Bound.of(ceiling[self.chosen], self.groups)
        upper = min((rest, upper), key=lambda bound: bound.value + ERRORS * bound.error)
        width = (upper.value - lower.value) * NAT
        saturated = not width <= max(SLACK, SHARE * lower.value * NAT)
        continuous = isinstance(self.channel, Erasure) and self.channel.continuous
        high = min(most, max(lower.value, upper.value + ERRORS * upper.error) * NAT)
        high = math.inf if continuous or self.channel.whole_units else high
        state = "infinite" if continuous else "saturated" if saturated else "ok"
        notes = _notes(self.channel, saturated, continuous)
        return self._information(quantity, term, low=lower, high=high, state=state, notes=notes)

    def _label(self, whole: Information) -> Information:
        """[cross-entropy of the classifier that the other inputs make, value for the data]."""
        assert self.y is not None
        posterior, value = self._mean("label_rest"), self._mean("label")
        low = Bound(posterior.value + entropy(self.y), posterior.error)
        most = min(math.log2(int(self.y.max()) + 1), whole.high)
        high = most if self.channel.whole_units else min(most, (value.value + ERRORS * value.error) * NAT)
        wide = (value.value - max(low.value, 0)) * NAT > max(SLACK, SHARE * value.value * NAT)
        notes = ("the samples are too few: the value is the upper end, not an estimate",) if wide else ()
        state = "undersampled" if wide else "ok"
        notes = (*self.channel.notes, *notes)
        return self._information("I(T;Y)", "label", low=low, high=high, state=state, notes=notes)

    def _information(
        self, quantity: str, term: str, *, low: Bound, high: float, state: str, notes: tuple[str, ...]
    ) -> Information:
        draws, rows = self.terms[term].shape
        high = max(high, 0.0)
        return Information(
            quantity,
            value=(self._mean(term) if quantity == "I(T;Y)" else low).value * NAT,
            low=min(max(0.0, (low.value - ERRORS * low.error) * NAT), high),
            high=high,
            error=_error_about_data(self.terms[term], rows == len(self.channel)) * NAT,
            estimator="channel",
            samples=len(self.channel),
            units=self.channel.units,
            rows=rows,
            draws=draws,
            state=state,
            notes=notes,
            settings={"own_weight": float(self.terms["own"].mean()), "seed": self.seed},
        )

    def _mean(self, term: str) -> Bound:
        """Mean over draws and rows, and its error about the population."""
        found = Bound.of(self.terms[term].mean(0), self.groups)
        return found if math.isfinite(found.error) else Bound(found.value, 0.0)


def _class_ceiling(channel: DensityChannel, y: Tensor) -> Tensor | None:
    """Terms of the bound within the class of each input; None where a class has none."""
    found = torch.empty(len(channel), dtype=channel.parameters.dtype, device=channel.parameters.device)
    for c in y.unique():
        part = (y == c).nonzero()[:, 0]
        terms = channel.take(part).ceiling()
        if terms is None:
            return None
        found[part] = terms
    return found


def _error_about_data(term: Tensor, all_rows: bool) -> float:
    """With all rows and several draws only the draws make an error; else the spread over inputs counts too."""
    if all_rows and len(term) > 1:
        return math.sqrt(float(term.var(0).mean()) / term.numel())
    of_row = term.mean(0)
    return float(of_row.std()) / math.sqrt(len(of_row)) if len(of_row) > 1 else math.inf


def _notes(channel: DensityChannel, saturated: bool, continuous: bool) -> tuple[str, ...]:
    if continuous:
        note = (
            "binary dropout of continuous units: I(X;T) is infinite in the population and the value is that of these "
            "inputs; use Gaussian dropout of the same rate for a finite one"
        )
    elif saturated and isinstance(channel, Upstream):
        note = f"only the ends are known: {channel.draws} draws of the noise upstream leave them apart"
    elif saturated:
        note = f"saturated: of at most log2 n = {math.log2(len(channel)):.2f} bits; only the ends are known"
    else:
        return channel.notes
    return (*channel.notes, note)
