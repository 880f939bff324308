"""Codes, information plane, collapse and training in a run folder: they come back, and go with what they belong to."""

import numpy as np
import pytest
import torch

import pidnet as pn
from pidnet.runs import read_run, write_maps, write_run, write_sections, write_settings


@pytest.fixture(scope="module")
def made():
    """A network after a training, and what was found in it."""
    torch.manual_seed(0)
    x = torch.randn(120, 4)
    y = (x[:, 0] > 0).long()
    net, recorder = pn.zoo.mlp(4, (5,), 2), pn.Recorder((x, y), ["fc1"])
    for epoch in pn.training.train_epochs(net, x, y, epochs=2):
        recorder(net, epoch)
    acts = pn.capture(net, (x, y), ["fc1"])
    codes = pn.quantize(acts, 3)
    return {
        "codes": codes,
        "maps": pn.layer_maps(codes, "i_min"),
        "plane": pn.information_plane(net, (x, y)),
        "collapse": {"a/b": pn.neural_collapse(acts.layers["fc1"], y)},
        "training": recorder,
    }


def test_all_comes_back(made, tmp_path):
    found = read_run(
        write_run(tmp_path, made["maps"], **{k: v for k, v in made.items() if k != "maps"})
    ).sections
    assert torch.equal(found.codes.layers["fc1"].values, made["codes"].layers["fc1"].values)
    assert str(found.plane) == str(made["plane"])
    assert repr(found.collapse["a/b"]) == repr(made["collapse"]["a/b"])
    assert [row["step"] for row in found.training] == [1, 1, 1, 2, 2, 2]
    shares = [row["value"] for row in found.training if row["quantity"] == "synergy"]
    np.testing.assert_allclose(shares, [one.shares["synergy"][0] for one in made["training"].profiles])


def test_codes_go_with_the_maps_that_were_made_of_them(made, tmp_path):
    write_settings(tmp_path, "map", {})
    write_maps(tmp_path, list(made["maps"].values()))
    write_sections(tmp_path, "map", codes=made["codes"], plane=made["plane"])
    assert read_run(tmp_path).sections.codes is not None
    write_maps(tmp_path, list(made["maps"].values()))
    found = read_run(tmp_path).sections
    assert found.codes is None
    assert found.plane is not None
    assert not (tmp_path / "codes.npz").exists()


def test_planes_over_a_training_are_rows_of_their_quantities(made, tmp_path):
    recorder = pn.Recorder((torch.zeros(2, 4), torch.arange(2)))
    recorder.steps, recorder.snapshots = [3], [made["plane"]]
    rows = read_run(write_run(tmp_path, training=recorder)).sections.training
    assert rows[0] == {
        "step": 3,
        "layer": "fc1",
        "quantity": "I(X;T)",
        "value": None,
        "low": None,
        "high": None,
    }
    recorder.snapshots = ["words"]
    with pytest.raises(ValueError, match="the recorder holds a str of each step"):
        write_run(tmp_path, training=recorder)


def test_a_penalty_and_a_stopper_are_rows_beside_the_profiles(made, tmp_path):
    x = torch.randn(60, 4)
    y = (x[:, 0] > 0).long()
    net, stopper = (
        pn.zoo.mlp(4, (8,), 2),
        pn.training.Stopper((x, y), None, watch=["loss_plateau", "prediction_changes"]),
    )
    with pn.training.Foldable(net, keep=(0.25,), weight=0.1) as penalty:
        for epoch in pn.training.train_epochs(net, x, y, epochs=4, batch=16, penalty=penalty):
            stopper(net, epoch)
    rows = read_run(write_run(tmp_path, training=[made["training"], stopper, penalty])).sections.training
    by_quantity = {}
    for row in rows:
        by_quantity.setdefault(row["quantity"], []).append(row)
    assert list(by_quantity) == [
        "redundancy",
        "unique_sum",
        "synergy",
        "loss",
        "changes",
        "unsaid with 0.25 of the units",
    ]
    assert [row["value"] for row in by_quantity["loss"]] == pytest.approx(
        stopper.history.column("loss").tolist()
    )
    assert by_quantity["changes"][0]["value"] is None
    unsaid = by_quantity["unsaid with 0.25 of the units"]
    assert [(row["step"], row["value"]) for row in unsaid] == [
        (row["progress"], row["unsaid"]) for row in penalty.history
    ]
    drawn = pn.plots.plot_unexplained(penalty).axes[0].lines[0]
    assert drawn.get_ydata().tolist() == [row["unsaid"] for row in penalty.history]


def test_a_penalty_without_a_plan_is_not_drawn():
    with (
        pn.training.Foldable(pn.zoo.mlp(4, (8,), 2)) as penalty,
        pytest.raises(ValueError, match="the penalty has made no plan yet; train with it first"),
    ):
        pn.plots.plot_unexplained(penalty)
