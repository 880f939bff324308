"""Progress where no terminal shows a bar: lines of their own, and none where the work is short."""

import pytest
import torch
from torch import nn

import pidnet as pn
from pidnet import progress


def test_a_log_file_gets_whole_lines(capsys, monkeypatch):
    monkeypatch.setattr(progress, "QUIET", 0)
    assert list(progress.shown(range(3), "layers", unit="layer")) == [0, 1, 2]
    lines = capsys.readouterr().err.split("\n")
    assert len(lines) > 3
    assert lines.pop() == ""
    assert all(line.startswith("layers: ") and "\r" not in line for line in lines)
    assert any("2/3" in line for line in lines)


def test_counting_without_steps(capsys, monkeypatch):
    monkeypatch.setattr(progress, "QUIET", 0)
    with progress.shown(doing="fc1", total=10, unit="pair") as counted:
        counted.update(5)
    assert "5/10" in capsys.readouterr().err


def test_what_is_short_says_nothing(capsys):
    assert len(list(progress.shown(range(100), "layers"))) == 100
    assert capsys.readouterr().err == ""


def test_a_bar_below_another_moves_no_cursor_in_a_log_file(capsys, monkeypatch):
    monkeypatch.setattr(progress, "QUIET", 0)
    for _ in progress.shown(range(2), "layers"):
        assert list(progress.shown(range(3), "line\nbreak")) == [0, 1, 2]
    assert "\x1b" not in (said := capsys.readouterr().err)
    assert "line break: " in said


def test_an_endless_loader_shows_that_it_is_being_read(capsys, monkeypatch):
    def endless():
        while True:
            yield torch.zeros(5, 8), torch.zeros(5).long()
            if "reading the data" in capsys.readouterr().err:
                raise KeyboardInterrupt

    monkeypatch.setattr(progress, "QUIET", 0)
    with pytest.raises(KeyboardInterrupt):
        pn.plan_pruning(nn.Linear(8, 3), endless(), keep=0.5)
