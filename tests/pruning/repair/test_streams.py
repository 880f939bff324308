"""Residual networks: what a layer's output is added to, and a repair that follows it."""

import pytest
import torch
from torch import nn

import pidnet as pn
from pidnet.networks.replay import Replay
from pidnet.pruning.repair._streams import survey, watched


class Residual(nn.Module):
    """Two blocks on one stream; ReLUs change what they get in place."""

    def __init__(self, width=6, inner=8, act=True):
        super().__init__()
        self.stem, self.head = nn.Conv2d(2, width, 3, padding=1), nn.Linear(width, 3)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                *(
                    nn.Conv2d(width, inner, 3, padding=1, bias=False),
                    nn.BatchNorm2d(inner),
                    nn.ReLU(inplace=True),
                ),
                *(nn.Conv2d(inner, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)),
            )
            for _ in range(2)
        )
        self.act = nn.ReLU(inplace=True) if act else nn.Identity()

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            y = block(x)
            y += x
            x = self.act(y)
        return self.head(x.mean((2, 3)))


@pytest.fixture
def residual():
    torch.manual_seed(0)
    model, x = Residual(), torch.randn(300, 2, 6, 6)
    with torch.no_grad():
        for block in model.blocks:
            block[1].weight.uniform_(0.5, 2)
            block[4].weight.uniform_(0.5, 2)
        model.train()(x)
    return model.eval(), x


def test_sums_norms_and_rectifiers_are_seen(residual):
    model, x = residual
    found = survey(model, ["stem", "blocks.0.0", "blocks.0.3", "head"], x[:2])
    assert [call.layer for call in found] == ["stem", "blocks.0.0", "blocks.0.3", "head"]
    assert [call.norm for call in found] == ["", "blocks.0.1", "blocks.0.4", ""]
    assert [call.rectified for call in found] == [True, False, True, False]
    assert found[1].total is None
    stem = model.stem(x[:2])
    torch.testing.assert_close(found[2].total, model.blocks[0](stem) + stem)
    torch.testing.assert_close(found[0].total, found[2].total)


@torch.no_grad()
def test_a_replay_gives_what_a_run_gives_and_runs_only_what_is_left(residual):
    model, x = residual
    replay, ran = Replay(model, [x[:9], x[9:20]]), []
    for name, module in model.named_modules():
        module.register_forward_hook(
            lambda *_, name=name, module=module: ran.append((name, "forward" in vars(module)))
        )
    for name in ("stem", "blocks.0.3", "blocks.1.0", "blocks.1.3", "head"):
        replay.reach(name)
        ran.clear()
        torch.testing.assert_close(replay.run(1), model(x[9:20]), atol=0, rtol=0)
    assert ("blocks.0", True) in ran
    assert not any("forward" in vars(module) for module in model.modules())


def test_a_layer_that_is_called_twice_gives_back_its_first_call_alone():
    torch.manual_seed(0)

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.last = nn.Linear(4, 4), nn.Linear(4, 2)

        def forward(self, x):
            return self.last(self.one(self.one(x).tanh()))

    model, x = Twice().eval(), torch.randn(5, 4)
    replay = Replay(model, [x])
    replay.reach("last")
    torch.testing.assert_close(replay.run(0), model(x), atol=0, rtol=0)


def test_a_watch_stops_when_all_has_been_seen(residual):
    model, x = residual
    expected = survey(model, ["blocks.0.3"], x[:2])
    ran = []
    model.blocks[1].register_forward_hook(lambda *_: ran.append("too far"))
    (call,) = watched(Replay(model, [x]), 0, expected)
    assert call.total is not None
    assert not ran


@torch.no_grad()
def test_planted_copies_leave_the_output_as_it_is(residual):
    model, x = residual
    block = model.blocks[0]
    for values in (
        block[0].weight,
        block[1].weight,
        block[1].bias,
        block[1].running_mean,
        block[1].running_var,
    ):
        values[4:] = values[:4]
    plan = pn.PruningPlan({"blocks.0.0": [0, 1, 2, 3]}, {}, "own")
    for repair in ("fold", "refit", "reconstruct"):
        small = pn.apply_plan(model, plan, (x, x), repair)
        torch.testing.assert_close(small(x), model(x), atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_a_layer_that_feeds_a_sum_makes_good_what_the_sum_lacks(residual):
    """The second block is whole, but the stream that reaches it is not: its last layer can mend that."""
    model, x = residual
    model.act = nn.Identity()
    plan = pn.PruningPlan({"blocks.0.0": [0, 1, 2]}, {}, "own")
    small = pn.apply_plan(model, plan, (x, x), "refit", batchnorm=False)

    def stream(net):
        y = net.stem(x)
        for block in net.blocks:
            y = y + block(y)
        return y

    own = pn.apply_plan(model, plan, (x, x), "fold")
    lost = [float(((stream(net) - stream(model)) ** 2).mean()) for net in (own, small)]
    assert lost[1] < 0.8 * lost[0]
