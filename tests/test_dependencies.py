"""What the package declares that it needs (fault F10): each requirement once, extras that add something, imports all declared."""

import ast
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import torch
from packaging.requirements import Requirement

import pidnet as pn
from pidnet.energy.measured import nvml_counters

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# Packages whose modules have another name.
MODULES = {"scikit-learn": "sklearn", "nvidia-ml-py": "pynvml"}
OF_NUMBA = {"llvmlite"}

DATA = torch.eye(40), torch.arange(40) % 2
CODES = pn.quantize(pn.Activations({"fc1": DATA[0]}, DATA[1], {"fc1": "none"}), 2)
# What says that an extra is missing: (extra, module that it brings, a call). The page says it in its text
# (tests/report), dit's measures beside the reason (tests/measures); a cluster is connected by its user.
NEEDED = {
    "map": ("store", "zarr", lambda path: pn.layer_maps(CODES, "i_min", store=path)),
    "codes": (
        "store",
        "zarr",
        lambda path: pn.capture_codes(pn.zoo.mlp(40, (40,), 2), DATA, CODES, store=path),
    ),
    "open": ("store", "zarr", pn.Codes.load),
    "data": ("mnist1d", "mnist1d", lambda path: pn.datasets.load("mnist1d")),
    "counter": ("nvml", "pynvml", lambda path: nvml_counters()),
    "trainer": (
        "transformers",
        "transformers",
        lambda path: pn.integrations.trainer_callback(pn.Recorder(DATA)),
    ),
}


def declared(project: Mapping) -> dict[str, list[str]]:
    """Core, extras and groups -> their requirements, without references to each other."""
    extras, groups = project["project"]["optional-dependencies"], project["dependency-groups"]
    lists = {"core": project["project"]["dependencies"], **extras, **groups}
    return {name: [one for one in each if not one.startswith("pidnet[")] for name, each in lists.items()}


def bounds(project: Mapping) -> dict[str, set[str]]:
    """Package -> the versions that are asked of it, all over the file."""
    found: dict[str, set[str]] = {}
    for requirement in (Requirement(one) for each in declared(project).values() for one in each):
        found.setdefault(requirement.name, set()).add(str(requirement.specifier))
    return found


def repeated(project: Mapping) -> list[str]:
    """Packages that one list holds twice, or that an extra asks for although the core brings them."""
    names = {place: [Requirement(one).name for one in each] for place, each in declared(project).items()}
    twice = [name for each in names.values() for name in set(each) if each.count(name) > 1]
    extras = project["project"]["optional-dependencies"]
    return twice + [name for extra in extras for name in names[extra] if name in names["core"]]


def imported(path: Path) -> Iterator[str]:
    """The packages that a file imports, when it is imported itself or later."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def test_a_package_has_one_bound_and_stands_in_one_list():
    assert not {name: found for name, found in bounds(PROJECT).items() if len(found) > 1}
    assert not repeated(PROJECT)


def test_a_second_bound_and_an_extra_without_effect_are_noticed():
    broken = {
        "project": {
            "dependencies": ["dit>=2.3", "pandas>=2.2"],
            "optional-dependencies": {"tables": ["pandas>=2.2"], "train": ["lightning>=2.4"]},
        },
        "dependency-groups": {"dev": ["lightning>=2.5"]},
    }
    assert bounds(broken)["lightning"] == {">=2.4", ">=2.5"}
    assert repeated(broken) == ["pandas"]


@pytest.mark.parametrize("extra", PROJECT["project"]["optional-dependencies"])
def test_an_extra_brings_a_package(extra):
    assert declared(PROJECT)[extra]


def test_the_core_is_what_the_package_imports():
    files = (ROOT / "pidnet").rglob("*.py")
    found = {name for path in files for name in imported(path)} - sys.stdlib_module_names - {"pidnet"}
    names = {place: {Requirement(one).name for one in each} for place, each in declared(PROJECT).items()}
    modules = {
        place: {MODULES.get(name, name.replace("-", "_")) for name in each} for place, each in names.items()
    }
    assert not modules["core"] - found, "declared, but imported nowhere"
    assert not found - set().union(*modules.values()) - OF_NUMBA, "imported, but not declared"


@pytest.mark.parametrize(("extra", "module", "call"), NEEDED.values(), ids=NEEDED)
def test_what_needs_an_extra_names_it_in_a_sentence(extra, module, call, tmp_path, monkeypatch):
    for name in [module, *(name for name in sys.modules if name.startswith(f"{module}."))]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=rf"pip install 'pidnet\[{extra}\]'$") as caught:
        call(tmp_path)
    assert len(str(caught.value)) < 160
    assert not list(tmp_path.iterdir())
