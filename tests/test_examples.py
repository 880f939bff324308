"""Every example runs from a clean folder, prints something, draws something, has a title and at most 40 lines of code."""

import ast
import contextlib
import io
import re
import runpy
from importlib.metadata import requires
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))
NEEDS = {"hugging_face": "transformers"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(path, tmp_path, monkeypatch):
    if path.stem in NEEDS and find_spec(NEEDS[path.stem]) is None:
        pytest.skip(f"{NEEDS[path.stem]} is not installed")
    monkeypatch.chdir(tmp_path)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        runpy.run_path(str(path), run_name="__main__")
    assert printed.getvalue()
    assert (tmp_path / f"{path.stem}.png").exists(), "the gallery shows a figure of each"


def test_no_example_is_taken_for_a_library():
    """Python looks for modules beside the script that it runs: pandas would import an example called bottleneck."""
    wanted = {
        re.match(r"[\w-]+", line)[0].lower() for name in ("pandas", "xarray") for line in requires(name)
    }
    assert "bottleneck" in wanted
    assert not wanted & {path.stem for path in EXAMPLES}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_short(path):
    text = path.read_text()
    title = ast.parse(text).body[0]
    assert re.match(r'"""\n(.+)\n=+\n\n', text), "the gallery needs a title over what there is to see"
    assert len(text.splitlines()) - title.end_lineno <= 40
