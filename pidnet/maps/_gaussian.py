"""Maps straight from activations: Gaussian atoms of covariances, without quantization."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from pidnet import __version__
from pidnet.activations import Activations
from pidnet.maps.layer_map import LayerMap
from pidnet.measures.atoms import Atoms
from pidnet.measures.gaussian import find_gaussian_measure, i_mmi
from pidnet.measures.measure import MeasureLike
from pidnet.names import GAUSSIAN_CORRECTIONS
from pidnet.progress import shown
from pidnet.significance.gaussian_bias import corrected_atoms
from pidnet.tables.covariances import (
    PairCovariances,
    iterate_pair_covariances,
    unit_covariances,
)
from pidnet.tables.layer_covariance import LayerCovariance, layer_covariance

DRAWS = 8


def gaussian_mapper(
    activations: Activations, measure: MeasureLike, correction: Any, seed: int, **options: Any
) -> Callable[[str], LayerMap]:
    """Layer name -> its map. The options, those of ``layer_covariance``, are checked once; see ``layer_maps``."""
    if correction not in GAUSSIAN_CORRECTIONS:
        raise ValueError(
            f"unknown correction {correction!r}; with activations: {', '.join(GAUSSIAN_CORRECTIONS)}"
        )
    if correction != "none" and options.get("shrinkage"):
        raise ValueError(f"correction={correction!r} is not for shrunk covariances; leave out shrinkage=")
    found = find_gaussian_measure(measure)
    functions: tuple[Callable[[PairCovariances], Atoms], ...] = (found, i_mmi)
    if correction == "wishart":
        functions = tuple(partial(corrected_atoms, measure=f, draws=DRAWS, seed=seed) for f in functions)
    settings = {
        "shrinkage": options["shrinkage"],
        "copula": options["copula"],
        "correction": correction,
        "seed": seed,
    }

    def make(layer: str) -> LayerMap:
        return _gaussian_map(
            layer_covariance(activations, layer, **options), layer, functions, found.name, settings
        )

    return make


def _gaussian_map(
    whole: LayerCovariance,
    layer: str,
    functions: Sequence[Callable[[PairCovariances], Atoms]],
    name: str,
    settings: dict,
) -> LayerMap:
    """functions: of pairs and of single units."""
    of_pairs, of_units = functions
    pairs, atoms = [], []
    total = len(whole.varying) * (len(whole.varying) - 1) // 2
    with shown(doing=layer, total=total, unit="pair") as bar:
        for block in iterate_pair_covariances(whole, layer):
            pairs.append(block.pairs)
            atoms.append(of_pairs(block))
            bar.update(len(block))
    return LayerMap(
        layer=layer,
        units=np.arange(whole.units),
        pairs=np.concatenate(pairs),
        atoms=Atoms.concatenate(atoms),
        measure=name,
        samples=whole.samples,
        unit_information=of_units(unit_covariances(whole)).information1,
        settings={"target_columns": len(whole.targets), **settings, "pidnet": __version__},
        notes=_gaussian_notes(whole, layer, settings["correction"]),
    )


def _gaussian_notes(whole: LayerCovariance, layer: str, corrected: str) -> tuple[str, ...]:
    """Notes on the covariance behind the map."""
    constant = np.setdiff1d(np.arange(whole.units), whole.varying).tolist()
    named = ", ".join(map(str, constant))
    notes = [f"constant units of {layer}, skipped: {named}"] if constant else []
    if whole.size > 1:
        notes.append(f"units of {layer} are vectors of {whole.size} dimensions, taken whole")
    if whole.classes:
        notes.append(
            f"the label enters as {whole.classes - 1} one-hot columns: atoms see linear separation only and "
            "can exceed its entropy"
        )
    columns = len(whole.targets)
    if corrected == "none" and whole.samples < 20 * columns:
        notes.append(
            f"{whole.samples} samples are few for {columns} target columns: plug-in atoms are biased upwards"
        )
    return tuple(notes)
