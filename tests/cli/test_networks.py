import os
import sys

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from pidnet.cli import app
from pidnet.cli._networks import find_model
from pidnet.cli._samples import find_data


class Evil:
    """Unpickling it makes a folder."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def test_a_network_and_a_function_that_returns_one(at):
    assert [type(find_model(at(name))).__name__ for name in ("ready", "network")] == ["Net", "Net"]
    assert not find_model(at("network")).training


def test_a_module_beside_the_user_is_found(mine, monkeypatch):
    monkeypatch.chdir(mine)
    monkeypatch.setattr("sys.path", ["/nowhere"])
    assert type(find_model("mine:network")).__name__ == "Net"


@pytest.mark.parametrize("ending", ["safetensors", "pt"])
def test_weights_are_loaded(at, mine, ending):
    plain, loaded = find_model(at("network")), find_model(at("network"), mine / f"weights.{ending}")
    x, y = find_data(at("samples"), 300).calibration
    right = [(model(x).argmax(1) == y).float().mean() for model in (plain, loaded)]
    assert right[0] < 0.8 < right[1]


@pytest.mark.parametrize("ending", ["safetensors", "pt"])
@pytest.mark.parametrize("kept", [0, 100, 300])
def test_broken_weights(at, mine, tmp_path, ending, kept):
    broken = tmp_path / f"broken.{ending}"
    broken.write_bytes((mine / f"weights.{ending}").read_bytes()[:kept] or b"hello")
    with pytest.raises(ValueError, match="holds no plain weights, and nothing is unpickled: broken"):
        find_model(at("network"), broken)


def test_a_checkpoint_with_the_weights_inside(at, mine, tmp_path):
    torch.save({"model": torch.load(mine / "weights.pt"), "epoch": 3}, tmp_path / "checkpoint.pt")
    with pytest.raises(ValueError, match=r"holds model, epoch; .* save checkpoint\['model'\] by itself"):
        find_model(at("network"), tmp_path / "checkpoint.pt")


def test_a_folder_is_no_weights(at, tmp_path):
    with pytest.raises(FileNotFoundError, match="is no file; expected"):
        find_model(at("network"), tmp_path)


def test_weights_that_a_function_draws_follow_the_seed(at):
    first, again, other = (find_model(at("drawn"), seed=seed).first.weight for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_file_finds_the_modules_beside_it(tmp_path):
    (tmp_path / "beside_the_file.py").write_text("from torch import nn\nnet = nn.Linear(2, 2)\n")
    (tmp_path / "user.py").write_text("from beside_the_file import net\n")
    assert isinstance(find_model(f"{tmp_path / 'user.py'}:net"), nn.Linear)


@pytest.mark.parametrize(
    ("name", "message"),
    [("fails", "calling .*:fails failed: ZeroDivisionError: division by zero"), ("1", "has no '1'")],
)
def test_functions_that_fail(at, name, message):
    for find in (find_model, lambda source: find_data(source, 50)):
        with pytest.raises(ValueError, match=message):
            find(at(name))


def test_a_file_that_is_no_python(tmp_path):
    (tmp_path / "broken.py").write_text("def f(:")
    with pytest.raises(ValueError, match="failed: SyntaxError"):
        find_model(f"{tmp_path / 'broken.py'}:f")


def test_inputs_with_names(at):
    whole = find_data(at("samples"), 300).calibration[0]
    for name in ("named", "named_batches"):
        x, y = find_data(at(name), 70).calibration
        assert torch.equal(x["values"], whole[:70])
        assert len(y) == 70


@pytest.mark.parametrize("ending", ["safetensors", "pt"])
def test_nothing_is_unpickled(at, tmp_path, ending):
    torch.save({"weights": Evil(tmp_path / "made")}, tmp_path / f"evil.{ending}")
    with pytest.raises(ValueError, match="nothing is unpickled"):
        find_model(at("network"), tmp_path / f"evil.{ending}")
    assert not (tmp_path / "made").exists()


def test_weights_of_another_network(at, tmp_path):
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "other.pt")
    with pytest.raises(ValueError, match=r"(?s)other.pt does not fit this Net: .*Missing key"):
        find_model(at("network"), tmp_path / "other.pt")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "no network at .* has no 'nothing'"),
        ("number", "is a int, not a network"),
        ("samples", "gives a tuple; expected an nn.Module"),
        ("wants", "wants arguments .* name a function that takes none"),
    ],
)
def test_what_is_no_network(at, name, message):
    with pytest.raises(ValueError, match=message):
        find_model(at(name))


@pytest.mark.parametrize("device", ["nothing", "meta", "cpu:x"])
def test_a_device_that_is_not_there(at, device):
    with pytest.raises(
        ValueError, match=f"--device {device} cannot be used here .*; leave it out for the CPU"
    ):
        find_model(at("network"), device=device)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("mine", "no network at 'mine' .no name after a colon"),
        ("no_such_module:net", "No module named"),
        ("no/such/file.py:net", "there is no file no/such/file.py"),
    ],
)
def test_places_that_do_not_exist(source, message):
    with pytest.raises(ValueError, match=message):
        find_model(source)


@pytest.mark.parametrize(
    ("name", "test"),
    [("samples", 0), ("parts", 100), ("loader", 0), ("arrays", 100), ("frames", 0), ("dataset", 0)],
)
def test_data_in_every_form(at, name, test):
    found = find_data(at(name), 150)
    whole = find_data(at("samples"), 300).calibration
    assert [torch.equal(part, full[:150]) for part, full in zip(found.calibration, whole, strict=True)] == [
        True
    ] * 2
    assert (0 if found.test is None else len(found.test[1])) == test


def test_a_named_data_set_in_both_shapes():
    assert find_data("digits", 50).calibration[0].shape == (50, 64)
    images = find_data("digits:images", 50)
    assert images.calibration[0].shape == (50, 1, 8, 8)
    assert images.test is not None


@pytest.mark.parametrize("name", ["network", "number"])
def test_what_is_no_data(at, name):
    with pytest.raises(ValueError, match="that is no data"):
        find_data(at(name), 50)


def test_an_unknown_data_set():
    with pytest.raises(ValueError, match="no data set 'digitz'; the known ones are digits, mnist"):
        find_data("digitz", 50)


def test_a_command_leaves_the_search_path_as_it_was(at, tmp_path):
    before = list(sys.path)
    arguments = ["energy", "--model", at("network"), "--shape", "6"]
    CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert sys.path == before
