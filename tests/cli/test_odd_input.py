"""Odd options, data and networks on the command line: one sentence, before the work."""

import io
import re
from types import SimpleNamespace

import pytest
from rich.console import Console

from pidnet import cli
from pidnet.cli import _output
from pidnet.cli._output import as_options

MINE = """
import sys

import numpy as np
import torch
from torch import nn

def network():
    return nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 3))

def data():
    return torch.zeros(100, 8), torch.arange(100) % 3

def ten():
    return torch.zeros(10, 8), torch.arange(10) % 3

def texts():
    return torch.zeros(100, 8), ["cat", "dog"] * 50

def array_of_texts():
    return torch.zeros(100, 8).numpy(), np.array(["cat", "dog"] * 50)

def batches_of_texts():
    return [(torch.zeros(2, 8), ("cat", "dog")) for _ in range(50)]

def leaves():
    sys.exit(0)

class Leaving(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(8, 3)

    def forward(self, x):
        sys.exit(0)

def leaving_loader():
    yield torch.zeros(2, 8), torch.arange(2)
    sys.exit(0)

def odd_names():
    made = nn.Sequential(nn.Linear(8, 6), nn.ReLU())
    made.add_module("a\\nb\\x1b[31m" + 60 * "c", nn.Linear(6, 3))
    return made
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with a user's file."""
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def ran(folder, monkeypatch, capsys):
    """A function that runs a command and gives its exit code and the lines of its output and errors."""

    def run(*words):
        monkeypatch.setattr("sys.argv", ["pidnet", *words])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        said = capsys.readouterr()
        return stopped.value.code, said.out.split("\n")[:-1], said.err.split("\n")[:-1]

    return run


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["map", "--seed", "-1"], "Invalid value for '--seed'"),
        (["prune", "--keep", "0.5", "--keep", "0.500000001"], "given twice"),
        (["map", "--layers", "0,,2"], "an empty name"),
        (["map", "--layers", ""], "an empty name"),
        (["plane", "--layers", ","], "an empty name"),
        (["map", "--seed", "99999999999999999999"], "Invalid value for '--seed'"),
        (["map", "--data", "digits:pictures"], "of digits there is digits and digits:images"),
        (["map", "--data", "mine.py:ten"], "take 20 or more, or --correction none, no --intervals"),
        (["prune", "--output", "tokens"], "--output tokens does not fit"),
        (["prune", "--macs", "0.0001"], "--macs 0.0001 leaves less than one unit"),
        (["energy", "--dtype", "fp8"], "name one of these as --dtype, or"),
        (["prune", "--repair", "magic"], "unknown repair 'magic'"),
        (["prune", "--out", ""], "an empty path"),
        (["energy", "--shape", "99999999999"], "at most 100,000,000"),
    ],
)
def test_odd_options_are_one_sentence_before_the_work(words, sentence, ran, folder):
    command, *options = words
    data = ["--shape", "8"] if command == "energy" else ["--data", "mine.py:data"]
    data = [] if data[0] in options else data
    code, _, said = ran(command, "--model", "mine.py:network", *data, *options)
    assert code == 2
    assert said[-1].startswith("pidnet: ")
    assert sentence in said[-1]
    assert {path.name for path in folder.iterdir()} <= {"mine.py"}


def test_arguments_of_python_are_said_as_options():
    named = {"seed": "--seed", "intervals": "--intervals"}
    parameters = [SimpleNamespace(name=name, opts=[option]) for name, option in named.items()]
    for sentence, said in {
        "seed=-1; expected": "--seed -1; expected",
        "leave out seed=, or take intervals=False": "leave out --seed, or take no --intervals",
        "there is no file seed=3/a or runs/seed=3": "there is no file seed=3/a or runs/seed=3",
        "give keep=0.5": "give keep=0.5",
    }.items():
        assert as_options(sentence, parameters) == said


@pytest.mark.parametrize("data", ["texts", "array_of_texts", "batches_of_texts"])
def test_labels_that_are_texts_are_refused_with_the_remedy(data, ran):
    code, _, said = ran("map", "--model", "mine.py:network", "--data", f"mine.py:{data}")
    assert code == 2
    assert "the labels are texts" in said[-1]
    assert "return_inverse" in said[-1]


@pytest.mark.parametrize(
    ("model", "data", "blamed"),
    [
        ("mine.py:leaves", "mine.py:data", "mine.py:leaves"),
        ("gone.py:network", "mine.py:data", "gone.py"),
        ("mine.py:Leaving", "mine.py:data", "Leaving"),
        ("mine.py:network", "gone.py:data", "gone.py"),
        ("mine.py:network", "mine.py:leaving_loader", "the data"),
    ],
)
def test_code_of_a_user_that_ends_python_does_not_look_like_success(model, data, blamed, ran, folder):
    (folder / "gone.py").write_text("raise SystemExit(0)")
    code, out, said = ran("map", "--model", model, "--data", data)
    assert code == 2
    assert out == []
    assert "SystemExit: 0" in said[-1]
    assert blamed in said[-1]


def test_a_name_shows_what_is_in_it_and_breaks_no_line(ran):
    _, out, said = ran("energy", "--model", "mine.py:odd_names", "--shape", "8")
    assert not [line for line in (*out, *said) if not line.isprintable()]
    (line,) = [line for line in out if "a\\nb\\x1b[31m" in line]
    assert 60 * "c" in line


def test_a_terminal_that_is_too_narrow_loses_neither_names_nor_figures(ran, monkeypatch):
    narrow = Console(force_terminal=True, width=80, no_color=True, file=io.StringIO())
    monkeypatch.setattr(_output, "console", narrow)
    ran("energy", "--model", "mine.py:odd_names", "--shape", "8")
    text = re.sub(r"\x1b\[\d*m", "", narrow.file.getvalue())
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    assert text.count("c") >= 60
