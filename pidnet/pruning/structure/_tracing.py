"""Where the units of a layer go, seen by marking them with nan.

One sample is run as a batch of at least 2 log2(units) copies, a number that no other axis has; in each copy the units
whose index has (or has not) a given bit are nan. Whatever passes units on one by one keeps the mark, so that at every layer that reads them
the copies spell out which input column belongs to which unit; whatever mixes units spells nonsense. No
operation needs to be known: flatten, concatenation, addition and pooling come out as they are.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from pidnet.networks.axes import axis_of_length
from pidnet.networks.compensated_norms import norms_channels
from pidnet.networks.hooks import surround_calls
from pidnet.networks.inputs import Inputs, repeated, take, tensors_in
from pidnet.networks.kinds import CHANNELS_FIRST, NORMS, PRODUCERS, channels_together
from pidnet.networks.replay import Replay
from pidnet.networks.running import run
from pidnet.networks.said import Said

FOLDED = "its samples share an axis with something else, as in x.reshape(-1, ...)"
MIXED = "an operation that is not a layer mixes its units before the output (for example matmul, softmax over units)"
LOST = (
    "an operation on the way to the next layer loses the mark that follows its units (as torch.where and torch.sign "
    "do); write it with an activation that is nan where its input is nan"
)


REMEMBERED = 64e6  # bytes, of what runs before a layer, for each number of copies


@dataclass(eq=False)
class Trace:
    """Where a layer's units were seen. columns: layer that reads them -> column -> unit. followers: layer that hands them
    on, such as a BatchNorm -> output channel -> unit. obstacle: why they cannot be cut, or empty. together: how many
    neighboring units they might be cut by, where not one by one. mixed: whether something reads several units in one channel."""

    columns: dict[str, dict[int, int]] = field(default_factory=dict)
    followers: dict[str, dict[int, int]] = field(default_factory=dict)
    obstacle: str = ""
    together: int = 1
    mixed: bool = False

    def refuse(self, reason: str) -> None:
        self.obstacle = self.obstacle or reason


@dataclass(frozen=True, eq=False)
class Marks:
    """at: bool (copy, channel), where a module that has units is marked. units: how many there are, of one or more
    channels each; their bits are spelled out by the first ``bits`` copies, and the complement by as many
    after the first half."""

    at: Tensor
    units: int

    @staticmethod
    def of(units: int, together: int, apart: int, lengths: frozenset[int]) -> Marks:
        """A unit has so many neighboring channels in so many equal parts of all. Bit b of the unit's index for each b, the last one repeated until the number of copies is no length of
        anything else; then the complement."""
        bits = max(1, (units - 1).bit_length())
        half = next(half for half in range(bits, bits + len(lengths) + 1) if 2 * half not in lengths)
        order = torch.arange(half).clamp(max=bits - 1)
        ones = (torch.arange(units) >> order[:, None]) & 1 == 1
        return Marks(torch.cat([ones, ~ones]).repeat_interleave(together, 1).repeat(1, apart), units)

    def after(self, channels: int) -> Marks:
        """The same behind some channels that bear no mark."""
        return replace(self, at=nn.functional.pad(self.at, (channels, 0)))

    def __len__(self) -> int:
        return len(self.at)

    @property
    def bits(self) -> int:
        return max(1, (self.units - 1).bit_length())


@dataclass(frozen=True, eq=False)
class Tracer:
    """Follows the units of one layer after the other, in the order in which they run, through a model in eval mode.

    order: the modules by their first call. lengths: of all axes of everything that passes between them, but for the axis of
    the samples. said: what the model puts out.
    """

    model: nn.Module
    example: Inputs
    order: list[str]
    lengths: frozenset[int]
    said: Said
    _replays: dict[int, Replay] = field(default_factory=dict, init=False)

    @staticmethod
    @torch.no_grad()
    def of(model: nn.Module, example: Inputs, said: Said) -> Tracer:
        """A tracer with the lengths that a run on two copies of the first sample shows."""
        lengths: set[int] = set()
        order: dict[str, None] = {}

        def see(_name: str, _module: nn.Module, arguments: tuple, keywords: dict, output: Any = None) -> None:
            seen = tensors_in([arguments, keywords, output])
            lengths.update(length for tensor in seen for length in tensor.shape)

        with surround_calls(model, lambda name, *_: order.setdefault(name), see):
            run(model, repeated(example, 2))
        return Tracer(model, example, list(order), frozenset(lengths), said)

    @torch.no_grad()
    def trace(self, source: str, units: int, *, together: int = 1, apart: int = 1, before: int = 0) -> Trace:
        """Where the units that module ``source`` outputs (on the channel axis) go. together: neighboring channels that
        are one unit. apart: equal parts of the channels, in each of which a unit has such. before: channels that come before them."""
        marks = Marks.of(units, together, apart, self.lengths).after(before)
        found = Trace()
        replay = self._replay(len(marks))
        replay.reach(source)
        with _marking(self.model, source, found, marks) as ran, _watching(self.model, found, marks):
            outputs = replay.run(0)
            output = self.said(outputs).isnan()
        if not ran:
            found.refuse("it does not run in the forward pass")
        elif output.any():
            found.refuse(
                MIXED if _mixed(output, marks) else "its units reach the output without another layer"
            )
        elif any(entry.isnan().any() for entry in self.said.beside(outputs)):
            found.refuse("its units reach another entry of the output without another layer")
        elif not found.columns:
            found.refuse(LOST if self._matters(source) else "no layer reads its units")
        return found

    def _replay(self, copies: int) -> Replay:
        """The model on so many copies, as far as it has been followed on as many."""
        if copies not in self._replays:
            self._replays[copies] = Replay(self.model, [repeated(self.example, copies)], REMEMBERED)
        return self._replays[copies]

    def _output(self, x: Inputs) -> Tensor:
        return self.said(run(self.model, x))

    def _matters(self, source: str) -> bool:
        """Whether the output changes when that of the source does."""
        before = self._output(take(self.example, [0]))
        hook = self.model.get_submodule(source).register_forward_hook(
            lambda _m, _inputs, output: 3 - 2 * output
        )
        try:
            return not torch.equal(self._output(take(self.example, [0])), before)
        finally:
            hook.remove()


def _mixed(output: Tensor, marks: Marks) -> bool:
    axis = axis_of_length(output.shape, len(marks))
    if axis is None:
        return False
    ones, zeros = output.movedim(axis, 0).chunk(2)
    return bool((ones & zeros).any())


def _unit_last(module: nn.Module, values: Tensor, copies: int) -> Tensor | None:
    """A view of a module's input or output with the copies first and the units last; None where the copies share
    an axis with something else."""
    axis = axis_of_length(values.shape, copies)
    if axis is None:
        return None
    channels_first = isinstance(module, (*CHANNELS_FIRST, nn.PReLU)) and values.ndim > 2
    values = values.movedim(axis, 0)
    return values.movedim(1, -1) if channels_first else values


@contextmanager
def _marking(model: nn.Module, source: str, found: Trace, marks: Marks) -> Generator[list[bool]]:
    ran: list[bool] = []

    def mark(module: nn.Module, _inputs: tuple, output: Tensor) -> Tensor:
        ran.append(True)
        marked = output.clone()
        view = _unit_last(module, marked, len(marks))
        if view is None:
            found.refuse(FOLDED)
            return output
        at = marks.at.to(view.device).reshape(len(marks), *[1] * (view.ndim - 2), -1)
        view.masked_fill_(at.expand_as(view), float("nan"))
        return marked

    hook = model.get_submodule(source).register_forward_hook(mark)
    try:
        yield ran
    finally:
        hook.remove()


@contextmanager
def _watching(model: nn.Module, found: Trace, marks: Marks) -> Generator[None]:
    """Note who sees marks; layers that multiply by weights see them as zeros and pass none on, norms over channels see
    zeros and pass marks on."""
    hidden: dict[str, Tensor] = {}

    def see(name: str, module: nn.Module, inputs: tuple):
        marked = inputs[0] if inputs and isinstance(inputs[0], Tensor) else None
        if marked is None or not marked.is_floating_point() or not marked.isnan().any():
            return None
        if isinstance(module, nn.PReLU) and module.num_parameters == 1:
            return None
        if (sizes := channels_together(module)) is not None:
            seen = _handed_on(found, name, module, _decode(found, name, module, marked, marks), *sizes)
            found.followers.setdefault(name, {}).update(seen)
            if not norms_channels(module):
                return None
            hidden[name] = marked.isnan()
            return (marked.nan_to_num(), *inputs[1:])
        if isinstance(module, PRODUCERS):
            found.columns.setdefault(name, {}).update(_decode(found, name, module, marked, marks))
        else:
            mixes = ", which mixes them" if isinstance(module, NORMS) else ", which is not known here"
            found.refuse(f"its units pass through {type(module).__name__} {name!r}{mixes}")
        return (marked.nan_to_num(), *inputs[1:])

    def mark_again(name: str, _module: nn.Module, _inputs: tuple, output: Tensor) -> Tensor:
        return output.masked_fill(hidden.pop(name), float("nan")) if name in hidden else output

    with ExitStack() as stack:
        for name, module in model.named_modules():
            if norms_channels(module):
                stack.callback(module.register_forward_hook(partial(mark_again, name)).remove)
            own = next(module.parameters(recurse=False), None) is not None
            if own or isinstance(module, NORMS) or channels_together(module) is not None:
                hook = module.register_forward_pre_hook(
                    lambda module, inputs, name=name: see(name, module, inputs)
                )
                stack.callback(hook.remove)
        yield


def _handed_on(
    found: Trace, name: str, module: nn.Module, seen: dict[int, int], entering: int, leaving: int
) -> dict[int, int]:
    """Output channel -> unit of a layer that makes groups of so many channels; refuses where those of a group do not
    carry one unit together, and notes how many units would have to go together."""
    groups: dict[int, list[int]] = {}
    for channel, unit in seen.items():
        groups.setdefault(channel // entering, []).append(unit)
    if any(len(units) < entering or len(set(units)) > 1 for units in groups.values()):
        found.together = math.lcm(found.together, entering)
        found.refuse(
            f"its units pass through {type(module).__name__} {name!r}, which makes groups of {entering} that they do "
            "not fill"
        )
    return {group * leaving + k: units[0] for group, units in groups.items() for k in range(leaving)}


def _decode(found: Trace, name: str, module: nn.Module, marked: Tensor, marks: Marks) -> dict[int, int]:
    """Channel -> unit at a module's input; refuses where a channel carries more than one unit."""
    view = _unit_last(module, marked, len(marks))
    if view is None:
        found.refuse(f"its units are mixed with the samples before {name!r}")
        return {}
    seen = view.isnan()
    seen = seen.reshape(len(marks), -1, seen.shape[-1]).any(1)
    ones, zeros = seen.chunk(2)
    if (ones & zeros).any():
        found.mixed = True
        found.refuse(f"its units are mixed before they reach {name!r}")
        return {}
    channels = (ones | zeros).all(0).nonzero().flatten()
    weights = 2 ** torch.arange(marks.bits)
    codes = ones[: marks.bits, channels].long().cpu()  # a GPU multiplies no matrices of whole numbers
    return dict(zip(channels.tolist(), (weights @ codes).tolist(), strict=True))
