"""What a model says, found in whatever holds it."""

from types import SimpleNamespace

import pytest
import torch

from pidnet.networks.said import Said, class_scores

A, B, C = torch.arange(6.0).reshape(2, 3), torch.ones(2, 4, 5), torch.zeros(2, dtype=torch.int64)


@pytest.mark.parametrize(
    "output",
    [
        A,
        (A, B),
        {"logits": A, "other": B},
        SimpleNamespace(logits=A),
        {"last_hidden_state": A, "pooler_output": B},
        {"out": A},
    ],
)
def test_the_scores_of_usual_outputs(output):
    assert class_scores(output) is A
    assert torch.equal(Said()(output), A)


def test_an_entry_is_taken_by_its_name_and_several_tensors_are_joined():
    output = {"scores": (A, B), "boxes": [B], "seen": C}
    assert torch.equal(Said("boxes.0")(output), B)
    assert torch.equal(Said("scores")(output), torch.cat([A, B.flatten(1)], 1))
    assert torch.equal(Said()(output), torch.cat([A, B.flatten(1), B.flatten(1)], 1))
    assert torch.equal(Said("1")((A, B)), B)


def test_samples_that_do_not_come_first_are_found_by_their_number():
    later = Said().placed(torch.rand(2, 1, 7), torch.rand(2, 2, 7))
    assert later == Said(axis=1)
    assert later(torch.rand(2, 5, 7)).shape == (5, 2, 7)
    assert Said().placed(torch.rand(1, 2), torch.rand(2, 2)) == Said()
    assert Said().placed(torch.rand(3), torch.rand(2, 3)) == Said()
    assert Said().placed({"a": A[:1], "b": B[:1]}, {"a": A, "b": B}).joined


def test_what_is_not_there_is_said():
    with pytest.raises(ValueError, match=r"output='odd' is neither a reading .*, which has the entries a, b"):
        Said("odd")({"a": A, "b": B})
    with pytest.raises(ValueError, match="which has no entries"):
        Said("odd")(A)
    for output in ({"a": 1, "b": "x"}, (1, A), None):
        with pytest.raises(TypeError, match="expected a tensor, an output with `logits`"):
            Said()(output)
