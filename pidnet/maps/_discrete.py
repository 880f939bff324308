"""Maps of quantized activations: atoms of joint tables, corrected, with what chance would give beside them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from pidnet import __version__
from pidnet.choices import find_choice, name_of
from pidnet.codes import Codes
from pidnet.maps._tiled import TiledLayer, map_in_memory, map_in_store
from pidnet.maps._tiles import ENDS, P_VALUE
from pidnet.maps.layer_map import LayerMap
from pidnet.maps.notes import negative_means
from pidnet.measures import Measure, find_measure
from pidnet.measures.atoms import Atoms
from pidnet.measures.measure import MeasureLike
from pidnet.significance import (
    CORRECTIONS,
    NULLS,
    Correction,
    Null,
    find_intervals,
    interval_method,
    sampling_floor,
)
from pidnet.significance.corrections import corrected_atoms
from pidnet.significance.nulls import unit_p_values

FEWEST_SAMPLES = 20


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
    store: Path | None = None,
    executor: Executor | None = None,
) -> Callable[[str], Any]:
    """Layer name -> its map, or the store that has it. The options are checked once; see ``layer_maps``."""
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
    if store is None and executor is None:
        return lambda layer: _layer_map(codes.take_layer(layer), layer, choice)
    if choice.null not in NULLS.values():
        raise ValueError(
            f"null={choice.settings['null']} is a function of one's own, which may compare all pairs of a layer, and tiles "
            f"do not hold those; take one of {', '.join(NULLS)}, or leave out store= and executor="
        )
    if store is None:
        return lambda layer: map_in_memory(_tiled(codes.take_layer(layer), layer, choice), executor)
    return lambda layer: map_in_store(_tiled(codes.take_layer(layer), layer, choice), store, executor)


def _name(function: Any, known: dict[str, Any]) -> str:
    """The name of a correction or null, of one's own that of the function."""
    names = [name for name, of in known.items() if of is function]
    return names[0] if names else name_of(function)


def _streams(choice: _Choice, layer: str) -> list[np.random.Generator]:
    """Of random numbers, one a stage, so that asking for more does not change what was there, and every tile of a
    layer draws the same."""
    return np.random.default_rng([choice.seed, crc32(layer.encode())]).spawn(4)


def _layer_map(codes: Codes, layer: str, choice: _Choice) -> LayerMap:
    _, of_null, of_floor, of_intervals = _streams(choice, layer)
    units, pairs, measure = codes.layer(layer).units, codes.layer(layer).pairs, choice.measure
    plug_in, atoms = _find_atoms(codes, layer, choice)
    _check_atoms(choice, atoms, len(pairs))
    about = _about(codes, layer, choice, of_floor)
    if measure.nonnegative:
        about["notes"] += negative_means(atoms, about["noise_floor"])
    return LayerMap(
        **about,
        units=units,
        pairs=pairs,
        atoms=atoms,
        unit_information=_unit_information(len(units), pairs, atoms),
        plug_in=plug_in,
        p_values=_checked(choice, choice.null(plug_in, codes, layer, measure, of_null), len(pairs)),
        intervals=find_intervals(plug_in, atoms, codes, layer, measure, of_intervals)
        if choice.intervals
        else {},
    )


def _tiled(codes: Codes, layer: str, choice: _Choice) -> TiledLayer:
    """A layer to be mapped tile by tile: what is said of all its pairs is found here."""
    _, of_null, of_floor, _ = _streams(choice, layer)
    return TiledLayer(
        codes=codes,
        layer=layer,
        find=partial(_tile_atoms, choice=choice),
        about=_about(codes, layer, choice, of_floor),
        nonnegative=choice.measure.nonnegative,
        unit_p=unit_p_values(codes, layer, of_null) if choice.settings["null"] == "units" else None,
    )


def _tile_atoms(codes: Codes, layer: str, choice: _Choice) -> tuple[Atoms, dict[str, np.ndarray]]:
    """The atoms of the pairs of a tile, and by the names of ``value_names`` the ends of their intervals and the p-values
    of pairs, where they are wanted."""
    plug_in, atoms = _find_atoms(codes, layer, choice)
    _, of_null, _, of_intervals = _streams(choice, layer)
    others: dict[str, np.ndarray] = {}
    if choice.intervals:
        intervals = find_intervals(plug_in, atoms, codes, layer, choice.measure, of_intervals)
        others |= {
            f"{name}_{end}": ends[:, k] for name, ends in intervals.items() for k, end in enumerate(ENDS)
        }
    if choice.settings["null"] not in ("none", "units"):
        p_values = _checked(choice, choice.null(plug_in, codes, layer, choice.measure, of_null), len(atoms))
        others |= {f"{name}_{P_VALUE}": values for name, values in p_values.items()}
    return atoms, others


def _find_atoms(codes: Codes, layer: str, choice: _Choice) -> tuple[Atoms, Atoms]:
    """The atoms of all pairs as counted, and corrected."""
    return corrected_atoms(codes, layer, choice.measure, choice.correction, _streams(choice, layer)[0])


def _about(codes: Codes, layer: str, choice: _Choice, of_floor: np.random.Generator) -> dict[str, Any]:
    """The fields of a map that are no arrays over pairs or units."""
    settings = choice.settings
    return {
        "layer": layer,
        "measure": name_of(choice.measure),
        "samples": len(codes),
        "settings": {
            "quantizer": codes.quantizer,
            "levels": codes.levels,
            "classes": len(codes.classes),
            "exact_units": codes.layer(layer).exact,
            **settings,
            "pidnet": __version__,
        },
        "notes": _notes(codes, layer, settings["correction"]),
        "noise_floor": sampling_floor(codes, layer, choice.measure, choice.correction, of_floor),
    }


def _check_atoms(choice: _Choice, atoms: Any, pairs: int) -> None:
    """TypeError for a correction of one's own that returned something else."""
    if not isinstance(atoms, Atoms) or len(atoms) != pairs:
        name, kind = choice.settings["correction"], type(atoms).__name__
        raise TypeError(f"the correction {name} returned a {kind}; expected Atoms of {pairs} pairs")


def _checked(choice: _Choice, p_values: Any, pairs: int) -> dict[str, np.ndarray]:
    """The p-values of a null; TypeError where one of one's own returned something else."""
    if not isinstance(p_values, dict) or any(np.shape(values) != (pairs,) for values in p_values.values()):
        name, kind = choice.settings["null"], type(p_values).__name__
        raise TypeError(f"the null {name} returned a {kind}; expected atom -> p-values of {pairs} pairs")
    return p_values


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
