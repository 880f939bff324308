import pytest
import torch

from pidnet import capture, capture_codes, equal_width, quantize, zoo


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
    calibration = quantize(capture(net, data(40, 2), layers, reduce=reduce), 4, equal_width)
    batches = [(x[:20], y[:20]), (x[20:], y[20:])]
    streamed = capture_codes(net, batches, calibration, reduce=reduce)
    at_once = quantize(capture(net, batches, layers, reduce=reduce), 4, edges=calibration.edges)
    for name, codes in at_once.layers.items():
        assert codes.dtype == torch.uint8
        assert torch.equal(streamed.layers[name], codes)
    assert torch.equal(streamed.target, at_once.target)
    assert torch.equal(streamed.sample, at_once.sample)
    assert torch.equal(streamed.predicted, at_once.predicted)
    assert streamed.constant == at_once.constant
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
    assert codes.layers["fc1"].shape == (80_000, 500)
    assert max(alive) <= alive[1] + 2 * 4000 * 500 < 80_000 * 500 / 4


def held_floats():
    import gc

    return sum(o.numel() for o in gc.get_objects() if type(o) is torch.Tensor and o.dtype == torch.float32)


def test_other_places_than_in_the_calibration_are_refused(net):
    calibration = quantize(capture(net, data(40), ["blocks.0.ffn1"], reduce={"tokens": "each"}))
    with pytest.raises(ValueError, match=r"the calibration has the layers .*; pass the same reduce="):
        capture_codes(net, data(20), calibration)
