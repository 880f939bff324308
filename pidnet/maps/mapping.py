"""Codes or activations -> the maps of all layers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pidnet.activations import Activations
from pidnet.arguments import check_arguments
from pidnet.codes import Codes
from pidnet.maps._discrete import code_mapper
from pidnet.maps._gaussian import gaussian_mapper
from pidnet.maps._store import check_folder, write_index
from pidnet.maps._tiled import StoredMaps
from pidnet.maps.collection import LayerMaps
from pidnet.measures.atoms import Atoms
from pidnet.measures.gaussian import PREFIX
from pidnet.printing import listed
from pidnet.progress import shown
from pidnet.significance import Correction, Null


def layer_maps(
    codes: Codes | Activations,
    measure: str | Callable[..., Atoms] = "i_broja",
    *,
    correction: str | Correction | None = None,
    null: str | Null | None = None,
    intervals: bool = False,
    seed: int = 0,
    target: np.ndarray | torch.Tensor | None = None,
    shrinkage: str | None = None,
    copula: bool = False,
    store: str | Path | None = None,
    executor: Executor | None = None,
) -> LayerMaps:
    """Decompose what all pairs of units of every layer carry about the target.

    Of Codes, joint tables are counted and decomposed by a measure of ``MEASURES``. Of Activations, covariances are
    decomposed by one of ``GAUSSIAN_MEASURES``: units and target are taken as jointly Gaussian, vector units such as
    attention heads with all their dimensions, and nothing is quantized.

    Parameters
    ----------
    codes : Codes or Activations
        What ``quantize`` or ``capture`` returned.
    measure : str or callable
        For codes a name in ``MEASURES`` or a function from PairTables to Atoms; for activations a name in
        ``GAUSSIAN_MEASURES`` or a function from PairCovariances to Atoms.
    correction : str or callable, optional
        Of the sampling bias. For codes by name or as a function like those in ``CORRECTIONS``:
        "mixture" (the default: right from independent units to copies, from the tables alone, for a fit of each
        table and one more solution of I_BROJA), "shuffle_sources" and "shuffle_labels" (two maps), "miller_madow"
        (none), "quadratic_extrapolation" (six), or "none" for the plug-in atoms. For activations "none" (the
        default), or "wishart": exact for the informations, by 8 redrawn covariances for the redundancy, not for
        shrunk covariances.
    null : str or callable, optional
        Codes only: what the p-values test against, by name or as a function like those in ``NULLS``. "units" (the
        default): both units carry information; it costs nothing and tests the redundancy only. "labels": the
        pair carries information; "sources": the pair carries more than two units that are independent given the
        class. Both cost 4 maps, up to 20 in layers of fewer than 500 pairs; their draws are pooled over all pairs, or with a
        store or an executor over those of a tile. Or "none".
    intervals : bool
        Codes only: 95 % intervals of each atom, for one or two further maps; 20 for a measure whose derivative
        is not known.
    seed : int
        Makes correction, null and intervals repeatable.
    target : ndarray or Tensor of float, (sample, d), optional
        Activations only: what the atoms are about, such as the logits; by default the target of the
        activations. For codes see ``with_target``.
    shrinkage : str, optional
        Activations only: "ledoit_wolf" or "oas", for when units are not few against samples.
    copula : bool
        Activations only: replace each column by normal scores of its ranks.
    store : str or Path, optional
        Codes only: a folder that takes the maps tile by tile as a zarr store, in float32 and without the plug-in
        atoms, so that the pairs of a wide layer need not fit in memory while they are made. The same call goes on where one
        was cut off. The maps are read when they are asked for, and by ``LayerMaps.load``. Needs the extra ``store``.
    executor : concurrent.futures.Executor, optional
        Codes only: who makes the tiles, 256 x 256 units each, such as a ``ProcessPoolExecutor``, one of loky, or
        ``Client.get_executor()`` of Dask; by default this process, whose threads share the pairs of a tile.

    Returns
    -------
    LayerMaps
        Layer name -> LayerMap, in the order of the layers. Constant units are skipped and named in the notes;
        a layer that cannot be mapped, such as one with fewer than two units that vary, is in ``skipped`` with
        the reason.

    Raises
    ------
    TypeError
        For codes or activations that do not go with the measure.
    ValueError
        For an unknown name, an option that does not apply, too few samples to correct, when no layer can be
        mapped, or for a store that holds a map of other codes, another measure or other settings.
    OSError
        Where the store cannot be written; what is done is kept.
    TimeoutError
        Where another process writes into the store.
    RuntimeError
        Where an executor lost tiles; those that were done are kept in the store.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> x = torch.randint(2, (400, 2), generator=torch.Generator().manual_seed(0))
    >>> acts = pn.Activations({"fc1": x.float()}, x[:, 0] ^ x[:, 1], {"fc1": "none"})
    >>> pn.layer_maps(pn.quantize(acts, 2), "i_min", correction="none")
    LayerMaps: 400 samples, correction none; means over pairs, bits
    layer  measure  units  pairs  redundancy  unique_mean  synergy  noise_floor
    fc1    i_min        2      1   1.599e-05       0.0013   0.9974       0.0061
    """
    _check_kind(codes, measure)
    check_arguments(layer_maps, locals())
    if isinstance(codes, Activations):
        _refuse(
            "covariances of activations",
            null=null,
            intervals=intervals or None,
            store=store,
            executor=executor,
        )
        make = gaussian_mapper(
            codes,
            measure,
            "none" if correction is None else correction,
            seed,
            target=target,
            shrinkage=shrinkage,
            copula=copula,
        )
    else:
        if store == "":
            raise ValueError("store='' names no folder; name one, or leave it out")
        _refuse("tables of codes", target=target, shrinkage=shrinkage, copula=copula or None)
        folder = None if store is None else Path(store)
        make = code_mapper(
            codes,
            measure,
            "mixture" if correction is None else correction,
            "units" if null is None else null,
            intervals=intervals,
            seed=seed,
            store=folder,
            executor=executor,
        )
        if folder is not None:
            check_folder(folder)  # before the work
            return _all_stored(codes, make, folder)
    return _all_layers(codes, make)


def _check_kind(codes: Any, measure: str | Callable) -> None:
    """TypeError where measure and data do not go together."""
    gaussian = isinstance(measure, str) and measure.startswith(PREFIX)
    if not isinstance(codes, Codes | Activations):
        raise TypeError(
            f"layer_maps takes Codes or Activations, not {type(codes).__name__}; "
            "call quantize(activations) first"
        )
    if isinstance(codes, Codes) and gaussian:
        raise TypeError(f"{measure} takes Activations, not Codes; pass what capture returned")
    if isinstance(codes, Activations) and isinstance(measure, str) and not gaussian:
        raise TypeError(
            f"{measure} takes Codes, not Activations; call quantize(activations) first or use a measure "
            f"whose name begins with {PREFIX}"
        )


def _refuse(what: str, **options: Any) -> None:
    """ValueError for options that do not apply."""
    given = [f"{name}=" for name, value in options.items() if value is not None]
    if given:
        raise ValueError(f"layer_maps: {listed(given)} does not apply to {what}; leave it out")


def _all_stored(codes: Codes, make: Callable[[str], Any], folder: Path) -> LayerMaps:
    """The maps of all layers, in a store."""
    made = _all_layers(codes, make)
    write_index(folder, list(made.maps), made.skipped)
    return LayerMaps(StoredMaps(folder, list(made.maps)), made.skipped)


def _all_layers(codes: Codes | Activations, make: Callable[[str], Any]) -> LayerMaps:
    """A map of each layer; those that cannot be mapped are left out by name. ValueError where none can."""
    maps, skipped = {}, dict(codes.skipped)
    for layer in shown(codes.layers, "layers", unit="layer"):
        try:
            maps[layer] = make(layer)
        except ValueError as error:
            if len(codes.layers) == 1:
                raise
            skipped[layer] = str(error)
    if not maps:
        reasons = "; ".join(f"{layer}: {why}" for layer, why in skipped.items())
        raise ValueError(f"no layer can be mapped ({reasons or 'there are no layers'})")
    return LayerMaps(maps, skipped)
