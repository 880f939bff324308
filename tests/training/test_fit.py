import pytest
import torch
from torch import nn

from pidnet import training, zoo


def trained(decay):
    torch.manual_seed(0)
    model, x = zoo.mlp(5, (8,), 2), torch.randn(200, 5)
    return training.train(model, x, (x[:, 0] > 0).long(), epochs=10, rate=1e-2, decay=decay)


def test_decay_makes_the_weights_smaller():
    plain, decayed = (
        sum(float(p.detach().square().sum()) for p in trained(d).parameters()) for d in (0.0, 1.0)
    )
    assert decayed < 0.9 * plain


def test_a_penalty_is_asked_once_a_step_and_added_to_the_loss():
    torch.manual_seed(0)
    model, x, asked = zoo.mlp(5, (8,), 2), torch.randn(96, 5), []

    def penalty(progress):
        asked.append(progress)
        return 1e3 * sum(p.square().sum() for p in model.parameters())

    before = sum(float(p.detach().square().sum()) for p in model.parameters())
    training.train(model, x, (x[:, 0] > 0).long(), epochs=2, rate=1e-2, batch=32, penalty=penalty)
    assert asked == [step / 6 for step in range(6)]
    assert sum(float(p.detach().square().sum()) for p in model.parameters()) < 0.95 * before


def test_what_is_not_finite_is_one_sentence():
    x, y = torch.tensor([[0.0, 1.0], [float("nan"), 0.0]]), torch.tensor([0, 1])
    with pytest.raises(ValueError, match="x holds values that are not finite"):
        training.train(zoo.mlp(2, (2,), 2), x, y, epochs=1)
    with pytest.raises(ValueError, match="scores are not numbers"):
        training.accuracy(zoo.mlp(2, (2,), 2), x, y)


@pytest.mark.parametrize("y", [[], [-100, -100]])
def test_without_a_label_there_is_no_accuracy(y):
    with pytest.raises(ValueError, match=f"none of {len(y)} samples has a label"):
        training.accuracy(nn.Identity(), torch.zeros(len(y), 2), torch.tensor(y, dtype=torch.long))


@pytest.mark.parametrize(
    ("scores", "y", "expected"),
    [
        ([[2.0, 1.0], [0.0, 1.0]], [0, 0], 0.5),
        ([[-1.0], [3.0], [2.0]], [0, 1, 0], 2 / 3),  # one logit
        ([-1.0, 3.0], [0.0, 1.0], 1.0),
        ([[[2.0, 1.0], [0.0, 1.0]]], [[0, 1]], 1.0),  # tokens
        ([[[2.0, 1.0, 0.0], [0.0, 3.0, 4.0]]], [[0, 1, 0]], 2 / 3),  # places: classes on axis 1
        ([[[2.0, 1.0], [0.0, 1.0]]], [[0, -100]], 1.0),
    ],
)
def test_accuracy_of_what_is_known(scores, y, expected):
    scores, y = torch.tensor(scores), torch.tensor(y)
    assert training.accuracy(nn.Identity(), scores, y) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("shape", "y"),
    [((3, 1), [0, 2, 1]), ((3, 1), [0.5, 0.1, 0.2]), ((2, 2), [[0, 1], [1, 1]]), ((3, 2), [0, 1])],
)
def test_numbers_have_no_accuracy(shape, y):
    with pytest.raises(ValueError, match="has no class for each label"):
        training.accuracy(nn.Identity(), torch.zeros(shape), torch.tensor(y))
