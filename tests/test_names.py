"""Names without torch are the names of the functions behind them."""

import subprocess
import sys

import pytest

import pidnet as pn
from pidnet import names
from pidnet.codes.quantizers import QUANTIZERS
from pidnet.networks import outputs
from pidnet.pruning.plans import planning


@pytest.mark.parametrize(
    ("told", "known"),
    [
        (names.MEASURES, pn.MEASURES),
        (names.GAUSSIAN_MEASURES, pn.GAUSSIAN_MEASURES),
        (names.CORRECTIONS, pn.CORRECTIONS),
        (names.NULLS, pn.NULLS),
        (names.CRITERIA, pn.CRITERIA),
        (names.REPAIRS, pn.pruning.REPAIRS),
        (names.ALLOCATIONS, planning.ALLOCATIONS),
        (names.READINGS, outputs.READINGS),
        (names.DATA_SETS, pn.datasets.NAMES),
    ],
)
def test_names_are_those_of_the_library(told, known):
    assert sorted(told) == sorted(known)


def test_each_quantizer_is_a_function():
    assert set(names.QUANTIZERS) == set(QUANTIZERS)


@pytest.mark.parametrize("words", [["--help"], ["map", "--help"], ["prune", "--help"]])
def test_help_is_printed_without_torch(words):
    code = "import sys; from pidnet.cli import app; app({}, standalone_mode=False); assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code.format(words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
