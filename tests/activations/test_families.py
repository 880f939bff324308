"""Every family of networks, against values worked out by hand from the model's own forward pass."""

import pytest
import torch
from torch import nn

from pidnet import capture, zoo

Y = torch.arange(6) % 3


def same(found, expected):
    torch.testing.assert_close(found, expected.detach(), rtol=1e-5, atol=1e-6)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("how", ["mean", "max", "samples"])
@pytest.mark.parametrize("dims", [1, 2])
def test_channels_are_read_after_their_batchnorm_and_nonlinearity(how, dims):
    net = zoo.conv(1, (4, 5), 3, dims=dims).eval()
    net.bn1.running_mean.normal_()
    x = torch.randn(6, 1, *[8] * dims)
    maps = net.relu1(net.bn1(net.conv1(x))).flatten(2)
    expected = {"mean": maps.mean(2), "max": maps.amax(2), "samples": maps.transpose(1, 2).flatten(0, 1)}
    acts = capture(net, (x, Y), ["conv1"], reduce={"positions": how})
    same(acts.layers["conv1"], expected[how])
    assert acts.reduction == {"conv1": f"{how} over positions"}
    assert len(acts.target) == len(acts.layers["conv1"])
    assert (acts.target == Y[acts.sample]).all()


def test_pooling_is_passed_only_towards_a_nonlinearity():
    before = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(27, 2))
    after = nn.Sequential(before[0], nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), before[4])
    x = torch.randn(6, 1, 8, 8)
    same(capture(before, (x, Y), ["0"]).layers["0"], before[:2](x).mean((2, 3)))
    same(capture(after, (x, Y), ["0"]).layers["0"], after[:3](x).mean((2, 3)))


def test_residual_convolutions_are_read_before_the_add_and_the_block_after_it():
    net = zoo.resnet(8).eval()
    x = torch.randn(6, 1, 8, 8)
    block, inputs = net.stage1[0], net[:3](x)
    acts = capture(net, (x, Y), ["stage1.0.conv1", "stage1.0.conv2", "stage1.0", "stage2.0.shortcut.0"])
    inner = block.relu1(block.bn1(block.conv1(inputs)))
    same(acts.layers["stage1.0.conv1"], inner.mean((2, 3)))
    same(acts.layers["stage1.0.conv2"], block.bn2(block.conv2(inner)).mean((2, 3)))
    same(acts.layers["stage1.0"], block(inputs).mean((2, 3)))
    same(acts.layers["stage2.0.shortcut.0"], net.stage2[0].shortcut(block(inputs)).mean((2, 3)))


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_recurrent_last_step_is_the_state_that_torch_returns(kind, bidirectional):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = kind(4, 5, num_layers=3, bidirectional=bidirectional, batch_first=True)

        def forward(self, x):
            return self.rnn(x)[0]

    net, x = Net(), torch.randn(6, 7, 4)
    output, state = net.rnn(x)
    state = state[0] if kind is nn.LSTM else state
    acts = capture(net, (x, Y))
    ways = ("", "_reverse")[: 1 + bidirectional]
    assert list(acts.layers) == [f"rnn.l{depth}{way}" for depth in range(3) for way in ways]
    for values, expected in zip(acts.layers.values(), state, strict=True):
        same(values, expected)
    for way, expected in zip(ways, output.chunk(len(ways), -1), strict=True):
        name = f"rnn.l2{way}"
        steps = capture(net, (x, Y), [name], reduce={"steps": "each"}).layers
        assert list(steps) == [f"{name}[{k}]" for k in range(7)]
        same(torch.stack(list(steps.values()), 1), expected)
        same(capture(net, (x, Y), [name], reduce={"steps": "samples"}).layers[name], expected.flatten(0, 1))


@pytest.mark.parametrize("bidirectional", [False, True])
def test_packed_sequences_end_where_each_ends(bidirectional):
    net = zoo.lstm(9, 5, 3, layers=2, bidirectional=bidirectional).eval()
    codes = torch.randint(1, 9, (6, 7))
    for sample, length in enumerate([7, 2, 5, 1, 7, 3]):
        codes[sample, length:] = 0
    together = capture(net, (codes, Y))
    alone = [capture(net, (c[c > 0][None], Y[:1])) for c in codes]
    for layer, values in together.layers.items():
        same(values, torch.cat([one.layers[layer] for one in alone]))
    rows = capture(net, (codes, Y), ["rnn"], reduce={"steps": "samples"})
    assert len(rows.target) == int((codes > 0).sum())


@pytest.mark.parametrize("pair", [True, False])
def test_a_loader_may_give_packed_sequences(pair):
    net = nn.LSTM(4, 5, 2, bidirectional=True)
    sequences = [torch.randn(length, 4) for length in (3, 6, 1)]
    packed = nn.utils.rnn.pack_sequence(sequences, enforce_sorted=False)
    last = capture(net, (packed, Y[:3]) if pair else [(packed, Y[:3])])
    same(torch.cat(list(last.layers.values()), 1), net(packed)[1][0].transpose(0, 1).flatten(1))
    rows = capture(net, [(packed, Y[:3])], ["l1"], reduce={"steps": "samples"})
    assert rows.sample.tolist() == [0] * 3 + [1] * 6 + [2]
    same(rows.layers["l1"][3:9], net(sequences[1])[0][:, :5])
    with pytest.raises(ValueError, match=r"packs 3 sequences but y has shape \(6,\)"):
        capture(net, [(packed, Y)])


def test_initial_state_and_steps_first():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.LSTM(4, 5, num_layers=2)

        def forward(self, x):
            state = torch.ones(2, x.shape[1], 5)
            return self.rnn(x, (state, 2 * state))[1][0].transpose(0, 1).flatten(1)

    net, x = Net(), torch.randn(7, 6, 4)
    acts = capture(net, [(x, Y)])
    same(torch.cat([acts.layers["rnn.l0"], acts.layers["rnn.l1"]], 1), net(x))


def test_cells_are_steps_and_scans_read_their_channel():
    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = nn.GRUCell(4, 5)

        def forward(self, x):
            state = None
            for step in x.unbind(1):
                state = self.cell(step, state)
            return state

    net, x = Loop(), torch.randn(6, 7, 4)
    same(capture(net, (x, Y)).layers["cell"], net(x))
    signs = capture(zoo.gru(4, 5, 3, variant="binarized"), (x, Y))
    assert list(signs.layers) == ["rnn.scans.0", "head"]
    assert set(signs.layers["rnn.scans.0"].unique().tolist()) == {-1.0, 1.0}


@pytest.mark.parametrize("batch_first", [True, False])
def test_torch_encoder_gives_ffn_units_and_heads(batch_first):
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=batch_first)
    net = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()
    x = torch.randn(6, 5, 8)
    given = x if batch_first else x.transpose(0, 1)
    acts = capture(net, [(given, Y)], ["layers.0.linear1", "layers.0.self_attn", "layers.0"])
    first = net.layers[0]
    attended = first.self_attn(given, given, given)[0]
    hidden = first.norm1(given + attended)
    units = first.linear1(hidden).relu()
    tokens = 1 if batch_first else 0
    same(acts.layers["layers.0.linear1"], units.mean(tokens))
    same(acts.layers["layers.0"], first(given).mean(tokens))
    heads = acts.layers["layers.0.self_attn"]
    assert heads.shape == (6, 2, 4)
    same(first.self_attn.out_proj(heads.flatten(1)), attended.mean(tokens))


def test_torch_encoder_with_padding_runs_its_modules():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)

        def forward(self, x):
            return self.encoder(x, src_key_padding_mask=x[:, :, 0] == 0)

    net, x = Net().eval(), torch.randn(6, 5, 8)
    padded = torch.cat([x, torch.zeros(6, 2, 8)], 1)
    short = capture(net, (x, Y))
    long = capture(net, (padded, Y), mask=lambda x: x[:, :, 0] != 0)
    assert {"encoder.layers.1.linear1", "encoder.layers.1.self_attn"} <= set(short.layers)
    for name, values in short.layers.items():
        same(long.layers[name], values)


def test_heads_of_own_attention_written_out_or_fused():
    class WrittenOut(zoo.transformer(4).blocks[0].attention.__class__):
        def forward(self, x, mask=None):
            q, k, v = (p(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for p in (self.q, self.k, self.v))
            weights = nn.functional.dropout((q @ k.transpose(2, 3) / 8**0.5).softmax(-1), 0.5, False)
            return self.out((weights @ v).transpose(1, 2).flatten(2))

    net = zoo.transformer(4)
    fused = capture(net, (x := torch.randn(6, 5, 4), Y))
    for block in net.blocks:
        block.attention.__class__ = WrittenOut
    written = capture(net, (x, Y))
    assert list(written.layers) == list(fused.layers)
    assert fused.layers["blocks.1.attention"].shape == (6, 4, 8)
    for name, values in fused.layers.items():
        same(written.layers[name], values)


@pytest.mark.parametrize("how", ["mean", "max", "first", "last", "samples"])
def test_padded_tokens_are_as_if_they_were_not_there(how):
    net = zoo.transformer(9).eval()
    codes = torch.randint(1, 9, (6, 5))
    padded = torch.cat([codes, torch.zeros(6, 3, dtype=torch.int64)], 1)
    layers = ["blocks.0.ffn1", "blocks.1.attention", "blocks.1"]
    reduce = {"tokens": how}
    short = capture(net, (codes, Y), layers, reduce=reduce)
    long = capture(net, (padded, Y), layers, reduce=reduce, mask=lambda x: x != 0)
    for name, values in short.layers.items():
        same(long.layers[name], values)
    assert torch.equal(long.sample, short.sample)


def test_draws_are_rows_of_the_same_input_and_repeat_by_seed():
    net, x = zoo.mlp(4, (5,), 3, variant="stochastic"), torch.randn(6, 4)
    torch.manual_seed(1)
    acts = capture(net, [(x[:4], Y[:4]), (x[4:], Y[4:])], ["fc1"], draws=3)
    assert acts.sample.tolist() == [0, 1, 2, 3] * 3 + [4, 5] * 3
    noise = acts.layers["fc1"] - net.relu1[0](net.fc1(x)).detach()[acts.sample]
    assert 0.15 < float(noise.std()) < 0.25
    assert not torch.equal(acts.layers["fc1"][:4], acts.layers["fc1"][4:8])
    before = torch.get_rng_state()
    torch.manual_seed(1)
    again = capture(net, [(x[:4], Y[:4]), (x[4:], Y[4:])], ["fc1"], draws=3)
    assert torch.equal(again.layers["fc1"], acts.layers["fc1"])
    torch.manual_seed(1)
    assert torch.equal(before, torch.get_rng_state())


HUGGING_FACE = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 24}


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_bert_captures_without_special_code(attention):
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(vocab_size=50, num_labels=3, **HUGGING_FACE)
    config._attn_implementation = attention
    net = transformers.BertForSequenceClassification(config).eval()
    codes = torch.randint(1, 50, (6, 7))
    there = torch.ones(6, 7, dtype=torch.int64)
    there[0, 4:] = 0
    acts = capture(net, ({"input_ids": codes, "attention_mask": there}, Y))
    base = "bert.encoder.layer.1"
    assert acts.layers[f"{base}.intermediate.dense"].shape == (6, 24)
    assert acts.layers[f"{base}.attention.self"].shape == (6, 4, 4)
    assert torch.equal(acts.predicted, net(codes, attention_mask=there).logits.argmax(1))
    layer, hidden = net.bert.encoder.layer[0], net.bert.embeddings(codes[:1, :4])
    ffn = layer.intermediate(layer.attention(hidden)[0]).mean(1)
    torch.testing.assert_close(
        acts.layers["bert.encoder.layer.0.intermediate.dense"][:1], ffn.detach(), rtol=1e-4, atol=1e-5
    )


def test_vit_captures_its_class_token():
    transformers = pytest.importorskip("transformers")
    config = transformers.ViTConfig(image_size=16, patch_size=4, num_channels=1, num_labels=3, **HUGGING_FACE)
    net = transformers.ViTForImageClassification(config).eval()
    x = torch.randn(6, 1, 16, 16)
    acts = capture(net, (x, Y), reduce={"tokens": "first"})
    heads = [name for name, values in acts.layers.items() if values.ndim == 3]
    assert len(heads) == 2
    assert acts.layers["vit.embeddings.patch_embeddings.projection"].shape == (6, 16)
    residual = capture(net, (x, Y), ["vit.layernorm"], reduce={"tokens": "first"}).layers["vit.layernorm"]
    same(net.classifier(residual), net(x).logits)
