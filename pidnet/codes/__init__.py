"""Stage 2: activations -> codes, the discrete values that tables are counted from."""

from pidnet.codes import quantizers
from pidnet.codes._layer import LayerCodes
from pidnet.codes._quantizing import quantize
from pidnet.codes.codes import Codes
from pidnet.codes.products import merge_units
from pidnet.codes.streaming import capture_codes
from pidnet.codes.targets import with_target

__all__ = [
    "Codes",
    "LayerCodes",
    "capture_codes",
    "merge_units",
    "quantize",
    "quantizers",
    "with_target",
]
