"""Exact values on planted layers: duplicates, XOR triples, independent units; and against dit."""

import itertools

import numpy as np
import pytest
import torch

from pidnet import Activations, quantize
from pidnet.groups import group_invariants, random_groups, representational_complexity, unit_against_rest


def exact_codes(units, target):
    """Codes of a layer given by all its equally likely states."""
    values = torch.tensor(np.asarray(units), dtype=torch.float32)
    acts = Activations({"layer": values}, torch.tensor(np.asarray(target)), {})
    return quantize(acts, 2, "equal_width")


BITS = np.array(list(itertools.product([0, 1], repeat=4)))
PLANTED = {
    # units, target, degree of redundancy, of vulnerability, O-information, gradient about the target
    "duplicates": (BITS[:, [0, 0, 0]], BITS[:, 0], 3, 0, 1, 1),
    "xor of three": (BITS[:, :3], BITS[:, :3].sum(1) % 2, 0, 3, 0, -2),
    "independent bits": (BITS[:, :3], BITS[:, :3] @ [1, 2, 4], 1, 1, 0, 0),
    "xor of two": (BITS[:, :2], BITS[:, :2].sum(1) % 2, 0, 2, 0, -1),
    "a duplicate beside a bit": (BITS[:, [0, 0, 1]], BITS[:, :2] @ [1, 2], 1.5, 0.5, 0, 1),
    "bits and their sum": (np.c_[BITS[:, :2], BITS[:, :2].sum(1) % 2], BITS[:, :2] @ [1, 2], 1.5, 0, -1, 2),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_groups_have_their_exact_values(name):
    units, target, redundancy, vulnerability, o_information, gradient = PLANTED[name]
    found = group_invariants(exact_codes(units, target), "layer", [range(units.shape[1])])
    assert found.redundancy_degree == pytest.approx([redundancy])
    assert found.vulnerability_degree == pytest.approx([vulnerability], abs=1e-12)
    assert found.o_information == pytest.approx([o_information], abs=1e-12)
    assert found.target_gradient == pytest.approx([gradient], abs=1e-12)
    assert found.samples == 16


def test_a_unit_that_repeats_another_raises_the_o_information_it_belongs_to():
    units = np.c_[BITS[:, [0, 0, 0]], BITS[:, 1]]
    found = group_invariants(exact_codes(units, BITS[:, 0]), "layer", [[0, 1, 2, 3]])
    assert found.unit_gradient == pytest.approx(np.array([[1, 1, 1, 0]]))


def test_entropies_agree_with_dit():
    import dit

    rng = np.random.default_rng(0)
    units, target = rng.integers(0, 2, (40, 4)), rng.integers(0, 3, 40)
    found = group_invariants(exact_codes(units, target), "layer", [range(4)])
    rows, counts = np.unique(np.c_[units, target], axis=0, return_counts=True)
    law = dit.Distribution([tuple(map(int, row)) for row in rows], counts / counts.sum())
    assert found.o_information[0] == pytest.approx(dit.multivariate.o_information(law, [[0], [1], [2], [3]]))
    assert found.group_information[0] == pytest.approx(dit.shannon.mutual_information(law, [0, 1, 2, 3], [4]))


def test_groups_without_information_have_no_degrees():
    found = group_invariants(exact_codes(BITS[:, :2], BITS[:, 3]), "layer", [[0, 1]])
    assert np.isnan(found.redundancy_degree).all()
    assert found.group_information == pytest.approx([0], abs=1e-12)


@pytest.mark.parametrize("size", [2, 3, 4])
def test_random_groups_average_to_the_exact_value(size):
    """A layer of 3 duplicates and 5 noise units: a group of k holds a duplicate of the target with known
    probability, and then its redundancy degree is the number of duplicates in it."""
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (4096, 6))
    layer = np.c_[bits[:, [0, 0, 0]], bits[:, 1:]]
    codes = exact_codes(layer, bits[:, 0])
    groups = random_groups(codes, "layer", size, 300, seed=1)
    found = group_invariants(codes, "layer", groups)
    duplicates = (groups < 3).sum(1)
    assert found.redundancy_degree[duplicates > 0] == pytest.approx(duplicates[duplicates > 0], abs=0.01)
    every = list(itertools.combinations(range(8), size))
    exact = np.mean([min(sum(unit < 3 for unit in group), 1) for group in every])
    assert found.group_information.mean() == pytest.approx(exact, abs=0.07)
    assert np.array_equal(groups, random_groups(codes, "layer", size, 300, seed=1))
    assert all(len(set(group)) == size for group in groups.tolist())


def test_random_groups_of_a_layer_with_every_planted_kind():
    """Units 0-2: duplicates of bit a; 3-5: a triple whose parity is bit b; 6, 7: independent bits c, d. Each
    random group has the degrees and the O-information that its members imply."""
    rows = np.array(list(itertools.product([0, 1], repeat=6)))  # a, two of the triple, b, c, d
    a, first, second, b, c, d = rows.T
    layer = np.c_[a, a, a, first, second, (first + second + b) % 2, c, d]
    codes = exact_codes(layer, a + 2 * b + 4 * c + 8 * d)
    for size in (2, 3, 4):
        groups = random_groups(codes, "layer", size, 60, seed=size)
        found = group_invariants(codes, "layer", groups)
        copies, alone = (groups < 3).sum(1), (groups > 5).sum(1)
        triple = ((groups > 2) & (groups < 6)).sum(1) == 3
        information = (copies > 0) + alone + triple
        known = information > 0
        assert known.sum() > 30
        assert triple.any() == (size > 2)
        assert found.group_information == pytest.approx(information, abs=1e-12)
        assert found.redundancy_degree[known] == pytest.approx(((copies + alone) / information)[known])
        hangs = (copies == 1) + alone + 3 * triple
        assert found.vulnerability_degree[known] == pytest.approx((hangs / information)[known])
        assert found.o_information == pytest.approx(np.maximum(copies - 2, 0), abs=1e-12)


COMPLEXITY = {"duplicates": 1, "xor of three": 3, "xor of two": 2, "a duplicate beside a bit": 1.5}


@pytest.mark.parametrize("name", COMPLEXITY)
def test_complexity_is_the_number_of_units_to_read_together(name):
    units, target = PLANTED[name][:2]
    found = representational_complexity(exact_codes(units, target), "layer", [range(units.shape[1])])
    assert found == pytest.approx([COMPLEXITY[name]])


def test_the_lattice_has_its_known_size_and_atoms_add_up():
    from pidnet.groups.complexity import lattice

    assert [len(lattice(n)) for n in (1, 2, 3, 4)] == [1, 4, 18, 166]


def test_complexity_agrees_with_dit_on_a_random_group():
    import dit
    from dit.pid import PID_WB

    rng = np.random.default_rng(1)
    units, target = rng.integers(0, 2, (60, 3)), rng.integers(0, 2, 60)
    rows, counts = np.unique(np.c_[units, target], axis=0, return_counts=True)
    law = dit.Distribution([tuple(map(int, row)) for row in rows], counts / counts.sum())
    pid = PID_WB(law, [[0], [1], [2]], [3])
    atoms = {node: float(pid[node]) for node in pid._lattice}
    expected = sum(min(map(len, node)) * atom for node, atom in atoms.items()) / sum(atoms.values())
    assert representational_complexity(exact_codes(units, target), "layer", [range(3)]) == pytest.approx(
        [expected], abs=1e-6
    )


@pytest.mark.parametrize("rest", ["joint", "prediction"])
def test_a_unit_against_the_rest(rest):
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (4000, 4))
    layer = np.c_[bits[:, 0], bits[:, 0], bits[:, 1], bits[:, 2]]
    codes = exact_codes(layer, bits[:, 0] + 2 * bits[:, 1])
    atoms = unit_against_rest(codes, "layer", "i_min", rest=rest)
    assert atoms.redundancy[:2] == pytest.approx([1, 1], abs=0.01)  # each duplicate is in the rest
    assert atoms.total == pytest.approx([2, 2, 2, 2], abs=0.01)
    assert atoms.redundancy[3] == pytest.approx(0, abs=0.01)
    # i_min calls equal amounts redundant: the unit that alone carries the second bit adds it as synergy.
    assert atoms.redundancy[2] + atoms.unique1[2] == pytest.approx(1, abs=0.01)
    assert atoms.synergy[2] + atoms.unique1[2] == pytest.approx(1, abs=0.01)


def test_bad_groups_are_refused():
    codes = exact_codes(BITS, BITS[:, 0])
    for groups, match in (
        ([[0, 1], [2]], "expected groups of one size"),
        ([[0]], "at least 2"),
        ([[0, 9]], "layer 'layer' has 4"),
        ([[1, 1]], "names a unit twice"),
    ):
        with pytest.raises(ValueError, match=match):
            group_invariants(codes, "layer", groups)
    with pytest.raises(ValueError, match="no such layer: 'fc9'"):
        group_invariants(codes, "fc9", [[0, 1]])
    with pytest.raises(ValueError, match="size=5; layer 'layer' has 4 units that vary"):
        random_groups(codes, "layer", 5, 3)
    with pytest.raises(ValueError, match="2 to 4 units"):
        representational_complexity(exact_codes(np.c_[BITS, BITS], BITS[:, 0]), "layer", [range(5)])
    with pytest.raises(ValueError, match="rest='all'"):
        unit_against_rest(codes, "layer", "i_min", rest="all")
