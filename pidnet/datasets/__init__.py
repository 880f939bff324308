"""What comes in: named data sets as tensors."""

from pidnet.datasets.named import NAMES, Samples, load

__all__ = ["NAMES", "Samples", "load"]
