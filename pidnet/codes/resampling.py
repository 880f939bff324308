"""Codes -> other codes of the same units: permuted, split, thinned.

Every null, correction and interval counts the tables of such codes, so each is batched over all pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from pidnet.codes.codes import Codes


def permute_labels(codes: Codes, rng: np.random.Generator) -> Codes:
    """The same codes with the labels in random order: no unit carries information about the target, and what
    units have in common stays."""
    return replace(codes, target=codes.target[torch.from_numpy(rng.permutation(len(codes)))])


def permute_sources(codes: Codes, rng: np.random.Generator) -> Codes:
    """Each unit shuffled by itself within each class: what a unit carries stays, units are independent
    given the class."""
    target = codes.target.numpy()
    by_class = np.argsort(target, kind="stable")
    layers = {}
    for name, layer in codes.layers.items():
        values = layer.values.numpy()
        order = np.argsort(target[:, None] + rng.random(values.shape), axis=0)
        shuffled = np.empty_like(values)
        shuffled[by_class] = np.take_along_axis(values, order, 0)
        layers[name] = replace(layer, values=torch.from_numpy(shuffled))
    return replace(codes, layers=layers)


def split(codes: Codes, parts: int, rng: np.random.Generator) -> list[Codes]:
    """Disjoint parts of the samples, each with its share of every class."""
    shuffled = rng.permutation(len(codes))
    by_class = shuffled[np.argsort(codes.target.numpy()[shuffled], kind="stable")]
    return [codes.take(by_class[part::parts]) for part in range(parts)]


def leave_groups_out(codes: Codes, groups: int, rng: np.random.Generator) -> Iterator[Codes]:
    """The samples without one of ``groups`` random groups of equal size, for each group in turn."""
    group = rng.permutation(len(codes)) % groups
    return (codes.take(np.flatnonzero(group != left_out)) for left_out in range(groups))
