"""The built site has no dead link, every file and every anchor that a page names is there, and each page has a title.

python .ci/links.py SITE, run by ``make docs``.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The anchors of a page, and what it links to."""

    def __init__(self, path: Path):
        super().__init__()
        self.anchors, self.links, self.titled = {""}, [], False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.titled |= tag == "h1"
        self.anchors |= {found.get("id"), found.get("name")}
        self.links += [found[name] for name in ("href", "src") if found.get(name)]


def dead_links(site: Path) -> list[str]:
    pages = {path.resolve(): Page(path) for path in site.rglob("*.html")}
    dead = []
    for path, page in pages.items():
        for link in map(urlsplit, page.links):
            if link.scheme or link.netloc:
                continue
            target = (path.parent / unquote(link.path)).resolve() if link.path else path
            known = pages[target].anchors if target in pages else {unquote(link.fragment)}
            if not target.exists() or unquote(link.fragment) not in known:
                dead.append(f"{path.relative_to(site.resolve())}: {link.geturl()}")
    return dead


def untitled(site: Path) -> list[str]:
    """Pages without a heading, which a table of contents cannot name."""
    pages = (path for path in site.rglob("*.html") if path.name != "search.html" and not Page(path).titled)
    return [f"{path.relative_to(site)}: no title" for path in pages]


if __name__ == "__main__":
    found = dead_links(Path(sys.argv[1])) + untitled(Path(sys.argv[1]))
    print("\n".join(found), end="\n" * bool(found))
    sys.exit(bool(found))
