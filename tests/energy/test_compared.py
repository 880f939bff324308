"""One figure of two models: a tuple (dense, small) with the share kept."""

import json
import math

import pytest

from pidnet.energy import Compared


def test_it_is_a_tuple_with_names():
    macs = Compared(200, 50)
    assert macs == (200, 50)
    assert (macs.dense, macs.small, macs.kept) == (200, 50, 0.25)
    assert json.dumps(macs) == "[200, 50]"


@pytest.mark.parametrize(("dense", "small"), [(0, 5), (-1, 5), (5, -1)])
def test_a_share_of_noise_is_no_number(dense, small):
    assert math.isnan(Compared(dense, small).kept)
