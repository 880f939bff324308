"""Stage 6: what the pairs of units of a layer carry about the target, as atoms."""

from pidnet.maps.collection import LayerMaps
from pidnet.maps.layer_map import LayerMap
from pidnet.maps.mapping import layer_maps

__all__ = ["LayerMap", "LayerMaps", "layer_maps"]
