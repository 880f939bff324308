"""Maps straight from activations: Gaussian atoms of covariances, without quantization."""

from __future__ import annotations

from functools import partial

import numpy as np
from tqdm import tqdm

from pidnet import __version__
from pidnet.activations import Activations
from pidnet.maps.layer_map import LayerMap
from pidnet.measures.atoms import Atoms
from pidnet.measures.gaussian import PREFIX, GaussianMeasure, find_gaussian_measure, i_mmi
from pidnet.significance.gaussian_bias import corrected_atoms
from pidnet.tables.covariances import (
    LayerCovariance,
    iterate_pair_covariances,
    layer_covariance,
    unit_covariances,
)

DRAWS = 8


CORRECTIONS = ("none", "wishart")


def maps_of_activations(
    activations: Activations,
    measure: str | GaussianMeasure,
    *,
    correction: str = "none",
    seed: int = 0,
    **options,
) -> dict[str, LayerMap]:
    """Decompose all pairs of units of every layer, as jointly Gaussian with the target.

    Vector units (attention heads) stand with all their dimensions, so nothing is quantized.
    measure: a name in ``GAUSSIAN_MEASURES`` or a function from PairCovariances to Atoms.
    correction: of the sampling bias; "none", or "wishart", exact for the informations and by 8 redrawn
    covariances for the redundancy (``corrected_atoms``), repeatable by ``seed``; not for shrunk covariances.
    options: target, shrinkage and copula of ``pidnet.tables.covariances.layer_covariance``. Constant units are
    skipped and named in the notes. Returns layer name -> LayerMap, in the order of the activations.
    Raises ValueError for an unknown measure or correction, shrinkage with a correction, or a layer with
    fewer than two units that vary.
    """
    if correction not in CORRECTIONS:
        raise ValueError(f"unknown correction {correction!r}; with activations: {', '.join(CORRECTIONS)}")
    if correction != "none" and options.get("shrinkage"):
        raise ValueError(f"correction={correction!r} is not for shrunk covariances; leave out shrinkage=")
    corrected = {"correction": correction, "seed": seed}
    return {
        layer: _gaussian_map(activations, layer, measure, options, corrected) for layer in activations.layers
    }


def _gaussian_map(
    activations: Activations, layer: str, measure: str | GaussianMeasure, options: dict, corrected: dict
) -> LayerMap:
    function, of_units = find_gaussian_measure(measure), i_mmi
    if corrected["correction"] == "wishart":
        known = {"draws": DRAWS, "seed": corrected["seed"]}
        function, of_units = (partial(corrected_atoms, measure=f, **known) for f in (function, of_units))
    whole = layer_covariance(activations, layer, **options)
    pairs, atoms = [], []
    total = len(whole.varying) * (len(whole.varying) - 1) // 2
    with tqdm(total=total, desc=layer, unit="pair", delay=1, disable=None, leave=False) as bar:
        for block in iterate_pair_covariances(whole, layer):
            pairs.append(block.pairs)
            atoms.append(function(block))
            bar.update(len(block))
    return LayerMap(
        layer=layer,
        units=np.arange(whole.units),
        pairs=np.concatenate(pairs),
        atoms=Atoms.concatenate(atoms),
        measure=measure if isinstance(measure, str) else PREFIX + getattr(measure, "__name__", repr(measure)),
        samples=whole.samples,
        unit_information=of_units(unit_covariances(whole)).information1,
        settings={
            "target_columns": len(whole.targets),
            "shrinkage": options.get("shrinkage"),
            "copula": options.get("copula", False),
            **corrected,
            "pidnet": __version__,
        },
        notes=_gaussian_notes(whole, layer, corrected["correction"]),
    )


def _gaussian_notes(whole: LayerCovariance, layer: str, corrected: str) -> tuple[str, ...]:
    """What a reader of this map must know about the covariance behind it."""
    constant = np.setdiff1d(np.arange(whole.units), whole.varying).tolist()
    named = ", ".join(map(str, constant))
    notes = [f"constant units of {layer}, skipped: {named}"] if constant else []
    if whole.size > 1:
        notes.append(f"units of {layer} are vectors of {whole.size} dimensions, taken whole")
    if whole.classes:
        notes.append(
            f"the label stands as {whole.classes - 1} one-hot columns: atoms see linear separation only and "
            "can exceed its entropy"
        )
    columns = len(whole.targets)
    if corrected == "none" and whole.samples < 20 * columns:
        notes.append(
            f"{whole.samples} samples are few for {columns} target columns: plug-in atoms are biased upwards"
        )
    return tuple(notes)
