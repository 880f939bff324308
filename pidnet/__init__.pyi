from . import (
    data as data,
    layers as layers,
    measures as measures,
    zoo as zoo,
)
from .activations import Activations as Activations, capture as capture
from .distributions import (
    PairTables as PairTables,
    iterate_pair_tables as iterate_pair_tables,
    pair_tables as pair_tables,
)
from .maps import LayerMap as LayerMap, layer_maps as layer_maps
from .measures import MEASURES as MEASURES, decompose as decompose
from .measures.atoms import Atoms as Atoms
from .quantization import (
    Codes as Codes,
    equal_mass as equal_mass,
    equal_width as equal_width,
    k_means as k_means,
    merge_units as merge_units,
    quantize as quantize,
    zero_level as zero_level,
)
from .streaming import capture_codes as capture_codes
from .targets import with_target as with_target

__version__: str
