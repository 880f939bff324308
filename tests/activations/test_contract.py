"""What capture promises about the model it reads, and what it says about what it cannot read."""

import gc

import pytest
import torch
from torch import nn

from pidnet import capture, zoo
from pidnet.activations import record

Y = torch.arange(6) % 3


def state(model):
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()]
    modes = [m.training for m in model.modules()]
    return hooks, modes, {k: v.clone() for k, v in model.state_dict().items()}


def unchanged(before, model):
    hooks, modes, values = state(model)
    same = all(torch.equal(values[k], v) for k, v in before[2].items())
    return hooks == before[0] and modes == before[1] and same


def test_the_model_is_as_it_was():
    net = zoo.conv(1)
    net.bn1.eval()
    before = state(net)
    capture(net, (torch.randn(6, 1, 8, 8), Y))
    assert unchanged(before, net)


class Stubborn(nn.Module):
    """Counts its passes in a buffer, trains its BatchNorm even when asked for eval mode, and may raise."""

    def __init__(self, fails):
        super().__init__()
        self.fc, self.bn, self.fails = nn.Linear(4, 5), nn.BatchNorm1d(5), fails
        self.register_buffer("passes", torch.zeros(()))

    def forward(self, x):
        self.passes += 1
        self.bn.train()
        out = self.bn(self.fc(x))
        if self.fails:
            raise RuntimeError("out of luck")
        return out


@pytest.mark.parametrize("fails", [True, False])
def test_buffers_and_modes_come_back_also_when_the_pass_raises(fails):
    net = Stubborn(fails).eval()
    before = state(net)
    if fails:
        with pytest.raises(ValueError, match="out of luck"):
            capture(net, (torch.randn(6, 4), Y))
    else:
        capture(net, (torch.randn(6, 4), Y))
    assert unchanged(before, net)


def test_between_two_blocks_nothing_hangs_on_the_model():
    net = zoo.mlp(4, (5,), 3)
    before = state(net)
    blocks = record(net, [(torch.randn(6, 4), Y)] * 2)
    next(blocks)
    assert unchanged(before, net)
    assert torch.overrides._get_current_function_mode() is None


def test_activations_of_earlier_batches_do_not_stay():
    net, layer = zoo.mlp(4, (500,), 3), ["fc1"]

    def held():
        gc.collect()
        return sum(o.numel() for o in gc.get_objects() if type(o) is torch.Tensor and o.shape == (100, 500))

    counts = [held() for _ in record(net, [(torch.randn(100, 4), torch.zeros(100).long())] * 4, layer)]
    assert len(set(counts)) == 1


class Odd(nn.Module):
    """A layer that never runs, one that runs twice, and a mapping for an output."""

    def __init__(self):
        super().__init__()
        self.idle, self.shared, self.head = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, x):
        first = self.shared(x).relu()
        second = self.shared(first).tanh()
        return {"logits": self.head(second), "hidden": second}


def test_a_mapping_for_an_output_and_layers_that_cannot_be_read():
    net, x = Odd(), torch.randn(6, 4)
    acts = capture(net, (x, Y))
    assert list(acts.layers) == ["head"]
    assert acts.skipped["idle"] == "did not run in the forward pass"
    assert "ran 2 times" in acts.skipped["shared"]
    assert torch.equal(acts.predicted, net(x)["logits"].argmax(1))
    with pytest.raises(ValueError, match=r"'idle' did not run in the forward pass; leave it out of layers="):
        capture(net, (x, Y), ["idle"])
    with pytest.raises(ValueError, match=r"'shared' ran 2 times .* reduce="):
        capture(net, (x, Y), ["shared"])


@pytest.mark.parametrize(("word", "rows"), [("first", 6), ("last", 6), ("mean", 6), ("samples", 12)])
def test_a_shared_layer_is_read_as_asked(word, rows):
    net, x = Odd(), torch.randn(6, 4)
    first = net.shared(x).relu().detach()
    second = net.shared(first).tanh().detach()
    expected = {
        "first": first,
        "last": second,
        "mean": (first + second) / 2,
        "samples": torch.stack([first, second], 1).flatten(0, 1),
    }
    acts = capture(net, (x, Y), ["shared"], reduce={"calls": word})
    torch.testing.assert_close(acts.layers["shared"], expected[word])
    assert len(acts.target) == rows


def test_bad_input_is_refused_at_the_door():
    net, x = zoo.mlp(4, (5, 5), 3), torch.randn(6, 4)
    for match, call in {
        "no such layer: 'fc9'; the model has 'fc1', 'fc2', 'head'": lambda: capture(net, (x, Y), ["fc9"]),
        "hold no batch": lambda: capture(net, []),
        r"y has shape \(5,\)": lambda: capture(net, (x, Y[:5])),
        "expected one pair": lambda: capture(net, (x, Y, Y)),
        "batch 0 of the data is .*; expected \\(x, y\\)": lambda: capture(net, [(x,)]),
        "pad ragged samples": lambda: capture(net, [([x[0], x[1, :2]], Y[:2])]),
        "layers is empty": lambda: capture(net, (x, Y), []),
        "draws=0": lambda: capture(net, (x, Y), draws=0),
        "'positions' is 'median'|reduce\\['positions'\\]": lambda: capture(
            net, (x, Y), reduce={"positions": "median"}
        ),
        "has the key 'heads'": lambda: capture(net, (x, Y), reduce={"heads": "mean"}),
        "unit 0 of layer 'fc1' has values that are not finite": lambda: capture(net, (x * torch.nan, Y)),
    }.items():
        with pytest.raises(ValueError, match=match):
            call()
    with pytest.raises(TypeError, match="expected one pair"):
        capture(net, 3)


@pytest.mark.parametrize("lengths", [(5, 3), (3, 5)])
def test_batches_of_unequal_lengths_are_read_by_every_word_but_each(lengths):
    net = zoo.transformer(9).eval()
    batches = [(torch.randint(1, 9, (6, length)), Y) for length in lengths]
    rows = capture(net, batches, ["blocks.0.ffn1"], reduce={"tokens": "samples"})
    assert len(rows.target) == 6 * sum(lengths)
    assert len(capture(net, batches).target) == 12
    with pytest.raises(ValueError, match=r"'blocks.0.ffn1\[3\]' is not in every batch: .* pad them"):
        capture(net, batches, ["blocks.0.ffn1"], reduce={"tokens": "each"})


def test_a_named_block_that_puts_out_no_tensor_is_refused():
    class Block(nn.Module):
        def forward(self, x):
            return {"nested": {"deep": x}}

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.block, self.head = Block(), nn.Linear(4, 3)

        def forward(self, x):
            return self.head(self.block(x)["nested"]["deep"])

    assert list(capture(Net(), (torch.randn(6, 4), Y)).layers) == ["head"]
    with pytest.raises(ValueError, match="'block' returned a dict that does not begin with a tensor"):
        capture(Net(), (torch.randn(6, 4), Y), ["block"])


def test_places_that_do_not_fit_together_are_refused():
    net, x = zoo.conv(1), torch.randn(6, 1, 8, 8)
    with pytest.raises(ValueError, match="'conv2' has 96 rows where an earlier one has 384"):
        capture(net, (x, Y), ["conv1", "conv2"], reduce={"positions": "samples"})
    words = zoo.transformer(9)
    codes = torch.randint(1, 9, (6, 5))
    with pytest.raises(ValueError, match=r"the mask has shape \(6, 4\) but layer 'embedding' has 5 tokens"):
        capture(words, (codes, Y), mask=lambda x: x[:, 1:] != 0)
    codes[2] = 0
    with pytest.raises(ValueError, match="sample 2 of a batch is all padding"):
        capture(words, (codes, Y), mask=lambda x: x != 0)
