"""What a plan loses on samples that its repair has not seen."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pidnet.networks.inputs import Inputs, take
from pidnet.pruning.criteria.statistics import CalibrationStatistics
from pidnet.pruning.repair.running import bits_lost
from pidnet.pruning.structure.network import CuttableNetwork

FOLDS = 5
# With fewer samples all folds are measured: repairs are cheap then, and one fold would say little.
FEW = 500
# A plan is called too hopeful where it loses this many bits more on other samples, surely.
WORTH_A_WORD = 0.01
SURE = 1.645  # standard errors, 5 % on one side
# Bits. Of 10 trainings on wine, digits and cancer that came below it 7 lost more than 5 times the upper end on other
# samples; of 10 above it none more than 2.0 times. Chosen on these; with other seeds 10 of 15, and at most 2.5 times.
BY_HEART = 0.02


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
            lost.append(bits_lost(dense, removed, take(statistics.x, rest), take(statistics.x, other)))
    if not lost:
        return None
    bits = torch.cat(lost)
    half = 1.96 * float(bits.std()) / len(bits) ** 0.5 if len(bits) > 1 else float("nan")
    mean = float(bits.mean())
    return max(0.0, mean - half), mean + half


@dataclass(frozen=True, eq=False)
class Fit:
    """How a network fits the labels of its calibration samples: minus their log-likelihood, and the entropy of its own
    output, which that is on average for samples like those to come; bits, (sample,)."""

    unlikely: Tensor
    entropy: Tensor

    @property
    def seems_trained_on(self) -> bool:
        """Whether labels are fitted surely better (5 %) than the network claims: as those of its training are."""
        surplus = self.unlikely - self.entropy
        return bool(surplus.mean() < -SURE * surplus.std() / len(surplus) ** 0.5)

    @property
    def by_heart(self) -> bool:
        """Whether they are moreover fitted nearly without error: what a cut loses cannot be told from such samples."""
        return self.seems_trained_on and float(self.unlikely.mean()) < BY_HEART


def fit_of(network: CuttableNetwork, x: Inputs, y: Tensor) -> Fit | None:
    """How the labels are fitted; None where an output is not the class of a sample."""
    if network.reading.kind == "gaussian":
        return None
    scores = network.outputs(x).double()
    if (scored := network.reading.predicted(scores)) is None:
        return None
    if network.reading.kind == "bernoulli":
        scores = torch.stack([torch.zeros_like(scores.reshape(-1)), scores.reshape(-1)], 1)
    labels, log_p = y.to(scores.device, torch.int64).reshape(-1), scores.log_softmax(1)
    if labels.shape != scored.shape or labels.min() < 0 or labels.max() >= scores.shape[1]:
        return None
    unlikely, entropy = -log_p.gather(1, labels[:, None])[:, 0], -(log_p.exp() * log_p).sum(1)
    return Fit(unlikely / np.log(2), entropy / np.log(2))


def warn_of_hope(planned: float, found: tuple[float, float] | None, fit: Fit | None) -> None:
    """Warn where the plan surely, or likely, loses more on other samples than its number."""
    if found and found[0] > planned + WORTH_A_WORD:
        warnings.warn(
            f"the plan was chosen at {planned:.2g} bits lost on its own samples; on samples that the repair has not seen "
            f"it loses {found[0]:.2g} to {found[1]:.2g}: take more calibration samples or keep more",
            stacklevel=4,
        )
    elif fit and fit.by_heart:
        measured = f"the {found[0]:.2g} to {found[1]:.2g} bits" if found else "what is"
        warnings.warn(
            f"the network fits the labels of these samples by heart, to {fit.unlikely.mean():.2g} bits, as those that it was "
            f"trained on: on others the plan likely loses several times {measured} measured here; give it samples that the "
            "network was not trained on",
            stacklevel=4,
        )
