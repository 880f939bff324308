"""Files and functions stay short enough to be read in one go."""

import ast
from pathlib import Path
from statistics import median

import pytest

PACKAGE = Path(__file__).parents[1] / "pidnet"
MODULES = sorted(PACKAGE.rglob("*.py"))
ROOT = PACKAGE.parent
OTHERS = sorted(path for room in ("benchmarks", "examples", "tests") for path in (ROOT / room).rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION, MEDIAN_FUNCTION = 300, 40, 8


def lengths(source: str) -> dict[str, int]:
    """Function -> lines of its body, the docstring apart."""
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            found[f"{node.name}:{node.lineno}"] = lines
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_and_functions_are_short(path):
    source = path.read_text()
    assert len(source.splitlines()) <= LONGEST_FILE
    assert not {name: n for name, n in lengths(source).items() if n > LONGEST_FUNCTION}


@pytest.mark.parametrize("path", OTHERS, ids=lambda p: str(p.relative_to(ROOT)))
def test_benchmarks_examples_and_tests_are_short_files(path):
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


def test_half_of_the_functions_have_at_most_eight_lines():
    assert median(n for path in MODULES for n in lengths(path.read_text()).values()) <= MEDIAN_FUNCTION
