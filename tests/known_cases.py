"""Published and peer-computed decompositions, from tests/reference/pid_cases.json, which names the sources."""

import json
from pathlib import Path

import numpy as np

CASES = json.loads((Path(__file__).parent / "reference" / "pid_cases.json").read_text())
PRINTED = 1e-4  # the published values are printed to 4 decimals


def table(case: dict) -> np.ndarray:
    """The joint table (x1, x2, y) of a case with cells."""
    p = np.zeros(np.max([cell[:-1] for cell in case["cells"]], axis=0) + 1)
    for *cell, probability in case["cells"]:
        p[tuple(cell)] = probability
    return p


def random_table(case: dict) -> np.ndarray:
    """The full-support table that a random case describes by its recipe."""
    shape = case["shape"]
    return np.random.default_rng(1000 + case["k"]).dirichlet(np.ones(np.prod(shape))).reshape(shape)


def dit_cells(case: dict) -> tuple[list[str], list[float]]:
    """Outcomes and probabilities for dit.Distribution."""
    return ["".join(map(str, cell[:-1])) for cell in case["cells"]], [cell[-1] for cell in case["cells"]]


def two_source_gates() -> list[tuple[str, np.ndarray, str, list[float], float]]:
    """(name, table, measure, atoms R U1 U2 S, tolerance) of every case that a measure of ours answers."""
    published = [
        (case["name"], table(case), measure.lower(), atoms, PRINTED)
        for case in CASES["published"]
        for measure, atoms in case["expected"].items()
    ]
    unit_tests = [
        (case["name"], table(case), case["measure"].lower(), case["expected"], max(case["atol"], 1e-6))
        for case in CASES["dit_unit_tests"]
        if case["measure"] in ("I_min", "I_mmi", "I_broja", "I_ccs")
    ]
    drawn = [
        (f"{case['shape']} {case['k']}", random_table(case), measure.lower(), atoms, 1e-6)
        for case in CASES["random"]["cases"]
        for measure, atoms in case["expected"].items()
    ]
    return published + unit_tests + drawn
