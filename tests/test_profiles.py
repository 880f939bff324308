from functools import partial

import numpy as np
import pytest
import torch

import pidnet as pn
from pidnet.measures.atoms import Atoms
from pidnet.profiles import ATOMS

I_MIN = partial(pn.layer_maps, measure="i_min", correction="none", null="none")


def layer(redundancy, unique1, unique2, synergy, units=3, measure="i_min"):
    pairs = np.array([(i, j) for i in range(units) for j in range(i + 1, units)])
    given = (redundancy, unique1, unique2, synergy, 0)
    atoms = Atoms(*(np.broadcast_to(np.asarray(part, float), len(pairs)).copy() for part in given))
    return pn.LayerMap("l", np.arange(units), pairs, atoms, measure, 100, np.ones(units))


def test_shares_are_sums_by_sums():
    found = pn.profile({"a": layer([1, 0, 0], 0, 0, [0, 1, 2]), "b": layer(0.2, 0.1, 0.3, 0.4)})
    assert found.layers == ("a", "b")
    assert found.shares["redundancy"] == pytest.approx([0.25, 0.2])
    assert found.shares["unique"] == pytest.approx([0, 0.4])
    assert found.shares["synergy"] == pytest.approx([0.75, 0.4])
    assert found.information == pytest.approx([4 / 3, 1])
    assert "0.25" in str(found)
    assert "95 % intervals over units" in str(found)
    assert list(found.to_pandas().synergy) == list(found.shares["synergy"])
    data = found.to_xarray()
    np.testing.assert_array_equal(data.high.sel(atom="unique"), found.high["unique"])
    assert data.share.sel(atom="synergy").dims == ("layer",)


def test_intervals_over_units_vanish_for_equal_pairs_and_hold_the_share():
    equal = pn.profile({"b": layer(0.2, 0.1, 0.3, 0.4, units=8)})
    rng = np.random.default_rng(0)
    mixed = pn.profile({"b": layer(rng.random(28), 0.1, 0.3, rng.random(28), units=8)})
    for atom in ATOMS:
        assert equal.high[atom] - equal.low[atom] == pytest.approx([0], abs=1e-12)
        assert mixed.low[atom][0] < mixed.shares[atom][0] < mixed.high[atom][0]


def test_units_drawn_again_cover_the_share_of_all_units():
    """Pairs worth a_i + a_j in redundancy: 95 % intervals from 60 of many units hold the true share."""
    rng, hits = np.random.default_rng(0), 0
    for seed in range(100):
        worth = rng.exponential(size=60)
        i, j = np.triu_indices(60, 1)
        found = pn.profile({"a": layer(worth[i] + worth[j], 0, 0, 2.0, units=60)}, seed=seed)
        hits += found.low["redundancy"][0] <= 0.5 <= found.high["redundancy"][0]
    assert 85 <= hits <= 99


def test_intervals_over_networks_are_students():
    runs = [{"a": layer(r, 0, 0, 1 - r)} for r in (0.2, 0.3, 0.7)]
    found = pn.profile(runs)
    half = 4.302653 * np.std([0.2, 0.3, 0.7], ddof=1) / 3**0.5
    assert found.shares["redundancy"] == pytest.approx([0.4])
    assert found.high["redundancy"] == pytest.approx([0.4 + half], rel=1e-6)
    assert found.interval == "3 networks"


def test_maps_that_do_not_compare_are_refused():
    with pytest.raises(ValueError, match="maps of 2 kinds"):
        pn.profile([{"a": layer(1, 0, 0, 0)}, {"b": layer(1, 0, 0, 0)}])
    with pytest.raises(ValueError, match="expected one kind"):
        pn.profile({})
    nothing = pn.profile({"a": layer(0, 0, 0, 0)})
    assert np.isnan(nothing.shares["synergy"]).all()


def test_a_recorder_follows_training(digits):
    torch.manual_seed(0)
    net = pn.zoo.mlp(64, (8, 6), 10)
    recorder = pn.Recorder((digits.x_test, digits.y_test), ["fc1", "fc2"], every=2, levels=3, maps=I_MIN)
    for epoch in pn.zoo.train_epochs(net, digits.x_train, digits.y_train, epochs=5):
        recorder(net, epoch)
    assert recorder.steps == [2, 4]
    assert recorder.profiles[1].information[1] > recorder.profiles[0].information[1]
    assert recorder.to_pandas().shape[0] == 4
    same = pn.zoo.train(fresh(), digits.x_train, digits.y_train, epochs=5)
    assert all(torch.equal(a, b) for a, b in zip(same.parameters(), net.parameters(), strict=True))


def fresh():
    torch.manual_seed(0)
    return pn.zoo.mlp(64, (8, 6), 10)


@pytest.mark.filterwarnings("ignore")
def test_a_recorder_is_a_lightning_callback_by_inheritance(digits, tmp_path):
    lightning = pytest.importorskip("pytorch_lightning")

    class Callback(pn.Recorder, lightning.Callback):
        pass

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = fresh()

        def forward(self, x):
            return self.net(x)

        def training_step(self, batch):
            return torch.nn.functional.cross_entropy(self(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=0.01)

    callback = Callback((digits.x_test, digits.y_test), ["net.fc1"], every=2, maps=I_MIN)
    data = torch.utils.data.TensorDataset(digits.x_train, digits.y_train)
    trainer = lightning.Trainer(
        max_epochs=4,
        callbacks=[callback],
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(Module(), torch.utils.data.DataLoader(data, 64))
    assert callback.steps == [2, 4]
    assert callback.profiles[1].information[0] > callback.profiles[0].information[0]


def test_a_recorder_records_at_least_each_epoch(digits):
    with pytest.raises(ValueError, match="every=0"):
        pn.Recorder((digits.x_test, digits.y_test), every=0)
