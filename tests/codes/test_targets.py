import pytest
import torch

from pidnet import capture, layer_maps, quantize, with_target, zoo


@pytest.fixture
def codes():
    torch.manual_seed(0)
    x, y = torch.randn(60, 4), torch.arange(60) % 3
    return quantize(capture(zoo.mlp(4, (5, 6), 3), (x, y), draws=2))


def test_predicted_class_attribute_and_unit_of_the_next_layer(codes):
    attribute = torch.arange(60) // 30
    predicted = with_target(codes, "predicted")
    assert torch.equal(torch.tensor(predicted.classes)[predicted.target], codes.predicted)
    assert torch.equal(with_target(codes, attribute).target, attribute.repeat(2))
    unit = with_target(codes, ("fc2", 3))
    assert torch.equal(unit.target, codes.layers["fc2"].values[:, 3].long())
    assert unit.classes == (0, 1, 2, 3)
    assert torch.equal(codes.target, (torch.arange(60) % 3).repeat(2))


def test_a_unit_knows_all_about_itself(codes):
    own = layer_maps(with_target(codes, ("fc2", 3)), "i_min", correction="none")["fc2"].unit_information
    counts = torch.bincount(codes.layers["fc2"].values[:, 3].long()).double() / 120
    assert own[3] == pytest.approx(float(-(counts * counts.log2()).sum()))
    assert own.argmax() == 3


def test_labels_that_do_not_fit_are_refused(codes):
    for target, match in {
        torch.arange(7): "7 labels for 60 inputs",
        torch.full((60,), 0.5): "integer class labels",
        "label": 'expected "predicted"',
        ("fc9", 0): "no such layer: 'fc9'",
        ("fc1", 5): "'fc1' has no unit 5; it has 5",
    }.items():
        with pytest.raises(ValueError, match=match):
            with_target(codes, target)
