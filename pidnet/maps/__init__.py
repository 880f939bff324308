"""Stage 6: what the pairs of units of a layer say about the target, as atoms."""

from __future__ import annotations

from collections.abc import Callable

from pidnet.activations import Activations
from pidnet.codes.quantizing import Codes
from pidnet.maps.discrete import maps_of_codes
from pidnet.maps.gaussian import maps_of_activations
from pidnet.maps.layer_map import LayerMap
from pidnet.measures.gaussian import PREFIX

__all__ = ["LayerMap", "layer_maps"]


def layer_maps(
    codes: Codes | Activations, measure: str | Callable = "i_broja", **options
) -> dict[str, LayerMap]:
    """Decompose all pairs of units of every layer.

    codes: Codes for a measure of ``MEASURES`` or a function from PairTables to Atoms, with the options
    correction, null, intervals and seed of ``maps_of_codes``; Activations for one of ``GAUSSIAN_MEASURES`` or
    a function from PairCovariances to Atoms, with the options of ``maps_of_activations``.
    Returns layer name -> LayerMap. Raises what these two raise, and TypeError for codes or activations that
    do not go with the measure.
    """
    gaussian = isinstance(measure, str) and measure.startswith(PREFIX)
    if isinstance(codes, Activations):
        if isinstance(measure, str) and not gaussian:
            raise TypeError(
                f"{measure} takes Codes, not Activations; call quantize(activations) first or use a measure "
                f"whose name begins with {PREFIX}"
            )
        return maps_of_activations(codes, measure, **options)
    if not isinstance(codes, Codes):
        raise TypeError(
            f"layer_maps takes Codes or Activations, not {type(codes).__name__}; "
            "call quantize(activations) first"
        )
    if gaussian:
        raise TypeError(f"{measure} takes Activations, not Codes; pass what capture returned")
    return maps_of_codes(codes, measure, **options)
