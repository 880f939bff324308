"""Plug-in atoms of a layer: the atoms of the observed frequencies, before any correction."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pidnet.codes import Codes
from pidnet.measures import Measure, find_measure, terms_of_units
from pidnet.measures.atoms import NAMES, Atoms, complete_lattice, weakest
from pidnet.progress import shown
from pidnet.tables import shannon
from pidnet.tables.discrete import iterate_pair_tables, joint_informations, unit_tables


def layer_atoms(codes: Codes, layer: str, measure: Measure) -> Atoms:
    """The plug-in atoms of all pairs of a layer, block by block.

    Parameters
    ----------
    codes : Codes
        The samples.
    layer : str
        Its name.
    measure : Measure
        A name, a measure or a function.

    Returns
    -------
    Atoms
        Of all pairs of units that vary, in the order of ``codes.layer(layer).pairs``, bits.

    Examples
    --------
    >>> import pidnet as pn
    >>> from pidnet.significance import layer_atoms
    >>> codes = pn.Codes.of({"layer": [[0, 0], [0, 1], [1, 0], [1, 1]]}, [0, 1, 1, 0])
    >>> layer_atoms(codes, "layer", pn.MEASURES["i_min"]).synergy
    array([1.])
    """
    total = len(codes.layer(layer).pairs)
    measure, blocks = find_measure(measure), []
    of_units = terms_of_units(measure)
    if of_units:
        return _atoms_of_units(codes, layer, of_units.redundancy)
    with shown(doing=layer, total=total, unit="pair") as bar:
        for tables in iterate_pair_tables(codes, layer):
            blocks.append(measure(tables))
            bar.update(len(tables))
    return Atoms.concatenate(blocks)


def _atoms_of_units(codes: Codes, layer: str, redundancy: Callable) -> Atoms:
    """The same for a measure whose redundancy needs the tables of units only."""
    joint = joint_informations(codes, layer)
    units, pairs = unit_tables(codes, layer), codes.layer(layer).pairs
    first, second = shannon.mutual_information(units)[pairs].T
    return complete_lattice((first, second, joint), redundancy(units, pairs))


def weighted_sum(terms: list[tuple[float, Atoms]]) -> Atoms:
    """sum_k w_k atoms_k. The identities of the lattice are linear and stay; gaps add up by |w_k|."""
    weights = np.array([weight for weight, _ in terms])
    values = {name: np.stack([getattr(atoms, name) for _, atoms in terms]) for name in (*NAMES, "gap")}
    gap = np.abs(weights) @ values.pop("gap")
    summed = {name: weights @ stacked for name, stacked in values.items()}
    return Atoms(**summed, gap=gap, gap_kind=weakest(atoms.gap_kind for _, atoms in terms))
