"""Maps of quantized activations: atoms of joint tables, corrected, with what chance would give beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np

from pidnet import __version__
from pidnet.choices import find_choice, name_of
from pidnet.codes import Codes
from pidnet.maps.layer_map import LayerMap
from pidnet.measures import Measure, find_measure
from pidnet.measures.atoms import Atoms
from pidnet.measures.measure import MeasureLike
from pidnet.printing import number
from pidnet.significance import (
    CORRECTIONS,
    NULLS,
    Correction,
    Null,
    find_intervals,
    interval_method,
    layer_atoms,
    sampling_floor,
)

FEWEST_SAMPLES = 20
LEAST_NOISE = 0.001  # bits; a mean nearer to 0 is never called negative


@dataclass(frozen=True, eq=False)
class _Choice:
    """What is done with each layer."""

    measure: Measure
    correction: Correction
    null: Null
    intervals: bool
    seed: int

    @property
    def settings(self) -> dict[str, Any]:
        """By name."""
        return {
            "correction": _name(self.correction, CORRECTIONS),
            "null": _name(self.null, NULLS),
            "intervals": self.intervals,
            "seed": self.seed,
            "interval": interval_method(self.measure) if self.intervals else "none",
        }


def code_mapper(
    codes: Codes,
    measure: MeasureLike,
    correction: str | Correction,
    null: str | Null,
    *,
    intervals: bool,
    seed: int,
) -> Callable[[str], LayerMap]:
    """Layer name -> its map. The options are checked once; see ``layer_maps``."""
    choice = _Choice(
        find_measure(measure),
        find_choice("correction", correction, CORRECTIONS),
        find_choice("null", null, NULLS),
        intervals,
        seed,
    )
    if len(codes) < FEWEST_SAMPLES and (choice.settings["correction"] != "none" or intervals):
        raise ValueError(
            f"{len(codes)} samples are too few to correct or to give intervals; take {FEWEST_SAMPLES} "
            "or more, or correction='none', intervals=False"
        )
    return lambda layer: _layer_map(codes.take_layer(layer), layer, choice)


def _name(function: Any, known: dict[str, Any]) -> str:
    """The name of a correction or null, of one's own that of the function."""
    names = [name for name, of in known.items() if of is function]
    return names[0] if names else name_of(function)


def _layer_map(codes: Codes, layer: str, choice: _Choice) -> LayerMap:
    # One stream of random numbers a stage, so that asking for more does not change what was there.
    streams = np.random.default_rng([choice.seed, crc32(layer.encode())]).spawn(4)
    measure, settings = choice.measure, choice.settings
    units, pairs = codes.layer(layer).units, codes.layer(layer).pairs
    plug_in = layer_atoms(codes, layer, measure)
    atoms = choice.correction(plug_in, codes, layer, measure, streams[0])
    floor = sampling_floor(codes, layer, measure, choice.correction, streams[2])
    return LayerMap(
        layer=layer,
        units=units,
        pairs=pairs,
        atoms=atoms,
        measure=name_of(measure),
        samples=len(codes),
        unit_information=_unit_information(len(units), pairs, atoms),
        settings={
            "quantizer": codes.quantizer,
            "levels": codes.levels,
            "classes": len(codes.classes),
            "exact_units": codes.layer(layer).exact,
            **settings,
            "pidnet": __version__,
        },
        notes=(*_notes(codes, layer, settings["correction"]), *_negative_means(atoms, floor, measure)),
        plug_in=plug_in,
        p_values=choice.null(plug_in, codes, layer, measure, streams[1]),
        noise_floor=floor,
        intervals=find_intervals(plug_in, atoms, codes, layer, measure, streams[3])
        if choice.intervals
        else {},
    )


def _unit_information(units: int, pairs: np.ndarray, atoms: Atoms) -> np.ndarray:
    """I(Y;X) of each unit as its pairs have it (R + U), bits; 0 for constant units."""
    information = np.zeros(units)
    information[pairs[:, 1]] = atoms.information2
    information[pairs[:, 0]] = atoms.information1
    return information


def _notes(codes: Codes, layer: str, correction: str) -> tuple[str, ...]:
    """Notes on the data behind the map."""
    coded, notes = codes.layer(layer), []
    for units, what in (
        (coded.constant, f"constant units of {layer}, skipped"),
        (
            coded.collapsed,
            f"units of {layer} whose values tie, with fewer than {codes.levels} levels",
        ),
    ):
        if units:
            notes.append(f"{what}: {', '.join(map(str, units))}")
    if len(coded.exact) == len(coded.varying):
        notes.append(
            "all units are discrete already: the codes are the units and these samples are decomposed exactly"
        )
    cells = codes.levels**2 * len(codes.classes)
    if len(codes) < cells:
        bias = (
            "plug-in atoms are biased upwards, synergy most"
            if correction == "none"
            else "synergy may keep some bias after the correction"
        )
        notes.append(f"{len(codes)} samples are fewer than the {cells} cells of a table: {bias}")
    return tuple(notes)


def _negative_means(atoms: Atoms, floor: dict[str, float], measure: Measure) -> tuple[str, ...]:
    """Atoms that cannot be negative, with a mean below 0 by more than what chance gives."""
    means = {name: float(bits.mean()) for name, bits in atoms.items()} if measure.nonnegative else {}
    return tuple(
        f"the mean {name} is {number(mean)} bits, below 0 by more than its noise: the correction takes too much "
        "here; take more samples or fewer levels"
        for name, mean in means.items()
        if mean < -max(floor[name], LEAST_NOISE)
    )
