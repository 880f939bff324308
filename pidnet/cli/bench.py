"""`pidnet bench`."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from pidnet.cli.output import AsJson, print_json, show


def bench(
    name: Annotated[str | None, typer.Argument(help="The benchmark to start; none lists them.")] = None,
    arguments: Annotated[list[str] | None, typer.Argument(help="What the benchmark itself takes.")] = None,
    checkout: Annotated[Path, typer.Option(help="A checkout of pidnet.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """The benchmarks of a checkout of pidnet: list them, or start one. They take minutes.

    The exit code is that of the benchmark.
    """
    known = _benchmarks(checkout)
    if name is None:
        rows = [{"benchmark": stem, "what it measures": words} for stem, words in known.items()]
        print_json(rows) if as_json else show("pidnet bench NAME", rows)
        return
    if name not in known:
        raise ValueError(f"no benchmark {name!r}; {checkout.resolve()} has {', '.join(known)}")
    done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *(arguments or [])], cwd=checkout)
    raise typer.Exit(done.returncode)


def _benchmarks(checkout: Path) -> dict[str, str]:
    """Name -> first sentence, of the scripts in benchmarks/ that can be started."""
    found = {}
    for path in sorted((checkout / "benchmarks").glob("*.py")):
        source = path.read_text(encoding="utf-8")
        if "__main__" in source:
            found[path.stem] = (ast.get_docstring(ast.parse(source)) or "").split("\n")[0]
    if not found:
        raise FileNotFoundError(
            f"{checkout.resolve()} holds no benchmarks; they do not ship with the package: clone pidnet and "
            "name the clone with --checkout"
        )
    return found
