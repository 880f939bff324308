import numpy as np
import pytest

from pidnet.training import STOPPING, History, replay

EPOCHS = (1, 2, 3, 4, 5, 6)
LOSS = np.array([2.0, 1.0, 0.5, 0.5, 0.5, 0.4])
ACCURACY = np.array([0.1, 0.5, 0.6, 0.7, 0.65, 0.6])
SECONDS = {"training": np.full(6, 2.0), "loss, changes": np.full(6, 0.5), "held_out_loss": np.full(6, 9.0)}


def recorded():
    return History(EPOCHS, {"loss": LOSS, "test_accuracy": ACCURACY}, SECONDS)


def test_a_replay_counts_points_epochs_and_what_monitors_cost():
    found = replay(recorded())
    row = dict(zip(found.rules, found.to_pandas().to_dict("records"), strict=True))["loss_plateau"]
    assert (row["epoch"], row["ended"], row["fired"]) == (3, 5, True)
    assert row["lost"] == pytest.approx(10)  # 0.6 at epoch 3, 0.7 at the best
    assert row["energy"] == pytest.approx(5 * 2.5 / 12)
    assert row["monitors"] == pytest.approx(5 * 0.5 / 12)
    assert found.rules == ("loss_plateau", "all epochs")
    assert found.lost[-1] == pytest.approx(10)
    assert (found.energy[-1], found.monitors[-1]) == (1, 0)
    assert "left out" in repr(found)


def test_a_replay_is_what_the_rule_would_have_done_on_the_way():
    loss = [1.0, 1.0, 1.0, 0.5, 0.5, 0.5]  # fires after epoch 3, although it falls later
    found = replay(History(EPOCHS, {"loss": np.array(loss)}), {"plateau": STOPPING["loss_plateau"]})
    assert found.epoch.tolist() == [1, 6]
    assert found.ended.tolist() == [3, 6]
    assert np.isnan(found.lost).all()
    assert np.isnan(found.energy).all()


def test_a_rule_can_be_compared_with_another_training():
    assert replay(recorded(), best=0.8).lost[-1] == pytest.approx(20)


def test_a_rule_that_is_asked_for_needs_its_column():
    with pytest.raises(ValueError, match="no column 'disparity'"):
        replay(recorded(), {"gradients": STOPPING["gradient_disparity"]})
    with pytest.raises(ValueError, match="the history is empty"):
        replay(History((), {}))


def test_a_history_comes_back_from_its_file(tmp_path):
    before = recorded()
    before.columns["changes"] = np.array([np.nan, 0.5, 0.4, 0.3, 0.2, 0.1])
    after = History.load(before.save(tmp_path / "history"))
    assert after.epochs == before.epochs
    for part in ("columns", "seconds"):
        for name, values in getattr(before, part).items():
            np.testing.assert_array_equal(getattr(after, part)[name], values)
    (tmp_path / "history.json").write_text('{"History": {"epochs": [1], "columns": {"loss": [1, 2]}}}')
    with pytest.raises(ValueError, match="'loss' has the shape"):
        History.load(tmp_path / "history.json")


def test_odd_histories_are_refused():
    with pytest.raises(ValueError, match="expected one number for each of 6 epochs"):
        History(EPOCHS, {"loss": LOSS[:3]})
    with pytest.raises(ValueError, match=r"epochs=\[2, 1\]; expected each once, ascending"):
        History((2, 1), {})


def test_a_history_is_drawn_with_the_best_epoch():
    figure = recorded().plot()
    assert [axes.get_title() for axes in figure.axes] == ["loss", "test_accuracy"]
    assert figure.axes[0].lines[1].get_xdata()[0] == 4
    with pytest.raises(ValueError, match="no columns"):
        History((), {}).plot()
