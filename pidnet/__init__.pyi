from . import (
    data as data,
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
    quantize as quantize,
    zero_level as zero_level,
)

__version__: str
