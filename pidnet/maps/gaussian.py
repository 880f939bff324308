"""Maps straight from activations: Gaussian atoms of covariances, without quantization."""

from __future__ import annotations

import numpy as np
from tqdm import tqdm

from pidnet import __version__
from pidnet.activations import Activations
from pidnet.covariances import (
    LayerCovariance,
    iterate_pair_covariances,
    layer_covariance,
    unit_covariances,
)
from pidnet.maps.layer_map import LayerMap
from pidnet.measures.atoms import Atoms
from pidnet.measures.gaussian import PREFIX, GaussianMeasure, find_gaussian_measure, i_mmi


def maps_of_activations(
    activations: Activations, measure: str | GaussianMeasure, **options
) -> dict[str, LayerMap]:
    """Decompose all pairs of units of every layer, as jointly Gaussian with the target.

    measure: a name in ``GAUSSIAN_MEASURES`` or a function from PairCovariances to Atoms. options: target,
    shrinkage and copula of ``pidnet.covariances.layer_covariance``. Constant units are skipped and named in
    the notes. Returns layer name -> LayerMap, in the order of the activations.
    Raises ValueError for an unknown measure or a layer with fewer than two units that vary.
    """
    return {layer: _gaussian_map(activations, layer, measure, options) for layer in activations.layers}


def _gaussian_map(
    activations: Activations, layer: str, measure: str | GaussianMeasure, options: dict
) -> LayerMap:
    function = find_gaussian_measure(measure)
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
        information=i_mmi(unit_covariances(whole)).redundancy,
        settings={
            "target_columns": len(whole.cov) - whole.units,
            "shrinkage": options.get("shrinkage"),
            "copula": options.get("copula", False),
            "correction": "none",
            "pidnet": __version__,
        },
        notes=_gaussian_notes(whole, layer),
    )


def _gaussian_notes(whole: LayerCovariance, layer: str) -> tuple[str, ...]:
    """What a reader of this map must know about the covariance behind it."""
    constant = np.setdiff1d(np.arange(whole.units), whole.varying).tolist()
    named = ", ".join(map(str, constant))
    notes = [f"constant units of {layer}, skipped: {named}"] if constant else []
    if whole.classes:
        notes.append(
            f"the label stands as {whole.classes - 1} one-hot columns: atoms see linear separation only and "
            "can exceed its entropy"
        )
    columns = len(whole.cov) - whole.units
    if whole.samples < 20 * columns:
        notes.append(
            f"{whole.samples} samples are few for {columns} target columns: plug-in atoms are biased upwards"
        )
    return tuple(notes)
