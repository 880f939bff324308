"""What a public function is given is looked at once, at its door, by its own annotations.

Not by beartype or typeguard: they refuse NumPy's whole numbers, take True for a number and NaN for a share, fail on names
that are imported for type checkers alone, and need several lines where one sentence is wanted.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from inspect import unwrap
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

MAKERS = {
    "Activations": "capture makes them",
    "Codes": "quantize makes them",
    "LayerMap": "layer_maps makes one per layer",
    "PruningPlan": "plan_pruning makes one",
    "RedundancyGraph": "redundancy_graph makes one",
    "ReplacementGraph": "replacement_graph makes one",
}
ONLY_FOR_TYPE_CHECKERS = {*MAKERS, "networkx.Graph"}  # looked at by their names
LOOKED_AT = 1000  # so many entries of a list or mapping


def check_arguments(function: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """TypeError for an argument that is not of the kind that its annotation names, ValueError for a negative seed.

    given: ``locals()`` at the begin of the function. What an annotation says by a name that is only imported for type
    checkers, and what arrays, models and data hold, is left to the function.
    """
    for name, hint in _hints(function).items():
        if name in given and not fits(given[name], hint):
            raise TypeError(f"{name}{_described(given[name])}; expected {words(hint)}")
        if name == "seed" and isinstance(given[name], Integral) and given[name] < 0:
            raise ValueError(f"seed={given[name]}; expected 0 or more")


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of the kind that an annotation names."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if isinstance(hint, str):
        return hint.rpartition(".")[2] in [kind.__name__ for kind in type(value).__mro__]
    if origin in (Union, types.UnionType):
        return any(fits(value, one) for one in inner)
    if origin is Literal:
        return isinstance(value, type(inner[0]))  # which one, the function looks up by name
    if origin is Callable or hint is Callable:
        return callable(value)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and (
            len(value) > LOOKED_AT or all(fits(k, inner[0]) and fits(v, inner[1]) for k, v in value.items())
        )
    if origin is tuple and isinstance(value, tuple | list):
        kinds = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        return len(value) == len(kinds) and all(map(fits, value, kinds))
    if isinstance(origin, type) and issubclass(origin, Sequence) and origin is not tuple:
        return _is_listed(value) and all(fits(one, inner[0]) for one in _some(value))
    return _is_a(value, origin or hint)


def words(hint: Any) -> str:
    """An annotation in words."""
    if isinstance(hint, str):
        return f"a {hint} ({MAKERS.get(hint, 'a graph of pidnet is one')})"
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(map(words, inner)))
    if origin is Literal:
        return f"one of {', '.join(map(repr, inner))}"
    if origin is Callable or hint is Callable:
        return "a function"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"a mapping from {words(inner[0])} to {words(inner[1])}" if Any not in inner else "a mapping"
    if origin is tuple:
        many = inner[-1] is Ellipsis
        return f"{'any number of' if many else len(inner)} {words(inner[0]).removeprefix('a ')}s"
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return f"a list of {words(inner[0]).removeprefix('a ').removeprefix('an ')}"
    name = getattr(origin or hint, "__name__", str(hint)).replace("NoneType", "None")
    known = {
        "int": "a whole number",
        "float": "a number",
        "str": "a text",
        "bool": "True or False",
        "None": "None",
    }
    maker = f" ({MAKERS[name]})" if name in MAKERS else ""
    return known.get(name, f"a {name}{maker}" if name[0] not in "AEIOU" else f"an {name}{maker}")


@cache
def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """The annotations that can be read at run time; the others are not looked at."""
    function, found = unwrap(function), {}
    for name, text in function.__annotations__.items():
        try:
            hint = eval(text, vars(sys.modules[function.__module__])) if isinstance(text, str) else text
        except (NameError, AttributeError, TypeError):
            hint = text if text in ONLY_FOR_TYPE_CHECKERS else Any
        if name != "return" and _readable(hint):
            found[name] = hint
    return found


def _readable(hint: Any) -> bool:
    if (
        hint is Any
        or isinstance(hint, str)
        or hint is Ellipsis
        or hint is Callable
        or get_origin(hint) in (Literal, Callable)
    ):
        return True
    if get_origin(hint) is Iterable or getattr(hint, "_is_protocol", False):
        return False
    return all(map(_readable, get_args(hint))) if get_args(hint) else isinstance(hint, type)


def _is_a(value: Any, kind: Any) -> bool:
    """A value of a plain kind; NumPy's numbers are numbers, and True is none."""
    if kind is bool:
        return isinstance(value, bool) or type(value).__name__ in ("bool", "bool_")
    if kind in (int, float):
        number = isinstance(value, Integral if kind is int else Real) and not isinstance(value, bool)
        return number and value == value
    if kind is Path:
        return isinstance(value, Path)
    if kind.__module__ == "numpy" and kind.__name__ == "ndarray":
        return _is_array(value)
    if kind.__module__.startswith("torch") and kind.__name__ == "Tensor":
        return isinstance(value, kind) and not value.is_meta
    return isinstance(value, kind)


def _is_array(value: Any) -> bool:
    """Whether NumPy reads numbers out of it."""
    import numpy as np

    if value is None or isinstance(value, str | bytes | Mapping):
        return False
    try:
        array = np.asarray(value)
        return array.ndim > 0 and array.dtype.kind in "biuf"
    except (
        Exception
    ):  # a tensor without values or with a gradient, a ragged list: each has an error of its own
        return False


def _is_listed(value: Any) -> bool:
    return hasattr(value, "__len__") and hasattr(value, "__iter__") and not isinstance(value, bytes | Mapping)


def _some(value: Any) -> list[Any]:
    try:
        return [one for one, _ in zip(value, range(LOOKED_AT), strict=False)]
    except TypeError:  # an array without an axis
        return [object()]


def _described(value: Any) -> str:
    plain = value is None or isinstance(value, str | int | float | bool)
    plain |= isinstance(value, tuple) and all(isinstance(one, str | int | float) for one in value)
    return f"={value!r}" if plain and len(repr(value)) < 80 else f" is a {type(value).__name__}"
