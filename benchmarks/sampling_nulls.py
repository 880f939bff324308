"""Layers whose labels say nothing of some or all units: p-values, and edges of graphs; ``benchmarks.sampling`` makes the
tables."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

import pidnet as pn
from pidnet.activations import Activations
from pidnet.codes import Codes
from pidnet.codes.resampling import permute_labels, permute_sources

LAYER = "layer"

Row = dict[str, str | int | float | None]


def relu_layer(samples: int, seed: int, informed: int = 0, units: int = 24) -> Codes:
    """ReLU units of very different sparsity with a common cause; the first ``informed`` carry the label."""
    generator = torch.Generator().manual_seed(seed)
    target = torch.randint(10, (samples,), generator=generator)
    common = torch.randn(samples, 1, generator=generator)
    signal = torch.randn(10, units, generator=generator)[target] * (torch.arange(units) < informed)
    noise = torch.randn(samples, units, generator=generator)
    values = torch.relu(0.5 * common + noise + signal - torch.linspace(-1, 2, units))
    return pn.quantize(Activations({LAYER: values}, target, {}), 4, "zero_level")


def null_layers(seeds: int = 25) -> Iterator[Row]:
    """Data for which the null is true: shares of p-values below 0.05, edges kept, layers with any kept."""
    for measure in ("i_min", "i_broja"):
        for null in ("units", "labels", "sources"):
            below: dict[str, list[float]] = {}
            kept: dict[str, list[float]] = {}
            for seed in range(seeds):
                codes = relu_layer(600, seed, informed=24 if null == "sources" else 0)
                if null == "sources":
                    codes = permute_sources(codes, np.random.default_rng(seed))
                layer = pn.layer_maps(codes, measure, null=null, correction="none", seed=seed)[LAYER]
                for atom, p_values in layer.p_values.items():
                    below.setdefault(atom, []).append(float((p_values < 0.05).mean()))
                    kept.setdefault(atom, []).append(float(layer.significant(atom).mean()))
            for atom, shares in below.items():
                yield {
                    "measure": measure,
                    "null": null,
                    "atom": atom,
                    "p < 0.05": float(np.mean(shares)),
                    "kept": float(np.mean(kept[atom])),
                    "layers with any kept": float(np.mean(np.array(kept[atom]) > 0)),
                }


def power(seeds: int = 5) -> Iterator[Row]:
    """12 of 24 ReLU units carry the label: how many informed pairs are kept, and the share of false edges."""
    for null in ("units", "labels"):
        for samples in (300, 600, 1200):
            right, wrong = [], []
            for seed in range(seeds):
                codes = relu_layer(samples, seed, informed=12)
                layer = pn.layer_maps(codes, "i_broja", null=null, correction="none")[LAYER]
                kept, both = layer.significant(), (layer.pairs < 12).all(1)
                right.append(kept[both].mean())
                wrong.append((kept & ~both).sum() / max(kept.sum(), 1))
            yield {
                "null": null,
                "samples": samples,
                "informed pairs kept": float(np.mean(right)),
                "kept pairs with an uninformed unit": float(np.mean(wrong)),
            }


def graphs(units: int = 60, samples: int = 1500, seeds: int = 3) -> Iterator[Row]:
    """Edges of both graphs of a layer of ReLU units, half of which carry the label, and of the same with its labels
    permuted."""
    for name in ("i_min", "i_broja"):
        for labels in ("true", "permuted"):
            replaced, redundant = [], []
            for seed in range(seeds):
                codes = relu_layer(samples, seed, informed=units // 2, units=units)
                if labels == "permuted":
                    codes = permute_labels(codes, np.random.default_rng(seed))
                found = pn.layer_maps(codes, name)[LAYER]
                replaced.append(pn.replacement_graph(found).number_of_edges())
                redundant.append(pn.redundancy_graph(found).number_of_edges())
            pairs = units * (units - 1) // 2
            yield {
                "measure": name,
                "labels": labels,
                f"replacement edges of {2 * pairs:,}": float(np.mean(replaced)),
                f"redundancy edges of {pairs:,}": float(np.mean(redundant)),
            }
