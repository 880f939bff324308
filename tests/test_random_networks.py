"""Random small networks of odd shapes: the right answer, or one sentence of ours; never a raw error from below.

A few networks here; ``python -m benchmarks.random_networks --nets 2000`` runs this file on as many as one likes.
"""

import os
import traceback
import warnings
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, Phase, assume, event, given, seed, settings, strategies as st
from torch import nn

import pidnet as pn

OURS = str(Path(pn.__file__).parent)
NETS, SEED = int(os.environ.get("PIDNET_NETS", "10")), int(os.environ.get("PIDNET_SEED", "0"))
# All are 0 at 0, so that a unit without incoming weights is silent.
ACTIVATIONS = (nn.ReLU, nn.Tanh, nn.GELU, nn.SiLU, nn.ReLU6, nn.PReLU, lambda: nn.ReLU(inplace=True))
WIDTHS = st.sampled_from([1, 2, 3, 5, 8])
KEEPS_UNITS = (nn.ReLU, nn.Tanh, nn.GELU, nn.SiLU, nn.ReLU6, nn.PReLU, nn.BatchNorm2d, nn.Identity)


def many(test):
    """The test on ``NETS`` random networks, the same ones in every run."""
    phases = [Phase.generate, Phase.shrink] if NETS < 50 else [Phase.generate]
    chosen = settings(
        max_examples=NETS,
        phases=phases,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    return seed(SEED)(chosen(test))


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


def said(call):
    """What a call gives, or None where it said in one sentence of ours why it gives nothing."""
    error = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            return call()
        except (ValueError, TypeError) as raised:
            error = raised
    innermost = traceback.extract_tb(error.__traceback__)[-1]
    assert innermost.filename.startswith(OURS), f"raised from below: {error!r}"
    assert len(str(error).splitlines()) == 1, f"not one sentence: {error}"
    event(f"refused: {str(error)[:60]}")
    return None


def outputs(model, data):
    with torch.no_grad():
        return model(data[0])


@many
@given(networks())
def test_a_batch_is_read_as_the_network_itself_tells_its_samples_one_by_one(drawn):
    model, (x, y) = drawn
    together = said(lambda: pn.capture(model, (x, y)))
    alone = said(lambda: pn.capture(model, list(zip(x.split(1), y.split(1), strict=True))))
    assert (together is None) == (alone is None)
    if together is None:
        return
    assert together.layers.keys() == alone.layers.keys()
    assert together.layers.keys() | together.skipped.keys() >= model.told.keys()
    told = []
    for sample in x.split(1):
        outputs(model, (sample,))
        told.append(dict(model.told))
    for name, values in together.layers.items():
        torch.testing.assert_close(values, alone.layers[name], rtol=1e-4, atol=1e-5)
        if name in model.told:
            truth = torch.cat([one[name] for one in told])
            torch.testing.assert_close(values, truth, rtol=1e-4, atol=1e-5)


@many
@given(
    networks(), st.sampled_from(["pid", "obs", "l2", "random", "taylor"]), st.sampled_from([0.3, 0.5, 1.0])
)
def test_every_network_is_planned_and_cut_or_refused_in_words(drawn, criterion, keep):
    model, data = drawn
    search = {"search": False} if criterion == "pid" else {}
    plan = said(lambda: pn.plan_pruning(model, data, keep=keep, criterion=criterion, **search))
    if plan is None:
        return
    small = said(lambda: pn.apply_plan(model, plan, data))
    assert small is not None, "a plan that was made is carried out"
    assert outputs(small, data).shape == outputs(model, data).shape
    if keep == 1.0:
        torch.testing.assert_close(outputs(small, data), outputs(model, data), rtol=1e-3, atol=1e-4)


def incoming(model, name, units):
    """The weights and biases that make a layer, as (gate, unit, ...); to change them is to change the network."""
    module, _, layer = name.rpartition(".")
    if isinstance(model.get_submodule(module), nn.RNNBase):
        owners, ends = [module], (f"_{layer}",)
    else:
        owners, ends = [name, "down"] if isinstance(model, Residual) and name == "stem" else [name], ("",)
    for owner in owners:
        for key, weight in model.get_submodule(owner).named_parameters():
            if key.startswith("in_proj"):
                yield weight.data.unflatten(0, (3, units, -1))
            elif key.endswith(ends) and not key.startswith("out_proj"):
                yield weight.data.unflatten(0, (-1, units))


def plant(model, plan, kind):
    """Units that cost nothing, as many in each layer as the plan removes: silent ones, or twins of one that stays.

    A layer that is normalized over its units stays as it is: each of them changes what the others put out.
    """
    parts = getattr(model, "parts", ())
    normalized = {f"parts.{i - 1}" for i, part in enumerate(parts) if isinstance(part, nn.GroupNorm)}
    if not isinstance(model, Residual):
        normalized |= {"stem", "embed"}
    for name, kept in plan.kept.items():
        if name not in normalized:
            spare = plan.units[name] - len(kept)
            for weight in incoming(model, name, plan.units[name]):
                weight[:, :spare] = 0 if kind == "silent" else weight[:, spare : spare + 1].clone()
            yield name


CUTS = [
    ("silent", "l2", "none"),
    ("silent", "l2", "refit"),
    ("silent", "obs", "reconstruct"),
    ("silent", "pid", "fold"),
    ("twin", "obs", "fold"),
    ("twin", "obs", "refit"),
    ("twin", "pid", "fold"),
]


@many
@given(networks(sizes=(400,)), st.sampled_from(CUTS))  # more samples than features: zero cost is no accident
def test_a_cut_at_no_cost_changes_nothing(drawn, chosen):
    model, data = drawn
    kind, criterion, repair = chosen
    plan = said(lambda: pn.plan_pruning(model, data, keep=0.5, criterion="l2"))
    assume(plan is not None)
    planted = list(plant(model, plan, kind))
    before = outputs(model, data)
    plan = said(lambda: pn.plan_pruning(model, data, keep=0.5, criterion=criterion))
    assert plan is not None, "what l2 plans is planned by others"
    plan.kept.update({name: list(range(n)) for name, n in plan.units.items() if name not in planted})
    assume(plan.share_kept < 1)
    event(f"cut {type(model).__name__}")
    assert sum(unit.cost for name in planted for unit in plan.still_removed(name)) < 1e-3
    small = pn.apply_plan(model, plan, data, repair=repair)
    # What others can replace costs what the ridge of the criteria makes it cost, a little more than nothing.
    torch.testing.assert_close(outputs(small, data), before, rtol=0, atol=0.02 * float(before.abs().max()))


@many
@given(networks(), st.sampled_from(["i_min", "i_mmi"]))
def test_every_network_is_mapped_or_refused_in_words(drawn, measure):
    model, data = drawn
    acts = said(lambda: pn.capture(model, data))
    codes = None if acts is None else said(lambda: pn.quantize(acts, levels=2))
    if codes is None:
        return
    maps = said(lambda: pn.layer_maps(codes, measure, correction="none", null="none"))
    if maps is not None:
        assert maps.keys() | maps.skipped.keys() >= acts.layers.keys()


if NETS > 500:
    pytestmark = pytest.mark.filterwarnings("ignore")
