"""The codes of all layers, with the target that the units are asked about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pidnet.arguments import check_arguments
from pidnet.codes import _files
from pidnet.codes._layer import ROWS_AT_ONCE, LayerCodes
from pidnet.codes._stored import StoredValues, on_disk
from pidnet.files import saved_as
from pidnet.networks.outputs import check_labels
from pidnet.printing import Printed, listed, number, table


@dataclass(frozen=True, eq=False, repr=False)
class Codes(Printed):
    """Quantized activations, on the CPU.

    Attributes
    ----------
    layers : dict of str to LayerCodes
        The codes of each layer.
    target : Tensor
        int64 (sample,), the class of each sample as an index into ``classes``.
    classes : tuple of int
        The labels that occur, ascending.
    levels : int
        How many levels a unit has at most; codes are 0 ... levels - 1.
    quantizer : str
        The name of the quantizer that made the edges.
    skipped : dict of str to str
        Layers that were not captured, with the reason.
    sample : Tensor or None
        int64 (sample,), the input that each row comes from, where an input gives several rows.
    predicted : Tensor or None
        int64 (sample,), the class with the largest output of the model.

    Raises
    ------
    ValueError
        If layers, target, ``sample`` and ``predicted`` do not have the same number of rows.

    Examples
    --------
    >>> import pidnet as pn
    >>> codes = pn.Codes.of({"layer": [[0, 1], [1, 1], [2, 1]]}, [3, 3, 7])
    >>> codes
    Codes: 3 samples, 2 classes, 3 levels by own_values
    layer  units  constant  collapsed  exact
    layer      2         1          0      1
    >>> codes.classes, codes.target
    ((3, 7), tensor([0, 0, 1]))
    """

    layers: dict[str, LayerCodes]
    target: Tensor
    classes: tuple[int, ...]
    levels: int
    quantizer: str
    skipped: dict[str, str] = field(default_factory=dict)
    sample: Tensor | None = None
    predicted: Tensor | None = None

    def __post_init__(self) -> None:
        rows = {name: len(codes.values) for name, codes in self.layers.items()}
        rows |= {
            name: len(value)
            for name in ("target", "sample", "predicted")
            if (value := getattr(self, name)) is not None
        }
        if len(set(rows.values())) > 1:
            raise ValueError(f"rows differ: {rows}; expected the same number of samples everywhere")

    @classmethod
    def of(cls, layers: Mapping[str, Any], target: Any, levels: int | None = None) -> Codes:
        """Make codes of units that are discrete already.

        Parameters
        ----------
        layers : mapping of str to array
            Codes of each layer, integers 0, 1, 2, ... (sample, unit), as arrays, tensors or lists. An array of zarr and
            a memory-mapped one of NumPy stay on disk: what is asked for is read.
        target : array
            Class labels, integers (sample,).
        levels : int, optional
            How many levels a unit has at most; by default the largest code and one.

        Returns
        -------
        Codes
            Every unit that varies is exact: its codes are the unit.

        Raises
        ------
        ValueError
            For codes below 0 or not below ``levels``, more than 256 levels, or labels that are not integers.
        """
        given = {name: _checked_codes(name, values) for name, values in layers.items()}
        largest = max(most for _, most in given.values())
        levels = largest + 1 if levels is None else levels
        if not largest < levels <= 256:
            raise ValueError(
                f"codes up to {largest} at levels={levels}; expected 0 ... levels - 1, at most 255"
            )
        made = {name: LayerCodes.of(values, levels) for name, (values, _) in given.items()}
        lossless = {
            name: replace(codes, collapsed=[], exact=codes.varying.tolist()) for name, codes in made.items()
        }
        return cls(lossless, *class_index(torch.as_tensor(target)), levels, "own_values")

    @property
    def edges(self) -> dict[str, Tensor]:
        """The edges of each layer that has them, as ``quantize(acts, levels, edges=...)`` takes them."""
        return {name: codes.edges for name, codes in self.layers.items() if codes.edges is not None}

    def __len__(self) -> int:
        """How many samples there are."""
        return len(self.target)

    def layer(self, name: str) -> LayerCodes:
        """Find the codes of one layer.

        Parameters
        ----------
        name : str
            The name of the layer.

        Returns
        -------
        LayerCodes
            Its codes.

        Raises
        ------
        ValueError
            For an unknown name, with the known ones.
        """
        check_arguments(Codes.layer, locals())
        if name not in self.layers:
            raise ValueError(f"no such layer: {name!r}; the codes hold {', '.join(map(repr, self.layers))}")
        return self.layers[name]

    def take(self, samples: np.ndarray) -> Codes:
        """Take some of the samples: their codes, classes, inputs and predictions together.

        Parameters
        ----------
        samples : ndarray
            int (row,), in the order wanted.

        Returns
        -------
        Codes
            All layers on these samples; ``classes`` and constant units stay those of all.
        """
        rows = torch.from_numpy(samples)
        sample, predicted = (None if x is None else x[rows] for x in (self.sample, self.predicted))
        layers = {name: codes.take(samples) for name, codes in self.layers.items()}
        return replace(self, layers=layers, target=self.target[rows], sample=sample, predicted=predicted)

    def take_layer(self, name: str, units: np.ndarray | None = None) -> Codes:
        """Take one layer, or some units of it.

        Parameters
        ----------
        name : str
            The name of the layer.
        units : ndarray, optional
            int (unit,), in the order wanted; by default all.

        Returns
        -------
        Codes
            The layer alone.

        Raises
        ------
        ValueError
            For an unknown layer.
        """
        codes = self.layer(name)
        return replace(self, layers={name: codes if units is None else codes.take_units(units)})

    def save(self, path: str | Path) -> Path:
        """Write the codes as .npz: arrays and one JSON text, nothing pickled.

        Parameters
        ----------
        path : str or Path
            Where to; .npz is added to a name that does not end so.

        Returns
        -------
        Path
            The path written.
        """
        return _files.write_codes(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Codes:
        """Read codes that ``save`` or ``capture_codes`` wrote.

        Parameters
        ----------
        path : str or Path
            The file, or the name that ``save`` got, or the folder that ``capture_codes`` got as ``store``: those codes
            stay on disk, and what is asked for is read.

        Returns
        -------
        Codes
            The codes as they were.

        Raises
        ------
        FileNotFoundError
            Without such a file.
        ValueError
            For a file with other or damaged contents.
        """
        check_arguments(Codes.load, locals())
        if Path(path).is_dir():
            layers, fields = _files.read_store(Path(path))
        else:
            layers, fields = _files.read_codes(saved_as(path, ".npz"))
        return cls({name: LayerCodes(**layer) for name, layer in layers.items()}, **fields)

    def _lines(self) -> list[str]:
        rows = [
            {
                "layer": name,
                "units": codes.values.shape[1],
                **{what: len(getattr(codes, what)) for what in ("constant", "collapsed", "exact")},
            }
            for name, codes in self.layers.items()
        ]
        counts = f"{number(len(self))} samples, {number(len(self.classes))} classes"
        skipped = [f"skipped: {listed(self.skipped)}"] if self.skipped else []
        return [f"Codes: {counts}, {self.levels} levels by {self.quantizer}", *table(rows), *skipped]


def _checked_codes(name: str, given: Any) -> tuple[Tensor | StoredValues, int]:
    """Codes of a layer as uint8, and the largest of them. ValueError for what are no codes."""
    values = StoredValues(given) if on_disk(given) else torch.as_tensor(given)
    if values.ndim != 2 or not values.numel():
        raise ValueError(
            f"codes of layer {name!r} have the shape {tuple(values.shape)}; expected (sample, unit), at least one of each"
        )
    if isinstance(values, StoredValues):
        return values, max(int(rows.max()) for rows in values.split(ROWS_AT_ONCE))
    if values.is_floating_point() and not bool((values.isfinite() & (values == values.round())).all()):
        raise ValueError(
            f"codes of layer {name!r} are no whole numbers; expected 0, 1, 2, ...; quantize activations first"
        )
    least, most = int(values.min()), int(values.max())
    if least < 0 or most > 255:
        raise ValueError(
            f"codes {least} ... {most} in layer {name!r}; expected 0 ... levels - 1, at most 255"
        )
    return values.to(torch.uint8), most


def class_index(labels: Tensor) -> tuple[Tensor, tuple[int, ...]]:
    """Labels as int64 indices into the classes that occur, and those classes, ascending."""
    classes, index = class_labels(labels).unique(return_inverse=True)
    return index, tuple(classes.tolist())


def class_labels(target: Tensor) -> Tensor:
    """Labels as int64 on the CPU, or ValueError."""
    if target.ndim == 1 and target.is_floating_point() and bool((target == target.round()).all()):
        target = target.long()  # what a table of numbers gives for labels
    if target.ndim != 1 or target.is_floating_point() or target.is_complex():
        raise ValueError(
            f"the target has shape {tuple(target.shape)} and type {target.dtype}; "
            "discrete measures need integer class labels of shape (sample,): make classes of the values, or take a "
            "Gaussian measure such as gaussian_i_mmi"
        )
    if not len(target):
        raise ValueError("the activations hold no samples; expected at least one")
    check_labels(target)
    if target.min() < 0:
        raise ValueError(f"the target has the label {int(target.min())}; expected 0, 1, 2, ...")
    return target.to("cpu", torch.int64)
