"""Every family builds, has the layers it promises, learns, and treats padding as nothing."""

import pytest
import torch

from pidnet import datasets, training, zoo

IMAGES = torch.rand(3, 1, 16, 16)
FAMILIES = {
    "mlp": (lambda: zoo.mlp(8, (16, 12), 5), torch.rand(3, 8), ["fc1", "fc2", "head"]),
    "conv": (lambda: zoo.conv(1, outputs=5), IMAGES, ["conv1", "bn1", "conv3", "head"]),
    "conv1d": (lambda: zoo.conv(1, outputs=5, dims=1), IMAGES[:, :, 0], ["conv1", "conv3", "head"]),
    "lenet": (lambda: zoo.lenet((1, 16, 16), 5), IMAGES, ["conv1", "conv2", "fc1", "fc2", "head"]),
    "resnet8": (lambda: zoo.resnet(8, outputs=5), IMAGES, ["conv1", "stage2.0.conv2", "stage2.0.shortcut.0"]),
    "resnet20": (lambda: zoo.resnet(20, outputs=5), IMAGES, ["stage3.2.conv2", "head"]),
    "densenet": (lambda: zoo.densenet(outputs=5), IMAGES, ["dense1.2.conv", "narrow1", "dense2.2.conv"]),
    "densenet_bc": (
        lambda: zoo.densenet_bc(1, 5, growth=4, blocks=(2, 2), stem=8, small=True),
        IMAGES,
        ["dense1.1.conv1", "narrow1.conv", "bn2", "head"],
    ),
    "lstm": (lambda: zoo.lstm(4, 8, 5, layers=2, bidirectional=True), torch.rand(3, 6, 4), ["rnn", "head"]),
    "gru": (lambda: zoo.gru(4, 8, 5), torch.rand(3, 6, 4), ["rnn", "head"]),
    "rnn": (lambda: zoo.rnn(4, 8, 5), torch.rand(3, 6, 4), ["rnn", "head"]),
    "transformer": (lambda: zoo.transformer(4, outputs=5), torch.rand(3, 6, 4), ["blocks.1.ffn1", "head"]),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_builds_with_the_promised_layers(family):
    build, x, layers = FAMILIES[family]
    model = build()
    assert model(x).shape == (3, 5)
    assert set(layers) <= set(dict(model.named_modules()))


@pytest.mark.parametrize("depth", [8, 20])
def test_resnet_has_as_many_layers_as_its_name_says(depth):
    model = zoo.resnet(depth)
    weighted = [n for n, m in model.named_modules() if n.endswith(("conv1", "conv2", "head"))]
    assert len(weighted) == depth


def test_densenet_121_is_the_one_of_the_paper():
    """The number of parameters is that of torchvision's densenet121; nothing is allocated."""
    with torch.device("meta"):
        model = zoo.densenet_bc()
        weighted = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
        assert len(weighted) == 121
        assert sum(p.numel() for p in model.parameters()) == 7_978_856
        net = zoo.bottlenecked(model, latent=256)
        assert net.features(torch.zeros(2, 3, 224, 224)).shape == (2, 1024)
        assert net.bottleneck.classes == 1000


@pytest.mark.parametrize(
    ("build", "shape", "bar"),
    [
        (lambda: zoo.conv(1), (-1, 1, 8, 8), 0.95),
        (lambda: zoo.densenet_bc(1, 10, growth=4, blocks=(2, 2), stem=8, small=True), (-1, 1, 8, 8), 0.9),
        (lambda: zoo.gru(8, 64, 10), (-1, 8, 8), 0.9),
        (lambda: zoo.transformer(8), (-1, 8, 8), 0.85),
    ],
    ids=["conv", "densenet_bc", "gru", "transformer"],
)
def test_learns_the_digits_in_seconds(build, shape, bar):
    torch.manual_seed(0)
    digits = datasets.load("digits")
    model = training.train(build(), digits.x_train.reshape(shape), digits.y_train, epochs=8, rate=1e-2)
    assert training.accuracy(model, digits.x_test.reshape(shape), digits.y_test) > bar


@pytest.mark.parametrize("family", ["lstm", "transformer"])
def test_padding_says_nothing(family):
    build = {"lstm": lambda: zoo.lstm(9, 8, 5, bidirectional=True), "transformer": lambda: zoo.transformer(9)}
    model = build[family]().eval()
    codes = torch.randint(1, 9, (4, 6), generator=torch.Generator().manual_seed(0))
    padded = torch.cat([codes, torch.zeros(4, 3, dtype=torch.int64)], 1)
    torch.testing.assert_close(model(codes), model(padded), rtol=1e-5, atol=1e-6)


def test_bad_sizes_are_refused():
    with pytest.raises(ValueError, match="depth=9; expected 8, 14, 20"):
        zoo.resnet(9)
    with pytest.raises(ValueError, match="width=10 is not a multiple of heads=4"):
        zoo.transformer(4, width=10)
    with pytest.raises(ValueError, match="8 x 8; expected at least 12 x 12"):
        zoo.lenet((1, 8, 8))
