import subprocess
import sys

import pytest
import torch

from pidnet import capture, capture_codes, quantize, zoo


@pytest.fixture
def net():
    torch.manual_seed(0)
    return zoo.transformer(4, (6,), 3)


def data(samples, seed=1):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(samples, 5, 4, generator=generator)
    return x, torch.randint(0, 3, (samples,), generator=generator)


@pytest.mark.parametrize("word", ["mean", "samples", "each"])
def test_codes_are_those_of_capturing_and_quantizing_at_once(net, word):
    layers, reduce = ["blocks.0.ffn1", "blocks.0.attention"], {"tokens": word}
    x, y = data(50)
    calibration = quantize(capture(net, data(40, 2), layers, reduce=reduce), 4, "equal_width")
    batches = [(x[:20], y[:20]), (x[20:], y[20:])]
    streamed = capture_codes(net, batches, calibration, reduce=reduce)
    at_once = quantize(capture(net, batches, layers, reduce=reduce), 4, edges=calibration.edges)
    for name, codes in at_once.layers.items():
        assert codes.values.dtype == torch.uint8
        assert torch.equal(streamed.layers[name].values, codes.values)
        assert streamed.layers[name].constant == codes.constant
    assert torch.equal(streamed.target, at_once.target)
    assert torch.equal(streamed.sample, at_once.sample)
    assert torch.equal(streamed.predicted, at_once.predicted)
    assert streamed.quantizer == "equal_width"


def test_memory_is_that_of_the_codes():
    """20 batches of 8 MB of activations; no more than a few of them may live at once."""
    net = zoo.mlp(4, (500,), 3)
    x, y = torch.randn(4000, 4), torch.arange(4000) % 3
    calibration = quantize(capture(net, (x[:100], y[:100]), ["fc1"]))
    alive = []

    def loader():
        for _ in range(20):
            alive.append(held_floats())
            yield x, y

    codes = capture_codes(net, loader(), calibration)
    assert codes.layers["fc1"].values.shape == (80_000, 500)
    assert max(alive) <= alive[1] + 2 * 4000 * 500 < 80_000 * 500 / 4


GROWTH = """
import resource, torch
from pidnet import capture, capture_codes, quantize, zoo
torch.set_num_threads(1)
net, x, y = zoo.mlp(4, (512,), 3), torch.randn(2000, 4), torch.arange(2000) % 3
calibration = quantize(capture(net, (x, y), ["fc1"]))
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
before = peak()
codes = capture_codes(net, ((x, y) for _ in range(80)), calibration)
print(peak() - before, codes.layers["fc1"].values.numel() / 1e6)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kB on Linux")
def test_the_peak_of_the_process_grows_by_little_more_than_the_codes():
    """Activations of 328 MB pass through; the codes take 82."""
    done = subprocess.run([sys.executable, "-c", GROWTH], capture_output=True, text=True, check=True)
    grown, coded = map(float, done.stdout.split())
    assert coded == pytest.approx(82, abs=0.1)
    assert grown < coded + 80


def held_floats():
    import gc

    return sum(o.numel() for o in gc.get_objects() if type(o) is torch.Tensor and o.dtype == torch.float32)


def test_other_places_than_in_the_calibration_are_refused(net):
    calibration = quantize(capture(net, data(40), ["blocks.0.ffn1"], reduce={"tokens": "each"}))
    with pytest.raises(ValueError, match=r"the codes hold the layers .*; pass the same reduce="):
        capture_codes(net, data(20), calibration)
