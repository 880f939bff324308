"""Every family in every variant runs, is captured, and has units of the promised kind."""

import pytest
import torch
from torch import nn

from pidnet import capture, layers, quantize, training, zoo
from pidnet.zoo.variants import VARIANTS

IMAGES, ROWS, Y = torch.rand(6, 1, 16, 16), torch.rand(6, 5, 4), torch.arange(6) % 3
NETS = {
    "mlp": (lambda f: zoo.mlp(4, (6,), 3, variant=f), ROWS[:, 0], "fc1"),
    "conv": (lambda f: zoo.conv(1, (4, 5), 3, variant=f), IMAGES, "conv2"),
    "conv1d": (lambda f: zoo.conv(1, (4, 5), 3, dims=1, variant=f), IMAGES[:, :, 0], "conv2"),
    "lenet": (lambda f: zoo.lenet((1, 16, 16), 3, variant=f), IMAGES, "fc1"),
    "resnet": (lambda f: zoo.resnet(8, outputs=3, width=4, variant=f), IMAGES, "stage2.0.conv1"),
    "densenet": (lambda f: zoo.densenet(outputs=3, growth=4, variant=f), IMAGES, "dense1.1.conv"),
    "lstm": (lambda f: zoo.lstm(4, 5, 3, layers=2, bidirectional=True, variant=f), ROWS, "rnn.l1"),
    "gru": (lambda f: zoo.gru(4, 5, 3, variant=f), ROWS, "rnn.l0"),
    "rnn": (lambda f: zoo.rnn(4, 5, 3, variant=f), ROWS, "rnn.l0"),
    "transformer": (lambda f: zoo.transformer(4, (6,), 3, variant=f), ROWS, "blocks.0.ffn1"),
}


STEPS = {"int8": 127, "int4": 7}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("family", NETS)
def test_units_are_of_the_promised_kind(family, variant):
    torch.manual_seed(0)
    build, x, layer = NETS[family]
    net = build(variant)
    net(x)  # the range of fake quantization follows what is seen in training mode
    net.eval()
    if layer.startswith("rnn") and variant != "plain":
        layer = "rnn.scans.0"
    words = {"positions": "samples", "tokens": "samples"}
    units = capture(net, (x, Y), [layer], reduce=words, draws=2).layers[layer]
    first, second = units.chunk(2)
    assert torch.equal(first, second) == (variant not in ("bayesian", "stochastic"))
    assert (set(units.unique().tolist()) <= {-1.0, 1.0}) == (variant == "binarized")
    if variant in STEPS:
        scales = [
            part.limit / STEPS[variant] for part in net.modules() if isinstance(part, layers.FakeQuantize)
        ]
        assert any(torch.allclose(units / s, (units / s).round(), atol=1e-3, rtol=0) for s in scales)
    assert bool(layers.kl_divergence(net) > 0) == (variant == "bayesian")


@pytest.mark.parametrize("variant", VARIANTS[1:])
def test_training_moves_every_parameter(variant):
    torch.manual_seed(0)
    net = zoo.transformer(4, (6,), 3, variant=variant)
    before = {name: value.clone() for name, value in net.named_parameters()}
    training.train(net, ROWS, Y, epochs=2, rate=1e-2)
    # A shift of all keys changes no attention weight, so their bias has no gradient.
    still = {name for name, value in net.named_parameters() if torch.equal(before[name], value)}
    assert still <= {"blocks.0.attention.k.bias"}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("family", NETS)
def test_every_family_learns_in_every_variant(family, variant):
    """Three classes that differ in the mean of all inputs, told apart after training far better than by chance."""
    torch.manual_seed(0)
    build, x, _ = NETS[family]
    y = torch.arange(96) % 3
    shift = y.reshape(-1, *[1] * (x.ndim - 1)) - 1.0
    seen = shift + 0.3 * torch.randn(96, *x.shape[1:])
    epochs = 30 if variant == "bayesian" else 12  # few samples weigh little against the prior
    net = training.train(build(variant), seen, y, epochs=epochs, rate=2e-2)
    assert training.accuracy(net, seen, y) > 0.6


def test_the_codes_of_a_fake_quantized_unit_are_the_unit(digits):
    net = training.train(
        zoo.mlp(64, (12,), 10, variant="int4"), digits.x_train, digits.y_train, epochs=5, rate=1e-2
    )
    acts = capture(net, (digits.x_test, digits.y_test), ["fc1"])
    codes = quantize(acts, levels=8)
    varying = sorted(set(range(12)) - set(codes.layers["fc1"].constant))
    assert codes.layers["fc1"].exact == varying
    assert len(varying) > 6
    with pytest.raises(ValueError, match="no range yet"):
        capture(zoo.mlp(64, (12,), 10, variant="int4"), (digits.x_test, digits.y_test))


def test_training_draws_weights_without_evidence_to_the_prior():
    net = layers.BayesianLinear(4, 3, std=0.05)
    training.train(net, torch.zeros(64, 4), torch.arange(64) % 3, epochs=200, rate=0.1)
    torch.testing.assert_close(net.log_std.exp(), torch.full((3, 4), 0.3), atol=0.03, rtol=0)


def test_an_unknown_variant_is_refused():
    with pytest.raises(ValueError, match="variant='vanilla'; expected one of plain, binarized"):
        zoo.mlp(4, (5,), 3, variant="vanilla")
    assert isinstance(zoo.mlp(4, (5,), 3).relu1, nn.ReLU)
