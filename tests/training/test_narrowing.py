"""Cutting in mid-training: which weights, which schedule, and what is counted."""

import copy

import pytest
import torch

import pidnet as pn
from pidnet.pruning import rewind
from pidnet.training import _moments, cutting, train_epochs, train_narrowing
from pidnet.training.cutting import cut_counted


@pytest.fixture(scope="module")
def data(digits):
    return digits.x_train[:300], digits.y_train[:300]


def network():
    torch.manual_seed(0)
    return pn.zoo.mlp(64, (24, 16), 10)


def test_macs_are_those_of_three_passes_and_of_the_cut(data):
    found = train_narrowing(network(), data, 0.25, epochs=4, cuts=(0.25,), criterion="l1", repair="none")
    dense, small = 64 * 24 + 24 * 16 + 160, 64 * 6 + 6 * 4 + 40
    assert [phase.epochs for phase in found.phases] == [1, 3]
    assert found.dense_macs == 3 * 300 * 4 * dense
    cutting = found.phases[1].cutting_macs
    assert found.training_macs == 3 * 300 * (dense + 3 * small) + cutting
    assert 300 * dense < cutting < 6 * 300 * dense
    bytes_read = 4 * (dense + 24 + 16 + 10), 4 * (small + 6 + 4 + 10)
    assert [phase.counts.weight_bytes for phase in found.phases] == list(bytes_read)
    dear = [pn.energy.total(pn.energy.modelled_energy(phase.counts)).dram for phase in found.phases]
    by_hand = 3 * 300 * (dear[0] + 3 * dear[1]) + cutting * dear[0] / dense
    assert found.joules("dram").small == pytest.approx(by_hand)
    assert found.joules("dram").dense == pytest.approx(3 * 300 * 4 * dear[0])
    assert sum(row["MACs of training"] for row in found.rows()) == found.training_macs - cutting
    assert [row["units"] for row in found.rows()] == [40, 10]


def test_the_closed_form_pays_for_its_elimination(data, monkeypatch):
    found = cut_counted(network(), data, 0.25, "obs").macs
    monkeypatch.setattr(cutting, "SWEEPING", ())
    without = cut_counted(network(), data, 0.25, "obs").macs
    assert found - without == 2 * 24 * (24 + 16) ** 2 + 2 * 16 * (16 + 10) ** 2


def test_plans_of_several_cuts_are_numbered_as_the_dense_network(data):
    net = network()
    options = {"criterion": "l2", "repair": "none", "rate": 1e-30}
    found = train_narrowing(net, data, 0.25, epochs=4, cuts=(0.25, 0.5), **options)
    assert [plan.widths for plan in found.plans] == [{"fc1": 12, "fc2": 8}, {"fc1": 6, "fc2": 4}]
    assert found.plans[1].units == {"fc1": 24, "fc2": 16}
    assert set(found.plans[1].kept["fc1"]) < set(found.plans[0].kept["fc1"])
    same = rewind(net, found.plans[1], data)
    torch.testing.assert_close(found.model.state_dict(), same.state_dict())


def test_the_dense_phase_begins_the_whole_schedule_and_the_small_one_has_its_own(data):
    net = network()
    found = train_narrowing(
        net, data, 1.0, epochs=3, cuts=(0.3,), criterion="l1", repair="none", decay=(0.5, 2.0)
    )
    byhand = copy.deepcopy(net)
    next(iter(train_epochs(byhand, *data, epochs=3, decay=0.5, seed=0)))
    list(train_epochs(byhand, *data, epochs=2, decay=2.0, seed=1))
    assert torch.equal(found.model.fc1.weight, byhand.fc1.weight)
    assert not found.model.training
    assert torch.equal(net.fc1.weight, network().fc1.weight)


def test_the_small_network_may_be_trained_longer(data):
    options = {"epochs": 2, "criterion": "l2"}
    found = train_narrowing(network(), data, 0.25, last=5, **options)
    assert [phase.epochs for phase in found.phases] == [1, 5]
    once = train_narrowing(network(), data, 0.25, **options)
    assert found.dense_macs == once.dense_macs
    assert found.training_macs - once.training_macs == 3 * 300 * 4 * (64 * 6 + 6 * 4 + 40)


def test_a_penalty_is_part_of_the_dense_phase_and_of_its_energy(data):
    options = {"epochs": 4, "criterion": "l2"}
    plain = train_narrowing(network(), data, 0.25, **options)
    made = []

    def penalty(net):
        made.append(pn.training.Foldable(net, keep=(0.25,), weight=1.0))
        return made[-1]

    found = train_narrowing(network(), data, 0.25, penalty=penalty, **options)
    assert [phase.penalty_macs for phase in found.phases] == [made[0].macs, 0]
    assert found.training_macs - plain.training_macs == made[0].macs > 0
    assert not torch.equal(found.model.fc1.weight, plain.model.fc1.weight)
    assert found.joules().small > plain.joules().small
    assert "MACs of penalty" in repr(found)
    assert "penalty" not in repr(plain)
    assert not found.model.fc1._forward_hooks


@pytest.mark.parametrize(("least", "after"), [(1.0, 3), (-1e9, 7)])
def test_the_moment_is_found_by_looks_that_are_paid_for(data, monkeypatch, least, after):
    """With any fall too small the second look ends it, with none too small the last one does."""
    monkeypatch.setattr(_moments, "LEAST_FALL", least)
    options = {"epochs": 8, "criterion": "l2", "calibration": 100}
    found = train_narrowing(network(), data, 0.25, cuts="auto", **options)
    assert [phase.epochs for phase in found.phases] == [after, 8 - after]
    assert found.model.fc1.out_features == 6
    once = train_narrowing(network(), data, 0.25, cuts=(after / 8,), **options).phases[1].cutting_macs
    looks = after - 1
    assert 0.5 * looks * once < found.phases[1].cutting_macs < 1.2 * looks * once


def test_it_prints_and_draws_what_was_spent(data):
    found = train_narrowing(network(), data, 0.25, epochs=2, criterion="l2")
    text = repr(found).splitlines()
    assert text[0] == "Narrowed to 10 of 40 units; its training took"
    assert f"{found.macs.kept:.1%} of the MACs" in text[1]
    drawn = found.plot().axes[0].lines[1].get_ydata()
    assert drawn[-1] == pytest.approx(found.macs.kept)
    assert repr(found.phases[0]) == "Phase of 1 epoch with 2,080 MACs per sample"
    with pytest.raises(ValueError, match="where='disk'; expected 'sram' or 'dram'"):
        found.joules("disk")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"cuts": (0.5, 1.0)}, r"cuts=\(0.5, 1.0\); expected shares of the epochs between 0 and 1"),
        ({"cuts": ()}, r"cuts=\(\); expected shares"),
        ({"cuts": (0.6, 0.3)}, "are epochs 2, 1; expected ascending ones with an epoch before"),
        ({"cuts": (0.1,)}, "are epochs 0; expected ascending ones"),
        ({"cuts": "late"}, "cuts='late'; expected shares of the epochs between 0 and 1, or 'auto'"),
        ({"rate": 0.0}, "epochs=3, rate=0.0; expected at least two epochs and a rate above 0"),
        ({"last": 0}, "last=0; expected at least one epoch after the last cut"),
        ({"calibration": 1}, "calibration=1; expected at least 10 samples"),
        ({"keep": 0.0}, "the budget keep=0.0 is not a share above 0"),
        ({"criterion": "best"}, "unknown criterion 'best'"),
        ({"repair": "glue"}, "unknown repair 'glue'"),
        ({"seed": -1}, "seed=-1; expected 0 or more"),
        ({"layers": ["fc9"]}, "no such layer to cut: 'fc9'"),
    ],
)
def test_bad_input_is_told_in_one_sentence(data, wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        train_narrowing(network(), data, **{"keep": 0.5, "epochs": 3} | wrong)


def test_a_network_of_another_width_is_told(data):
    with pytest.raises(
        ValueError, match=r"the model does not run on inputs of shape \(2, 64\): .*; pass inputs"
    ):
        train_narrowing(pn.zoo.mlp(8, (4,), 10), data, 0.5)
