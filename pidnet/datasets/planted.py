"""Layers with known truth: samples drawn from joint tables that are known, so that every atom is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pidnet.arguments import check_arguments
from pidnet.printing import Printed, number

FAMILIES = ("random", "redundant", "unique", "informed", "synergistic", "independent")


@dataclass(frozen=True, eq=False, repr=False)
class PlantedLayer(Printed):
    """Codes of a layer with the true joint tables of all its pairs.

    Attributes
    ----------
    family : str
        One of ``FAMILIES``.
    values : ndarray
        uint8 (sample, unit), codes below the number of levels.
    target : ndarray
        int64 (sample,), the class of each sample.
    classes : int
        How many classes there are; in few samples not all of them occur.
    pairs : ndarray
        int (pair, 2), all pairs i < j of units.
    p : ndarray
        float64 (pair, level1, level2, class), the true table of each pair.

    Examples
    --------
    >>> import pidnet as pn
    >>> layer = pn.datasets.planted_layer("synergistic", 500, pairs=2, seed=0)
    >>> layer
    PlantedLayer synergistic: 4 units (2 planted pairs), 500 samples, 10 classes
    >>> truth = pn.decompose(layer.p[layer.planted], "i_broja")
    >>> bool((truth.synergy > 0.1).all())
    True
    """

    family: str
    values: np.ndarray
    target: np.ndarray
    classes: int
    pairs: np.ndarray
    p: np.ndarray

    @property
    def planted(self) -> np.ndarray:
        """Which pairs are those of the family, bool (pair,); all others are independent given the class."""
        return is_planted(self.pairs)

    def _lines(self) -> list[str]:
        samples, units = self.values.shape
        size = f"{units} units ({units // 2} planted pairs), {number(samples)} samples"
        return [f"PlantedLayer {self.family}: {size}, {self.classes} classes"]


def planted_layer(
    family: str,
    samples: int,
    *,
    pairs: int = 5,
    levels: int = 4,
    classes: int = 10,
    seed: int | np.random.Generator = 0,
) -> PlantedLayer:
    """Draw a layer of ``2 * pairs`` units: units 2k and 2k + 1 are a pair of the family.

    Parameters
    ----------
    family : str
        "random": any table. "redundant": the second unit is a noisy copy of the first. "unique": the second unit
        carries nothing. "informed": both carry something, independent given the class. "synergistic": only the
        sum of both carries something. "independent": nothing does.
    samples : int
        How many samples are drawn.
    pairs, levels, classes : int
        How many planted pairs, levels of a unit and classes there are.
    seed : int or Generator
        The source of chance.

    Returns
    -------
    PlantedLayer
        The codes, and the true tables of all pairs.

    Raises
    ------
    ValueError
        For an unknown family.

    Examples
    --------
    >>> import pidnet as pn
    >>> layer = pn.datasets.planted_layer("redundant", 300, pairs=2, levels=3, classes=4)
    >>> codes = pn.Codes.of({"layer": layer.values}, layer.target)
    >>> pn.pair_tables(codes, "layer").p.shape == layer.p.shape
    True
    """
    check_arguments(planted_layer, locals())
    if family not in FAMILIES:
        raise ValueError(f"unknown family {family!r}; the known ones are {', '.join(FAMILIES)}")
    rng = np.random.default_rng(seed)
    p_Y = rng.dirichlet(np.full(classes, 5.0))
    tables = np.stack([conditional_table(family, rng, levels, classes) for _ in range(pairs)])
    target = rng.choice(classes, samples, p=p_Y)
    values = np.empty((samples, 2 * pairs), np.uint8)
    for pair, table in enumerate(tables):
        for y in range(classes):
            cells = rng.choice(levels**2, (target == y).sum(), p=table[y].ravel())
            values[target == y, 2 * pair : 2 * pair + 2] = np.stack([cells // levels, cells % levels], 1)
    return PlantedLayer(family, values, target, classes, *_true_tables(tables, p_Y))


def conditional_table(family: str, rng: np.random.Generator, levels: int, classes: int) -> np.ndarray:
    """p(x1,x2|y) of a pair of the family, (class, level, level)."""
    noise, y = rng.uniform(0.3, 0.7), np.arange(classes)
    flat = np.full((classes, levels), 1 / levels)
    channel = noise * flat
    channel[y, rng.permutation(classes) % levels] += 1 - noise
    copy = (0.4 / levels + 0.6 * np.eye(levels))[None]
    total = np.add.outer(np.arange(levels), np.arange(levels)) % levels
    match family:
        case "random":
            return rng.dirichlet(np.ones(levels**2), classes).reshape(classes, levels, levels)
        case "redundant":
            return channel[:, :, None] * copy
        case "unique":
            return channel[:, :, None] * flat[:, None]
        case "informed":
            return channel[:, :, None] * np.roll(channel, 1, 0)[:, None]
        case "synergistic":
            hit = (total == (y % levels)[:, None, None]) / levels
            return noise / levels**2 + (1 - noise) * hit
        case _:
            return np.full((classes, levels, levels), 1 / levels**2)


def is_planted(pairs: np.ndarray) -> np.ndarray:
    """Which pairs are those of the family, bool (pair,)."""
    return (pairs[:, 0] % 2 == 0) & (pairs[:, 1] == pairs[:, 0] + 1)


def _true_tables(tables: np.ndarray, p_Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All pairs i < j and their tables: pairs that are not planted are independent given the class."""
    margins = np.stack([tables.sum(3), tables.sum(2)], 1).reshape(-1, *tables.shape[1:3])
    pairs = np.stack(np.triu_indices(len(margins), 1), 1)
    joint = np.einsum("pya,pyb->pyab", *(margins[source] for source in pairs.T))
    joint[is_planted(pairs)] = tables
    return pairs, np.einsum("pyab,y->paby", joint, p_Y)
