"""What a plan loses on samples that its repair has not seen."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from pidnet.networks.inputs import Inputs, split, take
from pidnet.pruning.criteria.statistics import CalibrationStatistics
from pidnet.pruning.repair.running import cut_and_repair
from pidnet.pruning.structure.network import CuttableNetwork

FOLDS = 5
# With fewer samples all folds are measured: repairs are cheap then, and one fold would say little.
FEW = 500
# A plan is called too hopeful where it loses this many bits more on other samples, surely.
WORTH_A_WORD = 0.01
SURE = 1.645  # standard errors, 5 % on one side


def held_out_bits(
    statistics: CalibrationStatistics, kept: Mapping[str, Sequence[int]]
) -> tuple[float, float] | None:
    """The 95 % interval of what the plan loses after "refit" on samples that the repair has not seen, bits.

    The samples are parted into five; the network is repaired on four parts and measured on the fifth, for every part
    in turn where there are fewer than 500 samples. Which units go was decided on all samples, so the truth may lie
    above. None with 2 samples.
    """
    dense = statistics.network
    removed = {name: dense.groups[name].others(units) for name, units in kept.items()}
    fold = np.arange(len(statistics.y)) % FOLDS
    lost = []
    for held in range(FOLDS if len(fold) < FEW else 1):
        rest, other = (np.flatnonzero(mask).tolist() for mask in (fold != held, fold == held))
        if len(rest) > 1 and other:  # one sample is nothing to repair with
            small = cut_and_repair(dense, removed, take(statistics.x, rest), "refit")
            lost.append(dense.divergences(small, take(statistics.x, other)))
    if not lost:
        return None
    bits = torch.cat(lost)
    half = 1.96 * float(bits.std()) / len(bits) ** 0.5 if len(bits) > 1 else float("nan")
    mean = float(bits.mean())
    return max(0.0, mean - half), mean + half


def seems_trained_on(network: CuttableNetwork, x: Inputs, y: Tensor) -> bool:
    """Whether a network fits the labels of these samples surely better (5 %) than it claims to.

    For samples like those to come, minus the log-likelihood of the label is on average the entropy of the output, or
    more for a network that is too sure of itself; on samples of its training it is less. Then what a cut loses on other
    samples is more, and cannot be told from these. False where an output is not the class of a sample.
    """
    with torch.no_grad():
        scores = torch.cat([network.run(batch) for batch in split(x)]).double()
    if (scored := network.reading.predicted(scores)) is None:
        return False
    if network.reading.kind == "bernoulli":
        scores = torch.stack([torch.zeros_like(scores.reshape(-1)), scores.reshape(-1)], 1)
    labels, log_p = y.to(scores.device, torch.int64).reshape(-1), scores.log_softmax(1)
    if labels.shape != scored.shape or labels.min() < 0 or labels.max() >= scores.shape[1]:
        return False
    surplus = -log_p.gather(1, labels[:, None])[:, 0] + (log_p.exp() * log_p).sum(1)
    return bool(surplus.mean() < -SURE * surplus.std() / len(surplus) ** 0.5)


def warn_of_hope(planned: float, found: tuple[float, float] | None) -> None:
    """Warn where the plan surely loses more on other samples than the number it was chosen by."""
    if found and found[0] > planned + WORTH_A_WORD:
        warnings.warn(
            f"the plan was chosen at {planned:.2g} bits lost on its own samples; on samples that the repair has not seen "
            f"it loses {found[0]:.2g} to {found[1]:.2g}: take more calibration samples or keep more",
            stacklevel=4,
        )
