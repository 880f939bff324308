"""The default correction: right from independent pairs to copies, made of the tables of the pairs alone.

Axis letters: P pair.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pidnet.codes import Codes
from pidnet.codes.resampling import split
from pidnet.execution.blocks import CLOSED_FORMS_AT_ONCE
from pidnet.execution.threads import share_blocks
from pidnet.measures import Measure, terms_of_units
from pidnet.measures.atoms import Atoms, complete_lattice
from pidnet.measures.derivatives import log2_ratio
from pidnet.measures.sampling_bias import information_bias, unit_biases
from pidnet.measures.smaller_terms import SmallerTerms, bias_of_smaller, over_terms
from pidnet.progress import shown
from pidnet.significance._likeness import distinct
from pidnet.significance.evidence import Evidence, evidence_of_codes, evidence_of_tables
from pidnet.significance.plug_in import layer_atoms, weighted_sum
from pidnet.tables import shannon
from pidnet.tables.discrete import PairTables, coded_units, iterate_pair_tables, varying_pairs

ROUNDING = 1e-12  # bits: no more than sums of a table leave of an information of 0


def mixture(plug_in: Atoms, codes: Codes, layer: str, measure: Measure, rng: np.random.Generator) -> Atoms:
    """Correct each information by what its own cells add to it. The default.

    I1 and I2 lose what the cells that can occur add to them, see ``unit_biases``. I12 has nearly all of the bias: it loses what samples would add
    to a mixture that is fitted to each table, see ``joint_information_bias``.

    R is a mixture of two estimates, with the share r^2 / (r^2 + (1 - r)^2) of the second, r = corrected / plug-in
    information of the weaker source: R in proportion to that information (right for r near 0, where there is nothing but noise to
    expand) and R less its bias to second order, ``Measure.bias`` (right for r near 1). Where a measure has none, the
    bias of U is U(N/2) - U(N) over two halves, at the cost of two maps.

    Where R depends on the margins of the single units only, the units are informed (r of 1/2 or more) and the
    samples do not tell them apart, neither has unique information, and R is the mean of I1 and I2; see ``distinct``.
    """
    gained = None
    if measure.bias is None:
        halves = [(0.5, layer_atoms(half, layer, measure)) for half in split(codes, 2, rng)]
        gained = weighted_sum([*halves, (-1.0, plug_in)])
    blocks, start = [], 0
    for tables in iterate_pair_tables(codes, layer):
        part = slice(start, start + len(tables))
        blocks.append(correct_pairs(plug_in[part], tables, measure, None if gained is None else gained[part]))
        start += len(tables)
    return Atoms.concatenate(blocks)


def plug_in_and_mixture(codes: Codes, layer: str, measure: Measure) -> tuple[Atoms, Atoms]:
    """The plug-in atoms of all pairs and what ``mixture`` makes of them, for a measure whose bias is known: each table
    is counted once, and what measure and bias share is done once."""
    terms = terms_of_units(measure)
    found = _by_tables(codes, layer, measure) if terms is None else _by_units(codes, layer, measure, terms)
    plug_in, corrected = [], []
    with shown(doing=layer, total=len(codes.layer(layer).pairs), unit="pair") as bar:
        for atoms, better in found:
            plug_in.append(atoms)
            corrected.append(better)
            bar.update(len(atoms))
    return Atoms.concatenate(plug_in), Atoms.concatenate(corrected)


def _by_tables(codes: Codes, layer: str, measure: Measure) -> Iterator[tuple[Atoms, Atoms]]:
    """Block by block, from the tables of pairs."""

    def work(tables: PairTables) -> tuple[Atoms, Atoms]:
        if measure.with_bias is not None:
            atoms, bias = measure.with_bias(tables)
        else:
            atoms = measure(tables)
            bias = _bias_of_redundancy(atoms, tables, measure, None)[0]
        known = np.stack(unit_biases(tables), 1)
        return atoms, _corrected(atoms, known, evidence_of_tables(tables), measure, (bias, 0.0))

    yield from share_blocks(work, iterate_pair_tables(codes, layer))


def _by_units(
    codes: Codes, layer: str, measure: Measure, terms: SmallerTerms
) -> Iterator[tuple[Atoms, Atoms]]:
    """Block by block, from the tables of units and one pass over the samples of each pair."""
    pairs, coded, samples = varying_pairs(codes, layer), coded_units(codes, layer), len(codes)
    if not coded.by_bits:
        yield from _by_tables(codes, layer, measure)
        return
    p_UXY = coded.margins.swapaxes(1, 2) / samples
    terms_UT, biases_UT = terms.terms(p_UXY), terms.biases(p_UXY, samples)
    information, known = shannon.mutual_information(p_UXY), information_bias(p_UXY, samples)
    values_UXY = log2_ratio(p_UXY).astype(np.float32)

    def work(block: np.ndarray) -> tuple[Atoms, Atoms]:
        joint, evidence = evidence_of_codes(coded, block, values_UXY)
        of_terms = terms_UT[block[:, 0]], terms_UT[block[:, 1]]
        atoms = complete_lattice((*information[block].T, joint), over_terms(np.minimum(*of_terms)))
        error = evidence.difference_errors() if terms.by_class else evidence.difference_error()[:, None]
        bias = bias_of_smaller(of_terms, (biases_UT[block[:, 0]], biases_UT[block[:, 1]]), error)
        return atoms, _corrected(atoms, known[block], evidence, measure, (bias, 0.0))

    yield from share_blocks(work, np.array_split(pairs, -(-len(pairs) // CLOSED_FORMS_AT_ONCE)))


def correct_pairs(plug_in: Atoms, tables: PairTables, measure: Measure, gained: Atoms | None = None) -> Atoms:
    """The correction from counted tables alone; ``gained``, atoms of half samples less those of all, stands in for
    ``Measure.bias`` where that is None."""
    bias = _bias_of_redundancy(plug_in, tables, measure, gained)
    known = np.stack(unit_biases(tables), 1)
    return _corrected(plug_in, known, evidence_of_tables(tables), measure, bias)


def _corrected(
    plug_in: Atoms,
    known_PS: np.ndarray,
    evidence: Evidence,
    measure: Measure,
    bias_and_gap: tuple[np.ndarray, np.ndarray | float],
) -> Atoms:
    """The correction, with the biases of I1 and I2, and the bias of R and the gap that comes with it."""
    information_PS = np.stack([plug_in.information1, plug_in.information2], 1)
    weaker_P1 = (plug_in.unique1 > plug_in.unique2).astype(int)[:, None]
    weaker, lost = (np.take_along_axis(x, weaker_P1, 1)[:, 0] for x in (information_PS, known_PS))
    information_PS -= known_PS
    bias, gap = bias_and_gap
    share = np.divide(lost, weaker, out=np.ones_like(lost), where=weaker > ROUNDING)
    signal, noise = (1 - share).clip(0, 1) ** 2, share.clip(0, 1) ** 2
    reliable = signal / (signal + noise)
    in_proportion = (1 - share) * plug_in.redundancy
    redundancy = reliable * (plug_in.redundancy - bias) + (1 - reliable) * in_proportion
    if measure.margins_only:
        apart = distinct(evidence, information_PS[:, 0] - information_PS[:, 1])
        informed = np.minimum(2 * reliable, 1) ** 2  # of noise alone R is 0, and the mean of noise is noise
        alike = informed * information_PS.mean(1) + (1 - informed) * in_proportion
        redundancy = apart * redundancy + (1 - apart) * alike
    gap = plug_in.gap * (1 + np.minimum(share, 1)) + reliable * gap
    joint = plug_in.total - evidence.joint_bias
    return complete_lattice((*information_PS.T, joint), redundancy, gap, plug_in.gap_kind)


def _bias_of_redundancy(
    plug_in: Atoms, tables: PairTables, measure: Measure, gained: Atoms | None
) -> tuple[np.ndarray, np.ndarray | float]:
    """The bias of R, and the gap that comes with it; of half samples, what the weaker source does not gain in U."""
    if measure.bias is not None:
        return measure.bias(tables), 0.0
    if gained is None:
        raise ValueError(f"the bias of {measure.name} is not known; pass gained")
    first_is_weaker = plug_in.unique1 <= plug_in.unique2
    lost = np.where(first_is_weaker, *unit_biases(tables))
    return lost - np.where(first_is_weaker, gained.unique1, gained.unique2), gained.gap
