"""What a model says: the scores in its output, whatever holds them and wherever the samples lie in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pidnet.networks.inputs import tensors_in
from pidnet.networks.outputs import READINGS

# Where the scores are in an output that is a mapping or has attributes, as those of Hugging Face's models: the first that is there.
ENTRIES = ("logits", "last_hidden_state")


def class_scores(output: Any) -> Tensor:
    """The scores in a model's output: the output itself, its ``logits`` or ``last_hidden_state``, the only tensor of a mapping,
    or the first entry of a tuple.

    Raises TypeError for an output that has none of these.
    """
    found = output
    if isinstance(output, Mapping):
        tensors = [value for value in output.values() if isinstance(value, Tensor)]
        only = tensors[0] if len(tensors) == len(output) == 1 else None
        found = next((output[name] for name in ENTRIES if name in output), only)
    elif name := next((name for name in ENTRIES if hasattr(output, name)), ""):
        found = getattr(output, name)
    elif isinstance(output, tuple | list) and output:
        found = output[0]
    if not isinstance(found, Tensor):
        raise TypeError(
            f"the model outputs a {type(output).__name__}; expected a tensor, an output with `logits`, or a "
            "tuple that begins with a tensor"
        )
    return found


@dataclass(frozen=True)
class Said:
    """Finds what a model says in its output, samples first.

    entry: the name or number of an entry, "boxes" or "boxes.0"; empty for the ``class_scores``, or, of a mapping without, all
    entries. axis: of the samples in it. joined: whether these are several tensors, flattened into one.
    """

    entry: str = ""
    axis: int = 0
    joined: bool = False

    def __call__(self, output: Any) -> Tensor:
        """The scores. Raises ValueError where there is no such entry, TypeError where there is no tensor."""
        found = self._found(output)
        if isinstance(found, Tensor):
            return found.movedim(self.axis, 0)
        tensors = [part for part in tensors_in(found) if part.is_floating_point() and part.ndim]
        parts = [
            part.flatten(1) if part.ndim > 1 else part[:, None]
            for part in tensors
            if len(part) == len(tensors[0])
        ]
        return torch.cat(parts, 1) if parts else class_scores(found)

    def placed(self, one: Any, two: Any) -> Said:
        """The same with the axis of the samples, from the outputs for one and for two of them.

        Raises ValueError where a sample's part of the output is another one beside others, as their similarities are.
        """
        shapes = [self(output).shape for output in (one, two)]
        changed = [axis for axis, lengths in enumerate(zip(*shapes, strict=False)) if lengths == (1, 2)]
        axis = changed[0] if len(changed) == 1 and len(shapes[0]) == len(shapes[1]) else 0
        joined = not isinstance(self._found(two), Tensor)
        if len(changed) > 1 or (joined and shapes[0][1:] != shapes[1][1:]):
            raise ValueError(
                f"the output has shape {tuple(shapes[0])} for one sample and {tuple(shapes[1])} for two: what it says of a "
                "sample depends on those beside it; name an entry that does not, such as output='image_embeds'"
            )
        return Said(self.entry, axis, joined)

    def beside(self, output: Any) -> list[Tensor]:
        """Whatever else the output holds, not deeper than as an entry."""
        entries = output.values() if isinstance(output, Mapping) else output
        several = isinstance(output, Mapping | tuple | list)
        return [entry for entry in entries if isinstance(entry, Tensor)] if several else []

    def _found(self, output: Any) -> Any:
        """The entry, or what is taken where none is named."""
        for key in filter(None, self.entry.split(".")):
            output = _entry(output, key)
        unknown = isinstance(output, Mapping) and not any(name in output for name in ENTRIES)
        return output if self.entry or (unknown and len(output) > 1) else class_scores(output)


def _entry(output: Any, key: str) -> Any:
    """The entry of that name or number. Raises ValueError where there is none."""
    if isinstance(output, tuple | list):
        output = dict(enumerate(output))
    entries = output if isinstance(output, Mapping) else {}
    found = {str(name): value for name, value in entries.items()}
    if key not in found:
        known = f"the entries {', '.join(found)}" if found else "no entries"
        raise ValueError(
            f"output={key!r} is neither a reading ({', '.join(READINGS)}) nor an entry of what the model puts out, which has "
            f"{known}"
        )
    return found[key]
