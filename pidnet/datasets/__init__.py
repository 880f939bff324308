"""What comes in: named data sets as tensors, and layers with known truth."""

from pidnet.datasets.named import NAMES, Samples, load
from pidnet.datasets.planted import PlantedLayer, planted_layer

__all__ = ["NAMES", "PlantedLayer", "Samples", "load", "planted_layer"]
