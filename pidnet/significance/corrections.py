"""Corrections of the bias that finite samples put into the atoms.

Plug-in informations are too large by about (cells)/(2 N ln 2) bits, and most of it lands in synergy. A
correction is a plain function of the plug-in atoms and the codes that gives corrected atoms. Each corrects
I1, I2, I12 and one more atom and derives the rest, so R + U1 = I1, R + U2 = I2 and R + U1 + U2 + S = I12
still hold.
Corrected atoms can be negative; they are not clipped, because the mean of clipped noise is bias again.

Axis letters: P pair, A/B level of source 1/2, Y class, X level.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pidnet.codes import Codes
from pidnet.codes.resampling import permute_labels, split
from pidnet.measures import Measure
from pidnet.measures.atoms import Atoms
from pidnet.measures.sampling_bias import miller_madow_bias
from pidnet.printing import Registry
from pidnet.significance.expected_information import shuffled_information
from pidnet.significance.mixture import mixture, plug_in_and_mixture
from pidnet.significance.plug_in import layer_atoms, weighted_sum
from pidnet.tables.discrete import iterate_pair_tables, unit_tables

Correction = Callable[[Atoms, Codes, str, Measure, np.random.Generator], Atoms]

SHUFFLES = 2


def none(plug_in: Atoms, codes: Codes, layer: str, measure: Measure, rng: np.random.Generator) -> Atoms:
    """The plug-in atoms as they are."""
    return plug_in


def miller_madow(
    plug_in: Atoms, codes: Codes, layer: str, measure: Measure, rng: np.random.Generator
) -> Atoms:
    """I - (K_xy - K_x - K_y + 1) / (2 N ln 2) for I1, I2, I12, with K the number of occupied cells, and R in
    proportion to the smaller of I1 and I2. No other map is needed; corrects too little where cells are empty.

    Source: Miller 1955; Panzeri & Treves 1996, Network 7, 87 (with occupied cells as the relevant ones).
    """
    pairs = codes.layer(layer).pairs
    first, second = miller_madow_bias(unit_tables(codes, layer), len(codes))[pairs].T
    joint = [
        miller_madow_bias(t.p.reshape(len(t), -1, len(codes.classes)), t.samples)
        for t in iterate_pair_tables(codes, layer)
    ]
    weaker = np.where(_first_is_weaker(plug_in), first, second)
    return _complete(plug_in, first, second, np.concatenate(joint), weaker * _unique_share(plug_in))


def quadratic_extrapolation(
    plug_in: Atoms, codes: Codes, layer: str, measure: Measure, rng: np.random.Generator
) -> Atoms:
    """(8 A(N) - 6 A(N/2) + A(N/4)) / 3 for every atom A: exact for a bias a/N + b/N^2.

    A(N/2), A(N/4) are means over disjoint halves and quarters. Costs six maps of fewer samples;
    little bias, much noise. Source: Strong et al. 1998, Phys. Rev. Lett. 80, 197.
    """
    halves = [(-1.0, layer_atoms(part, layer, measure)) for part in split(codes, 2, rng)]
    quarters = [(1 / 12, layer_atoms(part, layer, measure)) for part in split(codes, 4, rng)]
    return weighted_sum([(8 / 3, plug_in), *halves, *quarters])


def shuffle_labels(
    plug_in: Atoms, codes: Codes, layer: str, measure: Measure, rng: np.random.Generator
) -> Atoms:
    """A - mean of A over permuted labels, for every atom A. Right for pairs without information; takes too much
    from informative pairs, because their tables spread over fewer cells than the permuted ones."""
    permuted = (layer_atoms(permute_labels(codes, rng), layer, measure) for _ in range(SHUFFLES))
    return weighted_sum([(1.0, plug_in), *((-1 / SHUFFLES, atoms) for atoms in permuted)])


def shuffle_sources(
    plug_in: Atoms, codes: Codes, layer: str, measure: Measure, rng: np.random.Generator
) -> Atoms:
    """Each term by the estimate that suits pairs that are independent given the class.

    I12 = I1 + I2 - I(X1;X2) + I(X1;X2|Y). The last term has a cell for every code pair and class and nearly
    all of the bias: it loses what is left of it when sources are permuted within each class, where its true
    value is 0 (the shuffling of Panzeri et al. 2007, J. Neurophysiol. 98, 1064); the mean over all permutations
    is exact, see ``shuffled_information``. The first three have few cells and take Miller-Madow.

    The unique information U of the weaker source is a mixture of two estimates, with the share r^2 of the
    second, r = corrected / plug-in information of that source: U in proportion to the information (right
    for r near 0, where there is nothing but noise to extrapolate) and 2 U(N) - U(N/2) over two halves
    (right for r near 1). Costs the two halves. Takes true synergy from pairs whose tables have few cells, such
    as copies: use ``mixture``.
    """
    samples = len(codes)
    first, second = miller_madow_bias(unit_tables(codes, layer), samples)[codes.layer(layer).pairs].T
    shared = [
        shuffled_information(tables) - miller_madow_bias(tables.p.sum(-1), samples)
        for tables in iterate_pair_tables(codes, layer)
    ]
    joint = first + second + np.concatenate(shared)
    halves = [(-0.5, layer_atoms(part, layer, measure)) for part in split(codes, 2, rng)]
    dropped = weighted_sum([(1.0, plug_in), *halves])
    weaker = _first_is_weaker(plug_in)
    bias = np.where(weaker, first, second)
    information = np.where(weaker, plug_in.information1, plug_in.information2)
    reliable = (
        np.clip(1 - np.divide(bias, information, out=np.ones_like(information), where=information > 0), 0, 1)
        ** 2
    )
    unique = (1 - reliable) * bias * _unique_share(plug_in)
    unique -= reliable * np.where(weaker, dropped.unique1, dropped.unique2)
    corrected = _complete(plug_in, first, second, joint, unique)
    return replace(corrected, gap=corrected.gap + reliable * dropped.gap)


def corrected_atoms(
    codes: Codes, layer: str, measure: Measure, correction: Correction, rng: np.random.Generator
) -> tuple[Atoms, Atoms]:
    """The atoms of all pairs of a layer, as counted and corrected."""
    if correction is mixture and measure.bias is not None:
        return plug_in_and_mixture(codes, layer, measure)
    plug_in = layer_atoms(codes, layer, measure)
    return plug_in, correction(plug_in, codes, layer, measure, rng)


CORRECTIONS: dict[str, Correction] = Registry(
    "corrections",
    {
        "none": none,
        "mixture": mixture,
        "miller_madow": miller_madow,
        "quadratic_extrapolation": quadratic_extrapolation,
        "shuffle_labels": shuffle_labels,
        "shuffle_sources": shuffle_sources,
    },
)


def _first_is_weaker(plug_in: Atoms) -> np.ndarray:
    return plug_in.unique1 <= plug_in.unique2


def _unique_share(plug_in: Atoms) -> np.ndarray:
    """U / I of the weaker source, 1 where it carries no information."""
    unique = np.minimum(plug_in.unique1, plug_in.unique2)
    information = unique + plug_in.redundancy
    return np.divide(unique, information, out=np.ones_like(information), where=information > 0)


def _gap_of_share(plug_in: Atoms, bias: np.ndarray) -> np.ndarray:
    """What the gap of U adds to the part of the bias that goes with U / I, bits: a proof stays a proof."""
    information = np.minimum(plug_in.information1, plug_in.information2)
    share = np.divide(plug_in.gap, information, out=np.zeros_like(information), where=information > 0)
    return np.abs(bias) * np.minimum(share, 1)


def _complete(
    plug_in: Atoms, first: np.ndarray, second: np.ndarray, joint: np.ndarray, unique: np.ndarray
) -> Atoms:
    """Atoms without the biases of I1, I2, I12 and of the unique information of the weaker source, (pair,)."""
    bias = np.where(_first_is_weaker(plug_in), first, second) - unique
    return Atoms(
        redundancy=plug_in.redundancy - bias,
        unique1=plug_in.unique1 - (first - bias),
        unique2=plug_in.unique2 - (second - bias),
        synergy=plug_in.synergy - (joint - first - second + bias),
        gap=plug_in.gap + _gap_of_share(plug_in, np.where(_first_is_weaker(plug_in), first, second)),
        gap_kind=plug_in.gap_kind,
    )
