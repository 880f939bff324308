"""Stage 6: what the pairs of units of a layer carry about the target, as atoms."""

from pidnet.maps.claims import ShareClaims, depth_claims, epoch_claims
from pidnet.maps.collection import LayerMaps
from pidnet.maps.layer_map import LayerMap
from pidnet.maps.levels import recommended_levels
from pidnet.maps.mapping import layer_maps
from pidnet.maps.profiles import Profile, profile
from pidnet.maps.sensitivity import Sensitivity, sensitivity
from pidnet.maps.stored_map import StoredMap

__all__ = [
    "LayerMap",
    "LayerMaps",
    "Profile",
    "Sensitivity",
    "ShareClaims",
    "StoredMap",
    "depth_claims",
    "epoch_claims",
    "layer_maps",
    "profile",
    "recommended_levels",
    "sensitivity",
]
