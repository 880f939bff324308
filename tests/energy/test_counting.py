"""The counter against hand counts: batch 1, weights and matrix products only."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from pidnet.energy import count, operations
from tests.energy.nets import Function, Transformer


def mlp():
    return nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))


def conv_net():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(64, 10),
    )


# Older releases lack some operations, or take others apart otherwise.
NEW_OPERATIONS = pytest.mark.skipif(not hasattr(torch.ops.aten, "_fused_rms_norm"), reason="an older torch")

REFERENCE = {
    "mlp": (mlp, (64,), 84_480),
    "conv": (conv_net, (1, 8, 8), 1_198_720),
    "lstm": (lambda: nn.LSTM(8, 64, batch_first=True), (8, 8), 147_456),
    "gru": (lambda: nn.GRU(8, 64, batch_first=True), (8, 8), 110_592),
    "transformer": (Transformer, (8, 8), 545_408),
}


@pytest.mark.parametrize("name", REFERENCE)
@pytest.mark.parametrize(("batch", "training"), [(1, False), (5, True)])
def test_hand_counts_of_five_networks(name, batch, training):
    make, shape, macs = REFERENCE[name]
    counts = count(make().train(training), torch.randn(batch, *shape))
    assert counts.macs == macs
    assert counts.unknown == {}


def test_a_linear_layer_in_full():
    counts = count(mlp(), torch.randn(3, 64))
    layer = counts.layers["2"]
    assert (layer.kind, layer.macs, layer.dtype) == ("linear", 256 * 256, "fp32")
    assert layer.weight_bytes == 4 * (256 * 256 + 256)
    assert (layer.input_bytes, layer.output_bytes) == (4 * 256, 4 * 256)
    assert counts.parameters == sum(p.numel() for p in mlp().parameters())
    assert counts.weight_bytes == 4 * counts.parameters
    assert list(counts.layers) == ["0", "1", "2", "3", "4"]


def test_norms_and_elementwise_work_are_counted_apart():
    layers = count(conv_net(), torch.randn(2, 1, 8, 8)).layers
    assert [layers[i].kind for i in "01234"] == ["conv", "norm", "elementwise", "conv", "elementwise"]
    assert (layers["1"].macs, layers["1"].weight_bytes) == (0, 4 * 2 * 32)
    assert (layers["2"].macs, layers["2"].elementwise) == (0, 32 * 64)
    assert (layers["4"].input_bytes, layers["4"].output_bytes) == (4 * 64 * 64, 4 * 64)
    assert "5" not in layers  # a view computes nothing


def test_embedding_and_every_norm_make_no_macs():
    net = nn.Sequential(nn.Embedding(10, 16), nn.LayerNorm(16), nn.RMSNorm(16), nn.GroupNorm(1, 5))
    counts = count(net, torch.randint(0, 10, (2, 5)))
    assert [layer.kind for layer in counts.layers.values()] == ["embedding", "norm", "norm", "norm"]
    assert counts.macs == 0
    assert counts.unknown == {}
    assert counts.layers["0"].weight_bytes == 4 * 160
    assert counts.layers["0"].output_bytes == 4 * 5 * 16


@pytest.mark.parametrize(
    ("layer", "shape", "macs"),
    [
        (
            nn.Conv2d(8, 12, (3, 5), stride=2, dilation=2, groups=4, padding=1),
            (8, 20, 20),
            9 * 7 * 12 * 2 * 15,
        ),
        (nn.Conv1d(8, 12, 3, padding="same"), (8, 20), 20 * 12 * 8 * 3),
        (nn.Conv1d(8, 12, 3, padding=1, padding_mode="circular"), (8, 20), 20 * 12 * 8 * 3),
        (nn.Conv2d(6, 6, 3, groups=6), (6, 5, 5), 9 * 6 * 9),
        (nn.Conv3d(2, 3, 3), (2, 5, 5, 5), 27 * 3 * 2 * 27),
        (nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2), (4, 5, 5), 4 * 25 * 3 * 9),
        (nn.Linear(16, 8, bias=False), (5, 16), 5 * 16 * 8),
    ],
)
def test_one_layer(layer, shape, macs):
    assert count(layer, torch.randn(3, *shape)).macs == macs


RECURRENT = [
    (nn.RNN(16, 12, nonlinearity="relu", batch_first=True), (5, 16), 5 * (12 * 16 + 12 * 12)),
    (nn.GRU(16, 12, 2, batch_first=True), (5, 16), 5 * 3 * (12 * 28 + 12 * 24)),
    (nn.LSTM(16, 12, bidirectional=True, batch_first=True), (5, 16), 2 * 5 * 4 * 12 * 28),
    (nn.LSTM(16, 12, 2, bidirectional=True, batch_first=True), (5, 16), 2 * 5 * 4 * 12 * (28 + 24 + 12)),
    (nn.LSTMCell(16, 12), (16,), 4 * 12 * 28),
    (nn.GRUCell(16, 12), (16,), 3 * 12 * 28),
    (nn.RNNCell(16, 12), (16,), 12 * 28),
]


@pytest.mark.parametrize(("layer", "shape", "macs"), RECURRENT)
def test_recurrent_layers(layer, shape, macs):
    counts = count(layer, torch.randn(3, *shape))
    assert counts.macs == macs
    assert counts.layers[""].kind == "recurrent"
    assert counts.layers[""].weight_bytes == counts.weight_bytes


@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_a_projected_lstm_adds_the_projection_at_every_step():
    layer = nn.LSTM(16, 12, batch_first=True, proj_size=3)
    assert count(layer, torch.randn(2, 5, 16)).macs == 5 * (4 * 12 * (16 + 3) + 12 * 3)


def test_a_bare_recurrent_module_has_its_batch_on_axis_one():
    assert count(nn.LSTM(8, 64), torch.randn(8, 3, 8)).macs == 147_456


def test_a_packed_sequence_costs_its_own_steps():
    def forward(net, x, lengths):
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(net.lstm(packed)[0], batch_first=True)[0]

    net = Function(forward, lstm=nn.LSTM(16, 12, batch_first=True))
    assert count(net, (torch.randn(2, 5, 16), torch.tensor([3, 5]))).macs == 3 * 4 * 12 * 28


PRODUCTS = 2 * 5 * 5 * 16


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("options", [{}, {"kdim": 16, "vdim": 16}])
def test_multihead_attention_has_projections_and_both_products(need_weights, options):
    attention = nn.MultiheadAttention(16, 4, batch_first=True, **options)
    net = Function(lambda net, x: net.a(x, x, x, need_weights=need_weights)[0], a=attention)
    counts = count(net, torch.randn(2, 5, 16))
    assert counts.macs == 4 * 5 * 16 * 16 + PRODUCTS
    assert counts.layers["a"].kind == "attention"
    assert counts.layers["a"].weight_bytes == counts.weight_bytes
    assert counts.layers["a"].input_bytes == 4 * 5 * 16
    assert counts.unknown == {}


@pytest.mark.parametrize("kernel", ["FLASH_ATTENTION", "MATH"])
@pytest.mark.parametrize("options", [{}, {"is_causal": True}])
def test_scaled_dot_product_attention_called_functionally(kernel, options):
    net = Function(lambda net, x: F.scaled_dot_product_attention(x, x, x, **options))
    with torch.nn.attention.sdpa_kernel(getattr(torch.nn.attention.SDPBackend, kernel)):
        assert count(net, torch.randn(2, 4, 5, 16)).macs == 4 * PRODUCTS


@NEW_OPERATIONS
def test_grouped_queries_cost_a_product_for_every_query_head():
    net = Function(lambda net, q, k: F.scaled_dot_product_attention(q, k, k, enable_gqa=True))
    assert count(net, (torch.randn(2, 4, 5, 16), torch.randn(2, 2, 5, 16))).macs == 4 * PRODUCTS


class HuggingFaceAttention(nn.Module):
    """The eager attention of a GPT-like block: linear layers, then two products of its own."""

    def __init__(self):
        super().__init__()
        self.qkv, self.out = nn.Linear(16, 48), nn.Linear(16, 16)

    def forward(self, hidden_states, attention_mask=None):
        q, k, v = self.qkv(hidden_states).view(-1, 5, 3, 4, 4).permute(2, 0, 3, 1, 4)
        scores = torch.matmul(q, k.transpose(-1, -2)) / 2
        scores = scores.masked_fill(attention_mask[:, None, None] == 0, -1e9)
        mixed = torch.matmul(scores.softmax(-1), v).transpose(1, 2).reshape(-1, 5, 16)
        return {"last_hidden_state": self.out(mixed)}


def test_a_block_that_multiplies_by_itself_gets_its_own_row():
    inputs = {"hidden_states": torch.randn(2, 5, 16), "attention_mask": torch.ones(2, 5)}
    counts = count(HuggingFaceAttention(), inputs)
    assert {n: (x.kind, x.macs) for n, x in counts.layers.items()} == {
        "": ("attention", PRODUCTS),
        "qkv": ("linear", 5 * 16 * 48),
        "out": ("linear", 5 * 16 * 16),
    }
    scores = 4 * 5 * 5
    assert counts.layers[""].input_bytes == 4 * (2 * 5 * 16 + scores + 5 * 16)
    assert counts.layers[""].output_bytes == 4 * (scores + 5 * 16)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.parametrize("padding", [False, True])
def test_the_fused_path_of_the_encoder_is_counted_as_if_it_were_not(padding):
    inputs = {"x": torch.randn(3, 8, 8), "padding": torch.zeros(3, 8, dtype=torch.bool) if padding else None}
    counts = count(Transformer().eval(), inputs)
    assert counts.macs == 545_408
    assert counts.unknown == {}
    assert "encoder.layers.1.linear2" in counts.layers


@pytest.mark.parametrize(
    "forward",
    [
        lambda net, x: x @ net.w,
        lambda net, x: F.linear(x, net.w.T),
        lambda net, x: torch.einsum("bti,io->bto", x, net.w),
        lambda net, x: torch.tensordot(x, net.w, dims=([2], [0])),
        lambda net, x: (x[0] @ net.w.sign())[None],
        torch.inference_mode()(lambda net, x: F.linear(x, net.w.T)),
    ],
)
def test_a_product_is_counted_however_it_is_written(forward):
    counts = count(Function(forward, w=torch.randn(16, 8)), torch.randn(2, 5, 16))
    assert counts.macs == 5 * 16 * 8
    assert counts.unknown == {}
    assert (counts.layers[""].kind, counts.layers[""].weight_bytes) == ("linear", 4 * 16 * 8)


def test_a_layer_used_twice_works_twice_and_weighs_once():
    layer = nn.Linear(16, 16)
    counts = count(nn.Sequential(layer, nn.ReLU(), layer), torch.randn(2, 16))
    assert counts.macs == 2 * 256
    assert counts.layers["0"].weight_bytes == counts.weight_bytes == 4 * 272
    assert counts.parameters == 272
    assert counts.layers["0"].input_bytes == 2 * 4 * 16


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_bytes_and_dtype_follow_the_tensors(dtype):
    layer = count(nn.Linear(16, 8).to(dtype), torch.randn(2, 16, dtype=dtype)).layers[""]
    assert layer.dtype == {torch.bfloat16: "bf16", torch.float64: "fp64"}[dtype]
    assert layer.weight_bytes == dtype.itemsize * 136
    assert (layer.input_bytes, layer.output_bytes) == (dtype.itemsize * 16, dtype.itemsize * 8)


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (Function(lambda net, x: torch.fft.rfft(x).real), "_fft_r2c"),
        (Function(lambda net, x: torch.cdist(x, x)), "_cdist_forward"),
        (Function(lambda net, x: torch.from_numpy(x.numpy() * 2)), "Tensor.numpy"),
        (Function(lambda net, x: torch.tensor(x.tolist())), "Tensor.tolist"),
    ],
)
def test_work_that_is_not_known_is_named(module, reason):
    counts = count(nn.Sequential(nn.Linear(16, 4), module), torch.randn(2, 5, 16))
    assert counts.macs == 5 * 64
    assert set(counts.unknown) == {"1"}
    assert reason in counts.unknown["1"]


def test_a_module_whose_work_torch_never_sees_is_named():
    values = torch.ones(1, 5, 4)
    net = nn.Sequential(nn.Linear(16, 4), Function(lambda net, x: values))
    assert "no torch operation" in count(net, torch.randn(2, 5, 16)).unknown["1"]


def test_parameters_that_are_never_read_are_named():
    net = nn.ModuleDict({"used": nn.Linear(16, 4), "aux": nn.Linear(4, 4)})
    net.forward = lambda x: net["used"](x)
    counts = count(net, torch.randn(2, 16))
    assert set(counts.unknown) == {"aux"}
    assert counts.parameters == 68 + 20


ACTIVATIONS = [
    *(nn.ELU, nn.SELU, nn.PReLU, nn.Softplus, nn.Hardswish, nn.Mish, nn.CELU),
    *(nn.SiLU, nn.ReLU6, nn.LogSigmoid, nn.Tanh, nn.GELU, nn.Hardtanh),
]


@NEW_OPERATIONS
def test_common_activations_and_pools_are_known():
    pools = [nn.MaxPool2d(2), nn.AvgPool2d(2, 1), nn.Upsample(scale_factor=2), nn.AdaptiveMaxPool2d(2)]
    net = nn.Sequential(*(activation() for activation in ACTIVATIONS), nn.Softmax(1), nn.ZeroPad2d(1), *pools)
    counts = count(net, torch.randn(2, 3, 8, 8))
    assert counts.macs == 0
    assert counts.unknown == {}


@NEW_OPERATIONS
def test_every_operation_in_the_tables_is_one_of_torch():
    known = {*operations.MULTIPLYING, *operations.EMBEDDING, *operations.NORM}
    known |= operations.ELEMENTWISE | operations.MOVING
    assert {name for name in known if not hasattr(torch.ops.aten, name)} == set()
