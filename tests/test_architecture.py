"""Information flows one way: a module imports only what stands above it."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "pidnet"
ORDER = [
    "files",
    "optional",
    "printing",
    "plots",
    "execution",
    "datasets",
    "networks",
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
    "graph",
    "training",
    "energy",
    "pruning",
    "runs",
    "report",
    "integrations",
    "cli",
    "__main__",
]
IMPORT_NOTHING_OF_OURS = {"files", "optional", "printing", "plots", "execution", "datasets"}
MODULES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


def stage(path: Path) -> str:
    """The top-level module or folder that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_stages(source: str, path: Path) -> set[str]:
    """Stages of pidnet named by the import statements of a source text."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; write the full name"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("pidnet.")}


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
