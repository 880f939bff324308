"""Criteria from the literature that know nothing of information, for comparison under the same repair."""

from __future__ import annotations

import numpy as np

from pidnet.pruning.evidence import Evidence
from pidnet.pruning.ranking import Ranking, ascending


def random(evidence: Evidence, layer: str) -> Ranking:
    """Units in random order, by the seed of the plan and the name of the layer."""
    generator = np.random.default_rng([evidence.seed, *layer.encode()])
    return ascending(generator.random(evidence.prunable[layer].units))


def l1(evidence: Evidence, layer: str) -> Ranking:
    """Sum of the absolute incoming weights of a unit (Li et al. 2017, arXiv:1608.08710)."""
    return ascending(np.sum([np.abs(w).sum(1) for w in _incoming(evidence, layer)], axis=0))


def l2(evidence: Evidence, layer: str) -> Ranking:
    """Euclidean norm of the incoming weights of a unit."""
    return ascending(np.sqrt(np.sum([(w**2).sum(1) for w in _incoming(evidence, layer)], axis=0)))


def _incoming(evidence: Evidence, layer: str) -> list[np.ndarray]:
    """Weights of the producers of a layer's units, each (unit, feature)."""
    return [evidence.weights(producer) for producer in evidence.prunable[layer].producers]
