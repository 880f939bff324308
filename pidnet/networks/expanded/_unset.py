"""Modules without values, for those that get theirs from other modules."""

from __future__ import annotations

from typing import Any, TypeVar

from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)


def unset(kind: type[M], like: Tensor, *arguments: Any, **options: Any) -> M:
    """A module with the type and on the device of a tensor; its parameters have no values yet, and none are drawn."""
    return kind(*arguments, device="meta", dtype=like.dtype, **options).to_empty(device=like.device)
