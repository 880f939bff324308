"""Random small networks of all families with odd shapes; each tells its units itself."""

from itertools import pairwise

import torch
from hypothesis import strategies as st
from torch import nn

# All are 0 at 0, so that a unit without incoming weights is silent.
ACTIVATIONS = (nn.ReLU, nn.Tanh, nn.GELU, nn.SiLU, nn.ReLU6, nn.PReLU, lambda: nn.ReLU(inplace=True))
WIDTHS = st.sampled_from([1, 2, 3, 5, 8])
KEEPS_UNITS = (nn.ReLU, nn.Tanh, nn.GELU, nn.SiLU, nn.ReLU6, nn.PReLU, nn.BatchNorm2d, nn.Identity)


class Told(nn.Module):
    """A network that tells its units itself: ``told`` has layer -> (sample, unit) of the last forward pass."""

    def __init__(self):
        super().__init__()
        self.told = {}

    def tell(self, name, values):
        self.told[name] = values.detach().clone()


class Chain(Told):
    """Layers one after the other."""

    def __init__(self, *parts):
        super().__init__()
        self.parts = nn.Sequential(*parts)

    def forward(self, x):
        name = None
        for index, part in enumerate(self.parts):
            x = part(x)
            if isinstance(part, nn.Linear | nn.Conv1d | nn.Conv2d):
                name = f"parts.{index}"
            elif not isinstance(part, KEEPS_UNITS):
                name = None
            if name:
                self.tell(name, x if x.ndim == 2 else x.flatten(2).mean(2))
        return x


class Recurrent(Told):
    """A recurrent layer, a fully connected one at every step, a mean over steps."""

    def __init__(self, kind, width, layers, both, first, classes):
        super().__init__()
        self.rnn = kind(3, width, layers, bidirectional=both, batch_first=first)
        self.fc, self.out = nn.Linear(width * (1 + both), width), nn.Linear(width, classes)
        self.steps = 1 if first else 0

    def forward(self, x):
        h = self.rnn(x if self.steps else x.transpose(0, 1))[0]
        width = self.rnn.hidden_size
        top = f"rnn.l{self.rnn.num_layers - 1}"
        self.tell(top, h.select(self.steps, -1)[:, :width])
        if self.rnn.bidirectional:
            self.tell(f"{top}_reverse", h.select(self.steps, 0)[:, width:])
        h = torch.relu(self.fc(h))
        self.tell("fc", h.mean(self.steps))
        return self.out(h.mean(self.steps))


class Folded(Told):
    """Frames folded into the batch and out of it again."""

    def __init__(self, width, frames, classes):
        super().__init__()
        self.frame, self.out = nn.Linear(3, width), nn.Linear(width * frames, classes)

    def forward(self, x):
        return self.out(torch.relu(self.frame(x.reshape(-1, 3))).reshape(-1, self.out.in_features))


class Attending(Told):
    """Self-attention with a feed-forward block, tokens first or second."""

    def __init__(self, heads, width, first, classes):
        super().__init__()
        self.embed = nn.Linear(3, 4 * heads)
        self.block = nn.TransformerEncoderLayer(4 * heads, heads, width, dropout=0.0, batch_first=first)
        self.out, self.tokens = nn.Linear(4 * heads, classes), 1 if first else 0

    def forward(self, x):
        h = self.embed(x if self.tokens else x.transpose(0, 1))
        self.tell("embed", h.mean(self.tokens))
        return self.out(self.block(h).mean(self.tokens))


class Residual(Told):
    """A stream that blocks read and add to; the second block may be the first once more."""

    def __init__(self, width, inner, shared, classes):
        super().__init__()
        self.stem, self.out = nn.Linear(3, width), nn.Linear(width, classes)
        self.up, self.down, self.shared = nn.Linear(width, inner), nn.Linear(inner, width), shared

    def forward(self, x):
        h = self.stem(x)
        self.tell("stem", h)
        for _ in range(1 + self.shared):
            inner = torch.tanh(self.up(h))
            h = h + self.down(inner)
        if not self.shared:
            self.tell("up", inner)
        return self.out(h)


class ChannelsLast(Told):
    """Blocks on (sample, height, width, channel), as in ConvNeXt and Swin, and two branches side by side."""

    def __init__(self, width, classes):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(2, width, 1), nn.LayerNorm(width)
        self.a, self.b, self.out = nn.Linear(width, 3), nn.Linear(width, 2), nn.Linear(5, classes)

    def forward(self, x):
        x = self.stem(x)
        self.tell("stem", x.mean((2, 3)))
        x = self.norm(x.permute(0, 2, 3, 1))
        a, b = torch.relu(self.a(x)), nn.functional.gelu(self.b(x))
        self.tell("a", a.mean((1, 2)))
        self.tell("b", b.mean((1, 2)))
        return self.out(torch.cat([a, b], -1).mean((1, 2)))


@st.composite
def mlps(draw):
    sizes = [4, *draw(st.lists(WIDTHS, min_size=1, max_size=3))]
    act = draw(st.sampled_from(ACTIVATIONS))
    parts = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), act())]
    return Chain(*parts, nn.Linear(sizes[-1], draw(st.sampled_from([1, 2, 3])))), (4,)


@st.composite
def convolutional(draw):
    first, second, side, flat = draw(WIDTHS), draw(WIDTHS), draw(st.integers(4, 6)), draw(st.booleans())
    conv = nn.Conv1d if flat else nn.Conv2d
    norms = [nn.Identity, lambda n: nn.GroupNorm(1, n), *([] if flat else [nn.BatchNorm2d])]
    pools = [nn.AdaptiveAvgPool1d(1), nn.MaxPool1d(2)] if flat else [nn.AdaptiveAvgPool2d(1), nn.MaxPool2d(2)]
    parts = [
        conv(2, first, 3, padding=1),
        draw(st.sampled_from(norms))(first),
        draw(st.sampled_from(ACTIVATIONS))(),
        conv(first, second, draw(st.sampled_from([1, 3])), stride=draw(st.sampled_from([1, 2])), padding=1),
        nn.ReLU(),
        draw(st.sampled_from(pools)),
        nn.Flatten(),
    ]
    shape = (2, side) if flat else (2, side, side)
    features = nn.Sequential(*parts).eval()(torch.zeros(1, *shape)).shape[1]
    return Chain(*parts, nn.Linear(features, 3)), shape


@st.composite
def sequential(draw):
    steps, width, first = draw(st.sampled_from([1, 2, 5, 10, 20])), draw(WIDTHS), draw(st.booleans())
    classes = draw(st.sampled_from([1, 3]))
    match draw(st.sampled_from(["recurrent", "attending", "folded"])):
        case "recurrent":
            kind = draw(st.sampled_from([nn.LSTM, nn.GRU, nn.RNN]))
            model = Recurrent(kind, width, draw(st.sampled_from([1, 2])), draw(st.booleans()), first, classes)
        case "attending":
            model = Attending(draw(st.sampled_from([1, 2])), width, first, classes)
        case _:
            model = Folded(width, steps, classes)
    return model, (steps, 3)


@st.composite
def branched(draw):
    classes = draw(st.sampled_from([1, 2, 3]))
    if draw(st.booleans()):
        return Residual(draw(WIDTHS), draw(WIDTHS), draw(st.booleans()), classes), (3,)
    return ChannelsLast(draw(WIDTHS), classes), (2, draw(st.integers(2, 6)), draw(st.integers(2, 6)))


@st.composite
def networks(draw, sizes=(2, 5, 10, 20, 24)):
    """A model in eval mode, with dead units now and then, and data whose batch may equal the number of steps."""
    torch.manual_seed(draw(st.integers(0, 1000)))
    model, shape = draw(st.one_of(mlps(), convolutional(), sequential(), branched()))
    layers = [m for m in model.modules() if isinstance(m, nn.Linear | nn.Conv1d | nn.Conv2d)]
    if draw(st.integers(0, 3)) == 0:
        with torch.no_grad():
            layers[draw(st.integers(0, len(layers) - 2))].bias[draw(st.integers(0, 2)) :] = -50
    x = torch.randn(draw(st.sampled_from(sizes)), *shape)
    return model.eval(), (x, torch.arange(len(x)) % 2)
