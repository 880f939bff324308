"""Each rule on a planted history: it fires where it should, and nowhere else."""

import numpy as np
import pytest

from pidnet.training import STOPPING, History

DOWN = np.linspace(2.0, 0.1, 12)  # falls by more than 2 % at every step
EPOCHS = tuple(range(1, 13))


def history(**columns):
    return History(EPOCHS, {name: np.asarray(values, float) for name, values in columns.items()})


def flat_from(epoch, start=DOWN):
    """Moves up to this epoch, then stays."""
    return np.where(np.arange(1, 13) <= epoch, start, start[epoch - 1])


def lowest_at(epoch):
    return np.abs(np.arange(1, 13) - epoch) + 1.0


PLANTED = {
    "loss_plateau": ({"loss": flat_from(5)}, {"loss": DOWN}, 5),
    "unexplained": ({"unexplained": flat_from(7)}, {"unexplained": DOWN[::-1]}, 7),
    "profile_plateau": (
        {"redundancy": flat_from(3), "synergy": flat_from(6, DOWN[::-1])},
        {"redundancy": np.ones(12), "synergy": DOWN},
        6,
    ),
    "validation": ({"held_out_loss": lowest_at(4)}, {"held_out_loss": DOWN}, 4),
    # the moving mean of three is lowest at the epoch after the lowest value
    "prediction_changes": ({"changes": [np.nan, *lowest_at(6)[1:]]}, {"changes": [np.nan, *DOWN[1:]]}, 7),
    "gradient_disparity": (
        {"disparity": [5, 4, 5, 6, 5, 6, 7, 8, 9, 9, 9, 9]},
        {"disparity": [5, 4, 5, 6, 5, 6, 7, 6, 5, 4, 3, 2]},
        8,
    ),
    "evidence": ({"evidence": [-5, -4, -3, -1, -1, -1, 0.1, -1, 1, 1, 1, 1]}, {"evidence": -DOWN}, 7),
}


@pytest.mark.parametrize("name", STOPPING)
def test_a_rule_fires_where_it_should_and_not_elsewhere(name):
    fires, does_not, expected = PLANTED[name]
    assert STOPPING[name](history(**fires)) == expected
    assert STOPPING[name](history(**does_not)) is None


@pytest.mark.parametrize("name", ["loss_plateau", "unexplained", "profile_plateau", "validation"])
def test_a_rule_waits_for_as_long_as_it_is_patient(name):
    fires, _, expected = PLANTED[name]
    for patience in (1, 2, 4):
        fired = [n for n in range(1, 13) if STOPPING[name](history(**fires).first(n), patience) is not None]
        assert fired[0] == expected + patience


@pytest.mark.parametrize("name", STOPPING)
def test_more_epochs_do_not_change_what_has_fired(name):
    fires, _, expected = PLANTED[name]
    found = [STOPPING[name](history(**fires).first(n)) for n in range(1, 13)]
    first = next(k for k, epoch in enumerate(found) if epoch is not None)
    assert set(found[:first]) <= {None}
    assert set(found[first:]) == {expected}


@pytest.mark.parametrize("name", STOPPING)
def test_a_missing_column_is_one_sentence(name):
    with pytest.raises(ValueError, match=f"no column '{STOPPING[name].columns[0]}', it has other"):
        STOPPING[name](history(other=DOWN))


def test_a_loss_that_is_not_a_number_does_not_count_as_progress():
    loss = [2.0, 1.0, *[np.nan] * 10]
    assert STOPPING["loss_plateau"](history(loss=loss)) == 2


def test_a_rule_is_patient_for_one_record_at_least():
    with pytest.raises(ValueError, match="patience=0; expected at least 1"):
        STOPPING["loss_plateau"](history(loss=DOWN), 0)
