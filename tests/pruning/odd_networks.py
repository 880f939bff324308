"""Networks that can be cut although they are odd, and such as cannot, with the reason."""

import torch
from torch import nn
from torch.nn import functional


class Net(nn.Module):
    """Modules by name and a forward pass."""

    def __init__(self, run, **modules):
        super().__init__()
        self.run = run
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, x):
        return self.run(self, x)


def linear(run, width=6, **modules):
    """Net with a first layer ``a`` of some units and a head."""
    return Net(run, a=nn.Linear(5, width), head=nn.Linear(6, 3), **modules)


def images(*layers):
    return nn.Sequential(nn.Conv2d(1, 8, 3), *layers, nn.ReLU(), nn.Flatten(), nn.LazyLinear(3))


def attention(**options):
    layers = {"a": nn.Linear(5, 16), "m": nn.MultiheadAttention(16, 4, batch_first=True, **options)}
    return Net(
        lambda s, x: s.head(s.f(s.m(*[s.a(x)] * 3)[0]).relu().mean(1)),
        **layers,
        f=nn.Linear(16, 12),
        head=nn.Linear(12, 3),
    )


def recurrent(kind=nn.LSTM, **options):
    width = 6 * (1 + options.get("bidirectional", False))
    first = options.get("batch_first", False)
    return Net(
        lambda s, x: s.head(
            (s.rnn(x)[0] if first else s.rnn(x.mT.mT.transpose(0, 1))[0].transpose(0, 1)).mean(1)
        ),
        rnn=kind(5, 6, **options),
        head=nn.Linear(width, 3),
    )


def shared():
    net = linear(lambda s, x: s.head(s.c(s.b(s.a(x).relu()).relu())), b=nn.Linear(6, 6), c=nn.Linear(6, 6))
    net.c.weight = net.b.weight
    return net


def tied():
    net = Net(lambda s, x: s.out(s.a(s.e(x)).relu().mean(1)), e=nn.Embedding(20, 8), a=nn.Linear(8, 8))
    net.out = nn.Linear(8, 20, bias=False)
    net.out.weight = net.e.weight
    return net


def functional_attention(net, x):
    q, k, v = (part.unflatten(-1, (2, 4)).transpose(1, 2) for part in net.qkv(x).chunk(3, -1))
    y = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
    return net.head((y + net.out(net.ffn(y).relu())).mean(1))


FUNCTIONAL = {
    "qkv": nn.Linear(5, 24),
    "ffn": nn.Linear(8, 12),
    "out": nn.Linear(12, 8),
    "head": nn.Linear(8, 3),
}

WORKS = {
    "gate": (
        lambda: linear(lambda s, x: s.head(s.a(x).relu() * s.b(x).sigmoid()), b=nn.Linear(5, 6)),
        (5,),
        "a",
    ),
    "relu cell": (
        lambda: linear(lambda s, x: s.head(s.rnn(x, s.rnn(x))), rnn=nn.RNNCell(5, 6, nonlinearity="relu")),
        (5,),
        "rnn",
    ),
    "dropout": (lambda: nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Dropout(), nn.Linear(6, 3)), (5,), "0"),
    "used twice": (
        lambda: linear(lambda s, x: s.head(s.b(s.b(s.a(x)).relu())), b=nn.Linear(6, 6)),
        (5,),
        "a",
    ),
    "same padding": (lambda: images(nn.ReLU(), nn.Conv2d(8, 6, 3, padding="same")), (1, 6, 6), "0"),
    "reflected": (
        lambda: images(nn.ReLU(), nn.Conv2d(8, 6, 3, padding=1, padding_mode="reflect")),
        (1, 6, 6),
        "0",
    ),
    "strided, dilated": (lambda: images(nn.Conv2d(8, 6, 2, stride=2, dilation=2)), (1, 8, 8), "0"),
    "gated": (lambda: nn.Sequential(nn.Linear(5, 12), nn.GLU(), nn.Linear(6, 3)), (5,), "0"),
    "gated channels, normed": (
        lambda: nn.Sequential(
            *(
                nn.Conv2d(1, 8, 3),
                nn.BatchNorm2d(8),
                nn.GLU(1),
                nn.Conv2d(4, 6, 3),
                nn.Flatten(),
                nn.LazyLinear(3),
            )
        ),
        (1, 6, 6),
        "0",
    ),
    "gated by hand": (
        lambda: linear(lambda s, x: s.head(s.a(x).chunk(2, -1)[0].tanh() * s.a(x).chunk(2, -1)[1]), width=12),
        (5,),
        "a",
    ),
    "group norm": (lambda: images(nn.GroupNorm(4, 8), nn.Conv2d(8, 6, 3)), (1, 6, 6), "0"),
    "group norm, groups of one": (lambda: images(nn.GroupNorm(8, 8), nn.Conv2d(8, 6, 3)), (1, 6, 6), "0"),
    "instance norm": (
        lambda: images(nn.InstanceNorm2d(8, affine=True), nn.Conv2d(8, 6, 3)),
        (1, 6, 6),
        "0",
    ),
    "transposed": (
        lambda: images(nn.ConvTranspose2d(8, 6, 3, 2, 1, 1), nn.ReLU(), nn.Conv2d(6, 6, 3)),
        (1, 4, 4),
        "1",
    ),
    "into transposed": (lambda: images(nn.ReLU(), nn.ConvTranspose2d(8, 6, 3, dilation=2)), (1, 4, 4), "0"),
    "transposed, each channel by itself": (
        lambda: images(nn.ConvTranspose2d(8, 8, 2, 2, groups=8), nn.Conv2d(8, 6, 3)),
        (1, 4, 4),
        "0",
    ),
    "transposed in groups": (
        lambda: images(nn.ConvTranspose2d(8, 12, 2, 2, groups=4), nn.Conv2d(12, 6, 3)),
        (1, 4, 4),
        "0",
    ),
    "transposed sequences": (
        lambda: nn.Sequential(
            nn.Conv1d(1, 6, 3), nn.ELU(), nn.ConvTranspose1d(6, 4, 4, 2), nn.Flatten(), nn.LazyLinear(3)
        ),
        (1, 9),
        "2",
    ),
    "3-D": (
        lambda: nn.Sequential(
            *(nn.Conv3d(1, 4, 2), nn.BatchNorm3d(4), nn.PReLU(4), nn.Conv3d(4, 5, 2), nn.PReLU()),
            *(nn.Flatten(), nn.LazyLinear(3)),
        ),
        (1, 4, 4, 4),
        "0",
    ),
    "groups": (
        lambda: images(nn.Conv2d(8, 16, 3, groups=4), nn.BatchNorm2d(16), nn.Conv2d(16, 6, 1)),
        (1, 6, 6),
        "0",
    ),
    "groups in groups": (
        lambda: images(nn.GroupNorm(8, 8), nn.Conv2d(8, 16, 3, groups=4), nn.GroupNorm(4, 16), nn.Flatten()),
        (1, 6, 6),
        "0",
    ),
    "two channels for each": (
        lambda: images(nn.Conv2d(8, 16, 3, groups=8), nn.ReLU(), nn.Conv2d(16, 6, 1)),
        (1, 6, 6),
        "0",
    ),
    "slopes": (lambda: images(nn.PReLU(8), nn.Conv2d(8, 6, 3)), (1, 6, 6), "0"),
    "slopes of a sequence": (
        lambda: Net(
            lambda s, x: s.head(s.act(s.a(x)).mT.relu().mean(1)),
            a=nn.Conv1d(4, 6, 1),
            act=nn.PReLU(6),
            head=nn.Linear(6, 3),
        ),
        (4, 5),
        "a",
    ),
    "norm without weights": (lambda: images(nn.BatchNorm2d(8, affine=False)), (1, 6, 6), "0"),
    "attention, inputs": (attention, (4, 5), "a"),
    "attention, outputs": (lambda: attention(bias=False), (4, 5), "m.out_proj"),
    "attention, heads": (lambda: attention(dropout=0.5), (4, 5), "m"),
    "lstm without bias": (lambda: recurrent(bias=False), (4, 5), "rnn.l0"),
    "gru, step first": (lambda: recurrent(nn.GRU, num_layers=2, bidirectional=True), (4, 5), "rnn.l1"),
    "relu rnn": (
        lambda: recurrent(nn.RNN, num_layers=2, nonlinearity="relu", batch_first=True),
        (4, 5),
        "rnn.l0",
    ),
    "output in a dict": (lambda: linear(lambda s, x: {"logits": s.head(s.a(x).relu())}), (5,), "a"),
    "ffn beside functional attention": (lambda: Net(functional_attention, **FUNCTIONAL), (4, 5), "ffn"),
}

REFUSED = {
    "layer norm": (
        lambda: nn.Sequential(nn.Linear(5, 6), nn.Sigmoid(), nn.LayerNorm(6), nn.Linear(6, 3)),
        "0",
        "removing units of 0 changes the output even when they are 0 before their norm",
    ),
    "layer norm of images": (
        lambda: images(nn.LayerNorm((8, 4, 4))),
        "0",
        "LayerNorm '1', which mixes them",
    ),
    "groups that units do not fill": (
        lambda: images(nn.MaxPool2d(2), nn.ChannelShuffle(2), nn.Conv2d(8, 8, 3, padding=1, groups=2)),
        "0",
        "Conv2d '3', which makes groups of 4 that they do not fill",
    ),
    "groups of the input": (
        lambda: nn.Sequential(nn.Conv2d(2, 8, 3, groups=2), nn.ReLU(), nn.Flatten(), nn.Linear(128, 3)),
        "0",
        "a convolution of 2 groups: they go with the units that it reads, or not at all",
    ),
    "shared weights": (shared, "b", "the weights of 'b' are shared with 'c'"),
    "tied embedding": (tied, "a", "the weights of 'out' are shared with 'e'"),
    "embedding": (tied, "e", "'weight' cannot be cut here: it is of type Embedding"),
    "parameter matrix": (
        lambda: Net(lambda s, x: s.a(x) @ s.w, a=nn.Linear(5, 6), w=nn.Parameter(torch.ones(6, 3))),
        "a",
        "an operation that is not a layer mixes its units before the output",
    ),
    "weights in a function": (
        lambda: linear(lambda s, x: functional.linear(s.a(x).relu(), s.head.weight)),
        "a",
        "an operation that is not a layer mixes its units before the output",
    ),
    "parameter per unit": (
        lambda: linear(lambda s, x: s.head(s.a(x) * s.w), w=nn.Parameter(torch.ones(6))),
        "a",
        "removing units of a leaves a network that does not run",
    ),
    "width in the formula": (
        lambda: linear(lambda s, x: s.head(s.a(x)) / s.a.out_features),
        "a",
        "removing units of a changes the output even when no later layer uses them",
    ),
    "counted units": (
        lambda: linear(lambda s, x: s.head(s.a(x)) + (s.a(x) > 0).float().mean(1, keepdim=True)),
        "a",
        "removing units of a changes the output even when no later layer uses them",
    ),
    "fixed shape": (
        lambda: linear(lambda s, x: s.head(s.a(x).view(-1, 2, 3).flatten(1))),
        "a",
        "removing units of a leaves a network that does not run",
    ),
    "three for one": (
        lambda: linear(lambda s, x: s.head(s.a(x).unflatten(-1, (3, 6)).amax(1)), 18),
        "a",
        "mixed before they reach 'head'",
    ),
    "parametrized": (
        lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(5, 6)), nn.Linear(6, 3)),
        "0",
        "the weights of '0' are computed by a parametrization; remove that first",
    ),
    "read by a parametrized": (
        lambda: nn.Sequential(nn.Linear(5, 6), nn.utils.parametrizations.spectral_norm(nn.Linear(6, 3))),
        "0",
        "the weights of '1' are computed by a parametrization; remove that first",
    ),
    "lstm with projections": (
        lambda: Net(
            lambda s, x: s.head(s.rnn(x)[0][:, -1]), rnn=nn.LSTM(5, 6, proj_size=4), head=nn.Linear(4, 3)
        ),
        "rnn",
        r"type LSTM with projections \(proj_size=4\)",
    ),
    "cell with a state of its own": (
        lambda: linear(lambda s, x: s.head(s.rnn(x, x.new_zeros(len(x), 6))), rnn=nn.GRUCell(5, 6)),
        "rnn",
        "removing units of rnn leaves a network that does not run",
    ),
    "attention with extra keys": (lambda: attention(add_bias_kv=True), "m", "type MultiheadAttention"),
    "attention with a zero key": (lambda: attention(add_zero_attn=True), "m", "type MultiheadAttention"),
    "functional attention": (
        lambda: Net(functional_attention, **FUNCTIONAL),
        "qkv",
        "different numbers of columns|its units are mixed",
    ),
    "added to functional attention": (lambda: Net(functional_attention, **FUNCTIONAL), "out", "does not run"),
}

SHAPES = {
    "groups of the input": (2, 6, 6),
    "layer norm": (5,),
    "lstm with projections": (4, 5),
    "attention with extra keys": (4, 5),
    "attention with a zero key": (4, 5),
    "functional attention": (4, 5),
    "added to functional attention": (4, 5),
}
