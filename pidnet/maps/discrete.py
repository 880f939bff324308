"""Maps of quantized activations: atoms of joint tables, corrected, with what chance would give beside them."""

from __future__ import annotations

from typing import Any
from zlib import crc32

import numpy as np

from pidnet import __version__
from pidnet.codes.quantizing import Codes
from pidnet.codes.resampling import take_layer
from pidnet.maps.layer_map import LayerMap
from pidnet.measures import Measure, find_measure
from pidnet.measures.atoms import Atoms
from pidnet.significance import (
    CORRECTIONS,
    NULLS,
    find_intervals,
    interval_method,
    layer_atoms,
    layer_pairs,
    sampling_floor,
)

FEWEST_SAMPLES = 20


def maps_of_codes(
    codes: Codes,
    measure: str | Measure,
    *,
    correction: str = "shuffle_sources",
    null: str = "units",
    intervals: bool = False,
    seed: int = 0,
) -> dict[str, LayerMap]:
    """Decompose all pairs of units of every layer of the codes.

    measure: a name in ``MEASURES`` or a function from PairTables to Atoms. Constant units are skipped and
    named in the notes.
    correction: of the sampling bias; "shuffle_sources" and "shuffle_labels" (about two further maps),
    "miller_madow" (none), "quadratic_extrapolation" (six), or "none" for the plug-in atoms.
    null: what the p-values test against; "units" (both units know something; free, redundancy only),
    "labels" (the pair knows something), "sources" (the pair knows more than two units independent given the
    class; either 4 maps, up to 20 in layers of fewer than 500 pairs) or "none". intervals: 95 % intervals of
    each atom (one to two maps; 20 for a measure of one's own, whose derivative is not known).
    Returns layer name -> LayerMap, in the order of the codes. The seed makes it repeatable.
    Raises ValueError for an unknown measure, correction or null, too few samples to correct, or a layer
    with fewer than two units that vary.
    """
    function = find_measure(measure)
    _check_names(correction, null)
    if len(codes.target) < FEWEST_SAMPLES and (correction != "none" or intervals):
        raise ValueError(
            f"{len(codes.target)} samples are too few to correct or to give intervals; take {FEWEST_SAMPLES} "
            "or more, or correction='none', intervals=False"
        )
    options = {"correction": correction, "null": null, "intervals": intervals, "seed": seed}
    return {layer: _layer_map(take_layer(codes, layer), layer, function, options) for layer in codes.layers}


def _check_names(correction: str, null: str) -> None:
    for what, name, known in (("correction", correction, CORRECTIONS), ("null", null, NULLS)):
        if name not in known:
            raise ValueError(f"unknown {what} {name!r}; the known ones are {', '.join(known)}")


def _layer_map(codes: Codes, layer: str, measure: Measure, options: dict[str, Any]) -> LayerMap:
    correct, null = CORRECTIONS[options["correction"]], NULLS[options["null"]]
    # One stream of random numbers a stage, so that asking for more does not change what was there.
    streams = np.random.default_rng([options["seed"], crc32(layer.encode())]).spawn(4)
    pairs, plug_in = layer_pairs(codes, layer), layer_atoms(codes, layer, measure)
    atoms = correct(plug_in, codes, layer, measure, streams[0])
    return LayerMap(
        layer=layer,
        units=np.arange(codes.layers[layer].shape[1]),
        pairs=pairs,
        atoms=atoms,
        measure=getattr(measure, "__name__", repr(measure)),
        samples=len(codes.target),
        unit_information=_unit_information(codes.layers[layer].shape[1], pairs, atoms),
        settings={
            "quantizer": codes.quantizer,
            "levels": codes.levels,
            "classes": codes.classes,
            "exact_units": codes.exact.get(layer, []),
            **options,
            "interval": interval_method(measure) if options["intervals"] else "none",
            "pidnet": __version__,
        },
        notes=_notes(codes, layer, options["correction"]),
        plug_in=plug_in,
        p_values=null(plug_in, codes, layer, measure, streams[1]),
        noise_floor=sampling_floor(codes, layer, measure, correct, streams[2]),
        intervals=find_intervals(plug_in, atoms, codes, layer, measure, streams[3])
        if options["intervals"]
        else {},
    )


def _unit_information(units: int, pairs: np.ndarray, atoms: Atoms) -> np.ndarray:
    """I(Y;X) of each unit as its pairs have it (R + U), bits; 0 for constant units."""
    information = np.zeros(units)
    information[pairs[:, 1]] = atoms.information2
    information[pairs[:, 0]] = atoms.information1
    return information


def _notes(codes: Codes, layer: str, correction: str) -> tuple[str, ...]:
    """What a reader of this map must know about the data behind it."""
    notes = []
    for units, what in (
        (codes.constant[layer], f"constant units of {layer}, skipped"),
        (
            codes.collapsed.get(layer, []),
            f"units of {layer} whose values tie, with fewer than {codes.levels} levels",
        ),
    ):
        if units:
            notes.append(f"{what}: {', '.join(map(str, units))}")
    varying = codes.layers[layer].shape[1] - len(codes.constant[layer])
    if len(codes.exact.get(layer, [])) == varying:
        notes.append(
            "all units are discrete already: the codes are the units and these samples are decomposed exactly"
        )
    cells = codes.levels**2 * codes.classes
    if len(codes.target) < cells:
        bias = (
            "plug-in atoms are biased upwards, synergy most"
            if correction == "none"
            else "synergy may keep some bias after the correction"
        )
        notes.append(f"{len(codes.target)} samples are fewer than the {cells} cells of a table: {bias}")
    return tuple(notes)
