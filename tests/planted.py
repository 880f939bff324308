"""Planted layers as the tests use them: codes, and the true tables of all pairs."""

from pidnet.codes import Codes
from pidnet.datasets import planted
from pidnet.datasets.planted import is_planted
from pidnet.tables.discrete import PairTables

__all__ = ["is_planted", "planted_layer"]


def planted_layer(family, samples, rng, pairs=5, levels=4, classes=10):
    """Codes of 2 * pairs units, and the true tables of all pairs i < j as PairTables."""
    layer = planted.planted_layer(family, samples, pairs=pairs, levels=levels, classes=classes, seed=rng)
    return Codes.of({"layer": layer.values}, layer.target, levels), PairTables(layer.pairs, layer.p)
