"""Shared networks and data: small, seeded, made once."""

import pytest
import torch

from pidnet import data, zoo

# The tests run in several processes; threads inside each would wait for one another.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits():
    return data.load("digits")


@pytest.fixture(scope="session")
def mlp(digits):
    """An MLP 64-48-32-10 trained on digits; tests must not change it."""
    torch.manual_seed(0)
    return zoo.train(zoo.mlp(64, (48, 32), 10), digits.x_train, digits.y_train, epochs=12)


@pytest.fixture(scope="session")
def calibration(digits):
    return digits.x_train[:400], digits.y_train[:400]
