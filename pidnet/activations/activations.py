"""The result of a capture: what the units of some layers did."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torch import Tensor

from pidnet.arguments import check_arguments
from pidnet.optional import optional_module
from pidnet.printing import Printed, listed, number, table

if TYPE_CHECKING:
    import xarray


def _fields(
    layers: Mapping[str, Tensor],
    target: Tensor,
    reduction: Mapping[str, str],
    skipped: Mapping[str, str],
    sample: Tensor | None,
    predicted: Tensor | None,
) -> None:
    """What the fields of ``Activations`` are."""


@dataclass(frozen=True, eq=False, repr=False)
class Activations(Printed):
    """What the units of some layers did on some samples, on the CPU.

    Attributes
    ----------
    layers : dict of str to Tensor
        float32 (row, unit), or (row, unit, dim) for vector units such as attention heads. A row is a sample, or one
        of its places or draws.
    target : Tensor
        int64 (row,) classes or float (row, d).
    reduction : dict of str to str
        How the places of each layer became one value per row.
    skipped : dict of str to str
        Why a layer was not captured.
    sample : Tensor or None
        int64 (row,), the input each row comes from.
    predicted : Tensor or None
        int64 (row,), the likeliest class; None when the model outputs no single class per sample.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.capture(pn.zoo.mlp(8, (16,), 2), (torch.zeros(5, 8), torch.arange(5) % 2))
    Activations: 5 rows, target int64 (5,)
    layer  shape   reduction
    fc1    5 x 16  none
    head   5 x 2   none
    """

    layers: dict[str, Tensor]
    target: Tensor
    reduction: dict[str, str]
    skipped: dict[str, str] = field(default_factory=dict)
    sample: Tensor | None = None
    predicted: Tensor | None = None

    def __post_init__(self) -> None:
        check_arguments(_fields, vars(self))
        for name, values in self.layers.items():
            if values.ndim not in (2, 3) or self.target.shape[:1] != values.shape[:1]:
                raise ValueError(
                    f"layer {name!r} has shape {tuple(values.shape)}, the target {tuple(self.target.shape)}; expected "
                    "(row, unit) or (row, unit, dim) with a row for each target"
                )

    def to_xarray(self) -> xarray.Dataset:
        """Each layer as a variable over (row, unit of the layer), with ``target`` and the like as coordinates.

        Returns
        -------
        xarray.Dataset
            The layer ``fc1`` has the dimensions ``row`` and ``fc1 unit``; vector units have ``fc1 dim`` too.
            ``target``, ``sample`` and ``predicted``, where there are any, are coordinates of ``row``. The
            attributes are ``reduction`` and ``skipped`` as JSON.

        Raises
        ------
        ImportError
            Without xarray, with the command that installs it.
        """
        layers = {
            name: (("row", f"{name} unit", f"{name} dim")[: values.ndim], values.numpy())
            for name, values in self.layers.items()
        }
        rows = {
            name: (("row", "target dim")[: values.ndim], values.numpy())
            for name in ("target", "sample", "predicted")
            if (values := getattr(self, name)) is not None
        }
        about = {"reduction": json.dumps(self.reduction), "skipped": json.dumps(self.skipped)}
        return optional_module("xarray").Dataset(layers, rows, about)

    def _lines(self) -> list[str]:
        rows = [
            {
                "layer": name,
                "shape": " x ".join(map(str, values.shape)),
                "reduction": self.reduction.get(name, "none"),
            }
            for name, values in self.layers.items()
        ]
        kind = str(self.target.dtype).removeprefix("torch.")
        head = f"Activations: {number(len(self.target))} rows, target {kind} {tuple(self.target.shape)}"
        return [head, *table(rows), *([f"skipped: {listed(self.skipped)}"] if self.skipped else [])]
