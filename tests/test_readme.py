"""The examples of the README and of the documentation run, in order; the README prints what it shows."""

import re
import tomllib
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import pidnet as pn

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted((ROOT / "docs").glob("*.md"))
NUMBER = re.compile(r"-?\d[\d,]*\.?\d*")


def blocks(page: str) -> list[tuple[str, str]]:
    """Code of a page, each with the output that is shown below it, if any."""
    return re.findall(r"```python\n(.*?)```(?:\n\n```(?:text)?\n(.*?)```)?", page, re.DOTALL)


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.stem)
def test_examples_run_and_print_what_the_page_shows(page, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a page may write a folder
    namespace = {}
    for code, shown in blocks(page.read_text(encoding="utf-8")):
        exec(code, namespace)
        printed = capsys.readouterr().out
        # Training differs in the last digits between processors, and not every machine has an energy counter.
        lines = shown.split("Measured energy")[0].splitlines()
        assert len(lines) <= len(printed.splitlines())
        for line, real in zip(lines, printed.splitlines(), strict=False):
            assert NUMBER.sub("#", line).split() == NUMBER.sub("#", real).split()
            numbers, real_numbers = (
                [float(n.replace(",", "")) for n in NUMBER.findall(t)] for t in (line, real)
            )
            assert real_numbers == pytest.approx(numbers, rel=0.1, abs=0.02)


def test_the_readme_has_its_four_examples_and_the_measure():
    found = blocks(README)
    assert len(found) == 5
    assert all(shown for _, shown in found[:4])


def test_its_picture_is_there():
    for path in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (ROOT / path).is_file()


def test_every_public_name_is_in_the_reference():
    """The page of the API lists rooms; a room's page has what the room lists in ``__all__``."""
    rooms = re.findall(r"^   (pidnet\.[\w.]+)$", (ROOT / "docs" / "api.rst").read_text(), re.MULTILINE)
    listed = {id(getattr(module, name)) for module in map(import_module, rooms) for name in module.__all__}
    public = {name: getattr(pn, name) for name in pn.__all__}
    missing = [
        n for n, value in public.items() if not isinstance(value, ModuleType) and id(value) not in listed
    ]
    assert not missing


def test_its_links_are_absolute_on_the_page_of_a_package_index():
    """Also where the words of a link go on in the next line."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    page = README
    for change in project["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]:
        page = re.sub(change["pattern"], change["replacement"], page)
    assert page != README
    assert not re.findall(r"\]\((?!https?:)[^)]*\)", page)
