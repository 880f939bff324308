"""Codes -> other codes of the same units: permuted, split, thinned.

Every null, correction and interval counts the tables of such codes, so each is batched over all pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from pidnet.codes.quantizing import Codes


def permute_labels(codes: Codes, rng: np.random.Generator) -> Codes:
    """The same codes with the labels in random order: no unit knows anything about the target, and what
    units have in common stays."""
    return replace(codes, target=codes.target[torch.from_numpy(rng.permutation(len(codes.target)))])


def permute_sources(codes: Codes, rng: np.random.Generator) -> Codes:
    """Each unit shuffled by itself within each class: what a unit knows stays, units are independent
    given the class."""
    target = codes.target.numpy()
    layers = {}
    for name, layer in codes.layers.items():
        order = np.argsort(target[:, None] + rng.random(layer.shape), axis=0)
        layers[name] = torch.from_numpy(np.take_along_axis(layer.numpy(), order, 0))
    return replace(codes, layers=layers, target=codes.target.sort().values)


def split(codes: Codes, parts: int, rng: np.random.Generator) -> list[Codes]:
    """Disjoint parts of the samples, each with its share of every class."""
    shuffled = rng.permutation(len(codes.target))
    by_class = shuffled[np.argsort(codes.target.numpy()[shuffled], kind="stable")]
    return [take(codes, by_class[part::parts]) for part in range(parts)]


def leave_groups_out(codes: Codes, groups: int, rng: np.random.Generator) -> Iterator[Codes]:
    """The samples without one of ``groups`` random groups of equal size, for each group in turn."""
    group = rng.permutation(len(codes.target)) % groups
    return (take(codes, np.flatnonzero(group != left_out)) for left_out in range(groups))


def take(codes: Codes, samples: np.ndarray) -> Codes:
    """Some of the samples. Constant units stay those of all samples, so that the pairs stay the same."""
    index = torch.from_numpy(samples)
    layers = {name: layer[index] for name, layer in codes.layers.items()}
    return replace(codes, layers=layers, target=codes.target[index])


def take_layer(codes: Codes, layer: str, units: np.ndarray | None = None) -> Codes:
    """One layer, or some units of it that vary."""
    if units is None:
        return replace(codes, layers={layer: codes.layers[layer]})
    chosen = codes.layers[layer][:, torch.from_numpy(units)]
    return replace(codes, layers={layer: chosen}, constant={layer: []})
