"""Samples from known joint tables: a layer whose pairs all have known atoms."""

import numpy as np

from pidnet.codes import Codes
from pidnet.tables.discrete import PairTables

FAMILIES = ("random", "redundant", "unique", "informed", "synergistic", "independent")


def conditional_table(family, rng, levels, classes):
    """p(x1,x2|y), (class, level, level).

    random: full support, Dirichlet(1). redundant: X2 is a noisy copy of X1. unique: X2 knows nothing.
    informed: both know something, independent given the class. synergistic: only X1 + X2 knows something.
    """
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
        case "independent":
            return np.full((classes, levels, levels), 1 / levels**2)


def planted_layer(family, samples, rng, pairs=5, levels=4, classes=10):
    """Codes of 2 * pairs units, and the true tables of all pairs i < j as PairTables.

    Units 2k and 2k + 1 are a pair of the family; all other pairs are independent given the class.
    """
    p_Y = rng.dirichlet(np.full(classes, 5.0))
    tables = np.stack([conditional_table(family, rng, levels, classes) for _ in range(pairs)])
    target = rng.choice(classes, samples, p=p_Y)
    codes = np.empty((samples, 2 * pairs), np.uint8)
    for pair, table in enumerate(tables):
        for y in range(classes):
            cells = rng.choice(levels**2, (target == y).sum(), p=table[y].ravel())
            codes[target == y, 2 * pair : 2 * pair + 2] = np.stack([cells // levels, cells % levels], 1)
    return Codes.of({"layer": codes}, target, levels), _true_tables(tables, p_Y)


def _true_tables(tables, p_Y):
    margins = np.stack([tables.sum(3), tables.sum(2)], 1).reshape(-1, *tables.shape[1:3])
    i, j = np.triu_indices(len(margins), 1)
    joint = np.einsum("pya,pyb->pyab", margins[i], margins[j])
    joint[is_planted(np.stack([i, j], 1))] = tables
    return PairTables(np.stack([i, j], 1), np.einsum("pyab,y->paby", joint, p_Y))


def is_planted(pairs):
    """Which pairs are those of the family, bool (pair,)."""
    return (pairs[:, 0] % 2 == 0) & (pairs[:, 1] == pairs[:, 0] + 1)
