"""What a reader finds in the notebooks without running them; that they run is nbmake's part of ``make test``."""

import ast
import re
from pathlib import Path
from runpy import run_path

import nbformat
import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
CLASSES = [path for path in NOTEBOOKS if path.name[0].isdigit()]
SOLUTION = re.compile(r"<details><summary>Solution</summary>\n\n(.*?)\n</details>", re.DOTALL)


def cells(path, kind):
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == kind]


def test_the_classes_stand_in_order():
    numbers = [path.name[0] for path in CLASSES]
    assert numbers[:7] == list("1234567")
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_outputs_are_kept_and_come_from_one_run_in_order(path):
    code = cells(path, "code")
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 2
    assert not [
        output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_light_and_names_no_machine(path):
    text = path.read_text(encoding="utf-8")
    assert len(text) < 1_000_000
    assert not re.findall(r"/(?:home|root|work|tmp|Users)/", text)


@pytest.mark.parametrize("path", CLASSES, ids=lambda path: path.stem)
def test_a_class_has_a_question_predictions_solutions_and_references(path):
    text = "\n".join(cell.source for cell in cells(path, "markdown"))
    for part in (
        "**The question of this class.**",
        "| minutes |",
        "*Predict first:*",
        "**References.**",
        "**Limits",
    ):
        assert part in text, part
    solutions = SOLUTION.findall(text)
    assert len(solutions) == len(re.findall(r"\*\*Exercise \d", text)) >= 4
    for solution in solutions:
        for code in re.findall(r"```python\n(.*?)```", solution, re.DOTALL):
            ast.parse(code)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_between_files_lead_somewhere(path):
    text = "\n".join(cell.source for cell in cells(path, "markdown"))
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (FOLDER / link).exists(), link
    for named in re.findall(r"`(benchmarks/results/[\w.]+)`", text):
        assert (FOLDER.parent / named).exists(), named


@pytest.mark.parametrize(
    ("stored", "ran", "tags", "count"),
    [
        ("a 1.0\nb 1,234\n", "a 1.01\n\nb 1,233\n", [], 0),
        ("a 1.0\n", "a 1.5\n", [], 1),
        ("a 1.0\n", "a 1.5\n", ["timed"], 0),
        ("a 1.0\n", "c 1.0\n", ["timed"], 1),
        ("one line\n", "", [], 2),
    ],
)
def test_text_that_a_cell_no_longer_prints_is_found(stored, ran, tags, count):
    def cell(text):
        output = nbformat.v4.new_output("stream", name="stdout", text=text)
        return nbformat.v4.new_code_cell(outputs=[output], metadata={"tags": tags})

    differences = run_path(str(FOLDER / "conftest.py"))["differences"]
    assert len(differences(cell(stored), cell(ran))) == count
