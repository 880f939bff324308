"""Shared networks and data: small, seeded, made once."""

import pytest
import torch
from hypothesis import HealthCheck, settings

from pidnet import datasets, training, zoo
from tests.small_run import write_small_run

# Importing it registers a device with torch, for the whole process; test_devices.py does that in a process of its own.
collect_ignore = ["elsewhere.py"]

# How long an example takes tells how busy the machine is.
settings.register_profile("pidnet", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pidnet")

# The tests run in several processes; threads inside each would wait for one another.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits():
    return datasets.load("digits")


@pytest.fixture(scope="session")
def mlp(digits):
    """An MLP 64-48-32-10 trained on digits; tests must not change it."""
    torch.manual_seed(0)
    return training.train(zoo.mlp(64, (48, 32), 10), digits.x_train, digits.y_train, epochs=12)


@pytest.fixture(scope="session")
def calibration(digits):
    return digits.x_train[:400], digits.y_train[:400]


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory, digits):
    """A small run folder; read it, do not change it."""
    folder = tmp_path_factory.mktemp("run")
    write_small_run(folder, digits)
    return folder
