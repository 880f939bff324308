"""No relative link of a page leads nowhere. Sphinx checks the links of the site, which it builds with warnings as errors."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), ROOT / "benchmarks/README.md", ROOT / "examples/README.md"])
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s]+)\)")


def targets(page: Path) -> list[str]:
    """What the relative links of a page name, code apart."""
    text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return LINK.findall(text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page):
    assert [name for name in targets(page) if not (page.parent / name.partition("#")[0]).exists()] == []


def test_there_are_links_to_look_at():
    assert sum(len(targets(page)) for page in PAGES) > 10


def test_references_lead_where_they_say():
    text = (ROOT / "docs" / "references.md").read_text(encoding="utf-8")
    links = re.findall(r"\[(doi|arXiv):(.+?)\]\((.+?)\)", text)
    where = {"doi": "https://doi.org/", "arXiv": "https://arxiv.org/abs/"}
    shape = {"doi": r"10\.\d{4,}/\S+", "arXiv": r"(\d{4}\.\d{4,5}|[a-z]+/\d{7})"}
    assert len(links) > 40
    assert [name for kind, name, link in links if link != where[kind] + name] == []
    assert [name for kind, name, _ in links if not re.fullmatch(shape[kind], name)] == []


def test_one_file_holds_the_address_of_the_project():
    address = "github.com/" + "pidnet"
    pages = [
        *ROOT.glob("*.*"),
        *(ROOT / "docs").glob("*.*"),
        *(ROOT / "pidnet").rglob("*.*"),
        *ROOT.glob(".github/**/*.*"),
    ]
    texts = [
        path
        for path in pages
        if path.suffix in {".md", ".py", ".toml", ".cff", ".yml", ".rst", ".txt", ".j2"}
    ]
    assert [path.name for path in texts if address in path.read_text(encoding="utf-8")] == ["pyproject.toml"]
