"""Small reference networks, one file a family."""

from pidnet.zoo.mlp import mlp
from pidnet.zoo.training import accuracy, train

__all__ = ["accuracy", "mlp", "train"]
