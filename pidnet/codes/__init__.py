"""Stage 2: activations -> codes, the discrete values that tables are counted from."""

from pidnet.codes.quantizing import Codes, Quantizer, quantize

__all__ = ["Codes", "Quantizer", "quantize"]
