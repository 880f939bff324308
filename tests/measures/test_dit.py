"""dit's measures by name, and the refusal of its uncertified BROJA."""

import sys

import numpy as np
import pytest

from peers import dit_distribution, random_table
from pidnet import decompose, decompose_dit
from tests.known_cases import CASES, dit_cells

DIT_NAMES = {
    "I_min": "PID_WB",
    "I_mmi": "PID_MMI",
    "I_ccs": "PID_CCS",
    "I_broja": "PID_BROJA",
    "I_proj": "PID_Proj",
    "I_rr": "PID_RR",
    "I_dep": "PID_dep",
    "I_ra": "PID_RA",
    "I_sx": "PID_SX",
    "I_pm": "PID_PM",
}
# I_GH takes dit minutes and I_delta seconds a table.
FAST = [case for case in CASES["dit_unit_tests"] if case["measure"] in DIT_NAMES]


def distribution(case):
    import dit

    return dit.Distribution(*dit_cells(case))


@pytest.mark.parametrize("case", FAST, ids=lambda case: f"{case['measure']} {case['name']}")
def test_unit_tests_of_dit(case):
    atoms = decompose_dit(distribution(case), measure=DIT_NAMES[case["measure"]]).two_sources
    found = [getattr(atoms, name)[0] for name in ("redundancy", "unique1", "unique2", "synergy")]
    np.testing.assert_allclose(found, case["expected"], atol=max(case["atol"], 1e-6))


@pytest.mark.parametrize("case", CASES["three_sources"], ids=lambda case: case["name"])
@pytest.mark.parametrize("measure", ["I_min", "I_ccs"])
def test_three_sources(case, measure):
    result = decompose_dit(distribution(case), measure=DIT_NAMES[measure])
    assert set(result.atoms) == set(case["node_order"])
    for node, bits in zip(case["node_order"], case["expected"][measure], strict=True):
        assert result.atoms[node] == pytest.approx(bits, abs=1e-4), node
    assert sum(result.atoms.values()) == pytest.approx(result.redundancies["{123}"])


def test_four_sources_have_166_atoms():
    import dit

    result = decompose_dit(dit.Distribution(["00000", "11111"], [0.5, 0.5]), measure="PID_MMI")
    assert len(result.atoms) == len(result.redundancies) == 166
    assert result.atoms["{1}{2}{3}{4}"] == pytest.approx(1)


def test_named_variables_are_numbered_in_order():
    import dit

    d = dit.Distribution(["000", "011", "101", "110"], [0.25] * 4)
    d.set_rv_names("BAY")
    assert decompose_dit(d, measure="PID_WB").atoms["{12}"] == pytest.approx(1)


def test_broja_runs_the_cone_solver_and_says_so():
    p = random_table(np.random.default_rng(1), (2, 2, 3), 0.0)
    result = decompose_dit(dit_distribution(p), measure="PID_BROJA")
    assert "uncertified; its cone solver (ECOS) was used" in result.note
    np.testing.assert_allclose(result.two_sources.unique1, decompose(p).unique1, atol=1e-6)
    np.testing.assert_allclose(result.two_sources.synergy, decompose(p).synergy, atol=1e-6)


def test_broja_without_the_cone_solver_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "ecos", None)
    with pytest.raises(ModuleNotFoundError, match=r"refused with dit's default solver.*pidnet\[ecos\]"):
        decompose_dit(dit_distribution(np.full((2, 2, 2), 0.125)), measure="PID_BROJA")


def test_a_cone_solution_off_the_margins_is_refused(monkeypatch):
    from dit.algorithms import broja_cone

    report = {"primal_infeas": 1e-3, "ui_source0": 0.0, "ui_source1": 0.0}
    monkeypatch.setattr(broja_cone, "broja_cone_solve", lambda *_: (None, report))
    with pytest.raises(RuntimeError, match=r"missed the margins by 0\.001"):
        decompose_dit(dit_distribution(np.full((2, 2, 2), 0.125)), measure="PID_BROJA")


def test_broja_of_three_sources_is_refused():
    with pytest.raises(
        ValueError, match="PID_BROJA of 3 sources exists in dit only with an uncertified solver"
    ):
        decompose_dit(distribution(CASES["three_sources"][0]), measure="PID_BROJA")


def test_bad_input_is_named():
    import dit

    with pytest.raises(
        ValueError, match="unknown dit measure 'PID_X'; the known ones are PID_BROJA, PID_CCS"
    ):
        decompose_dit(dit.Distribution(["000", "111"], [0.5, 0.5]), measure="PID_X")
    with pytest.raises(TypeError, match=r"takes a dit\.Distribution, not ndarray"):
        decompose_dit(np.full((2, 2, 2), 0.125))
    with pytest.raises(ValueError, match="has 2 variables; expected 2 to 4 sources"):
        decompose_dit(dit.Distribution(["00", "11"], [0.5, 0.5]))
    with pytest.raises(ValueError, match="18 atoms do not fit"):
        _ = decompose_dit(distribution(CASES["three_sources"][0]), measure="PID_MMI").two_sources
