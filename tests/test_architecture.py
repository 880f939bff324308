"""Information flows one way: a module imports only what stands above it."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "pidnet"
ORDER = [
    "arguments",
    "choices",
    "names",
    "files",
    "optional",
    "printing",
    "progress",
    "plots",
    "execution",
    "datasets",
    "networks",
    "channels",
    "layers",
    "zoo",
    "activations",
    "codes",
    "tables",
    "measures",
    "estimators",
    "significance",
    "maps",
    "groups",
    "planes",
    "graph",
    "energy",
    "pruning",
    "training",
    "runs",
    "report",
    "integrations",
    "cli",
    "__main__",
]
IMPORT_NOTHING_OF_OURS = {
    "arguments",
    "choices",
    "names",
    "files",
    "optional",
    "printing",
    "progress",
    "plots",
}
MODULES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


def stage(path: Path) -> str:
    """The top-level module or folder that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_names(source: str, path: Path) -> set[str]:
    """Everything of pidnet that a source text imports, by full name."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; write the full name"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.startswith("pidnet.")}


def imported_stages(source: str, path: Path) -> set[str]:
    """Stages of pidnet named by the import statements of a source text."""
    return {name.split(".")[1] for name in imported_names(source, path)}


def private_elsewhere(names: set[str], path: Path) -> set[str]:
    """Imported names under a module with an underscore whose room is not one that holds the file."""
    here = (PACKAGE.name, *path.relative_to(PACKAGE).parts[:-1])
    foreign = set()
    for name in names:
        parts = name.split(".")
        hidden = [k for k, part in enumerate(parts) if part.startswith("_") and not part.startswith("__")]
        if hidden and tuple(parts[: hidden[0]]) != here[: hidden[0]]:
            foreign.add(name)
    return foreign


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_only_what_stands_above(path):
    here = stage(path)
    above = set() if here in IMPORT_NOTHING_OF_OURS else set(ORDER[: ORDER.index(here)])
    wrong = imported_stages(path.read_text(), path) - above - {here, "__version__"}
    assert not wrong, f"{here} imports {sorted(wrong)}, which do not stand above it"


def test_an_upward_import_is_noticed():
    assert imported_stages("def f():\n    from pidnet.graph import x", Path("maps.py")) == {"graph"}
    assert imported_stages("from pidnet import graph", Path("maps.py")) == {"graph"}


def test_every_stage_is_in_the_order():
    assert {stage(path) for path in MODULES} <= set(ORDER)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_with_an_underscore_stays_in_its_room(path):
    assert not private_elsewhere(imported_names(path.read_text(), path), path)


def test_a_private_import_is_noticed():
    names = {"pidnet.plots._figure.Shown", "pidnet.__version__"}
    assert not private_elsewhere(names, PACKAGE / "plots" / "maps.py")
    assert private_elsewhere(names, PACKAGE / "report" / "page.py") == {"pidnet.plots._figure.Shown"}


@pytest.mark.parametrize(("folder", "other"), [("tests", "benchmarks"), ("benchmarks", "tests")])
def test_tests_and_benchmarks_stand_alone(folder, other):
    """Neither imports the other; layers with known truth are public, in ``pidnet.datasets``."""
    for path in sorted((PACKAGE.parent / folder).rglob("*.py")):
        assert not re.search(rf"^(from|import) {other}\b", path.read_text(), re.MULTILINE), path
