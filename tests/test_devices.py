"""Model and data on another device than the CPU, alone or together (fault F4).

Where there is a GPU, the tests run on it. Everywhere they also run, in a process of their own, on a device that poses as
one in host memory (``tests.elsewhere``), which notices tensors of two devices in one operation.
"""

import copy
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

import pidnet as pn
from pidnet.cli import app

POSING = "PIDNET_TEST_ELSEWHERE" in os.environ
if POSING:
    from tests.elsewhere import There
DEVICE = "elsewhere" if POSING else "cuda" if torch.cuda.is_available() else ""
on_device = pytest.mark.skipif(not DEVICE, reason="no GPU")


class Attention(nn.Module):
    """torch's own attention before a head."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.attention(x, x, x)[0].relu().mean(1))


NETS = {
    "mlp": (lambda: pn.zoo.mlp(6, (5,), 3), (6,)),
    "conv": (lambda: pn.zoo.conv(1, (4, 5), 3), (1, 8, 8)),
    "lstm": (lambda: pn.zoo.lstm(3, 4, 3, bidirectional=True), (2, 3)),
    "gru": (lambda: pn.zoo.gru(3, 4, 3), (2, 3)),
    "transformer": (lambda: pn.zoo.transformer(3, (5,), 3, width=4, heads=2), (3, 3)),
    "attention": (Attention, (3, 4)),
}
MINE = """
import torch
import pidnet as pn

def net():
    return pn.zoo.mlp(6, (5,), 3)

def data():
    return torch.randn(40, 6, generator=torch.Generator().manual_seed(0)), torch.arange(40) % 3
"""
REPAIRED = ("mlp", "conv", "lstm", "attention")
IN_CODES = {
    "lstm": lambda: pn.zoo.lstm(5, 4, 3),
    "transformer": lambda: pn.zoo.transformer(5, (5,), 3, width=4, heads=2),
}


def made(which, samples=20):
    """A network, the same one on the device, and data on the CPU."""
    torch.manual_seed(0)
    build, shape = NETS[which]
    net, x = build().eval(), torch.randn(samples, *shape)
    return net, copy.deepcopy(net).to(DEVICE), (x, torch.arange(samples) % 3)


def moved(data, where):
    return tuple(part.to(where or DEVICE) for part in data)


def devices(model):
    return {tensor.device.type for tensor in (*model.parameters(), *model.buffers())}


def same(found, expected):
    rtol, atol = (1e-2, 2e-3) if DEVICE == "cuda" else (1e-3, 1e-4)  # cuDNN multiplies in TF32
    torch.testing.assert_close(found.detach().cpu(), expected.detach(), rtol=rtol, atol=atol)


@on_device
@pytest.mark.parametrize("where", ["cpu", ""])
@pytest.mark.parametrize("which", NETS)
def test_capture_brings_the_units_to_the_cpu(which, where):
    net, there, data = made(which)
    expected, acts = pn.capture(net, data), pn.capture(there, moved(data, where))
    for name, values in expected.layers.items():
        same(acts.layers[name], values)
    tensors = [*acts.layers.values(), acts.target, acts.sample, acts.predicted]
    assert {tensor.device.type for tensor in tensors} == {"cpu"}
    codes = pn.capture_codes(there, [moved(data, where)], pn.quantize(acts, 2))
    assert len(pn.layer_maps(codes, measure="i_min", correction=None)) == len(acts.layers)


@on_device
@pytest.mark.parametrize("how", ["mean", "max", "first", "last", "samples", "each"])
def test_places_are_reduced_on_the_device(how):
    net, there, data = made("transformer")
    words = {"tokens": how}
    names = ["blocks.0.ffn1", "blocks.0.attention"]
    expected = pn.capture(net, data, names, reduce=words)
    acts = pn.capture(there, moved(data, ""), names, reduce=words)
    assert list(acts.layers) == list(expected.layers)
    for name, values in expected.layers.items():
        same(acts.layers[name], values)


@on_device
@pytest.mark.parametrize("which", IN_CODES)
def test_padded_codes(which):
    torch.manual_seed(0)
    net, codes, y = IN_CODES[which]().eval(), torch.randint(1, 5, (20, 4)), torch.arange(20) % 3
    there = copy.deepcopy(net).to(DEVICE)
    codes[::2, 2:] = 0
    expected = pn.capture(net, (codes, y), mask=lambda x: x != 0)
    acts = pn.capture(there, (codes, y), mask=lambda x: x != 0)
    for name, values in expected.layers.items():
        same(acts.layers[name], values)


@on_device
@pytest.mark.parametrize("criterion", sorted({*pn.CRITERIA} - {"graph_i_broja", "graph_i_ccs", "bn_scale"}))
def test_every_criterion_ranks_there(criterion):
    net, there, data = made("mlp")
    expected = pn.plan_pruning(net, data, 0.5, criterion, search=False)
    plan = pn.plan_pruning(there, moved(data, ""), 0.5, criterion, search=False)
    assert plan.kept == expected.kept or not POSING  # other kernels may round otherwise
    assert pn.plan_pruning(there, data, 0.5, criterion, search=False).kept == plan.kept


@on_device
@pytest.mark.parametrize(
    ("which", "repair"), [*((which, "refit") for which in REPAIRED), ("mlp", "reconstruct")]
)
def test_a_plan_is_applied_there(which, repair, tmp_path):
    net, there, data = made(which)
    plan = pn.plan_pruning(there, data, 0.5, "bn_scale" if which == "conv" else "l2")
    small = pn.apply_plan(there, plan, moved(data, ""), repair)
    assert devices(small) == {DEVICE}
    if repair == "refit":
        x = data[0]
        same(small(x.to(DEVICE)), pn.apply_plan(net, plan, data, repair)(x))
    again = pn.load_pruned(there, pn.save_pruned(small, plan, data[0].to(DEVICE), tmp_path / "small"))
    assert devices(again) == {DEVICE}
    same(again(data[0].to(DEVICE)), small(data[0].to(DEVICE)).cpu())


@on_device
def test_the_search_runs_there():
    net, there, data = made("mlp")
    plan = pn.plan_pruning(there, data, 0.6)
    assert plan.kept == pn.plan_pruning(net, data, 0.6).kept or not POSING


@on_device
@pytest.mark.parametrize("which", [which for which in NETS if which != "gru" or not POSING])
def test_counting_there_is_counting_here(which, monkeypatch):
    if POSING:
        monkeypatch.setattr(There, "sizes", None)
    net, there, (x, _) = made(which)
    expected = pn.energy.count(net, x)
    for where in ("cpu", DEVICE):
        found = pn.energy.count(there, x.to(where))
        assert (found.macs, found.weight_bytes) == (expected.macs, expected.weight_bytes)
        assert {n: c.macs for n, c in found.layers.items() if c.macs} == {
            n: c.macs for n, c in expected.layers.items() if c.macs
        }
    assert pn.compare_energy(there, there, x).macs.kept == 1


@on_device
def test_latency_is_that_of_the_model_there(monkeypatch):
    _, there, (x, _) = made("mlp")
    if POSING:  # it has nothing to wait for
        monkeypatch.setattr(torch.accelerator, "synchronize", lambda: None)
    report = pn.energy.compare_latency(there, there, x, block_seconds=0.001)
    assert min(report.latencies[0].wall) > 0


@on_device
@pytest.mark.parametrize("where", ["cpu", ""])
@pytest.mark.parametrize("which", ["mlp", "conv", "transformer"])
def test_training_there_is_training_here(which, where):
    net, there, data = made(which)
    pn.training.train(net, *data, epochs=2)
    pn.training.train(there, *moved(data, where), epochs=2)
    assert devices(there) == {DEVICE}
    for found, expected in zip(there.parameters(), net.parameters(), strict=True):
        same(found, expected)
    assert pn.training.accuracy(there, *moved(data, where)) == pytest.approx(pn.training.accuracy(net, *data))
    tuned = pn.training.fine_tune(there, moved(data, where), epochs=1)
    assert devices(tuned) == {DEVICE}


@on_device
@pytest.mark.parametrize("command", ["map", "plane", "prune", "energy"])
def test_the_commands_run_there(command, tmp_path, monkeypatch):
    if POSING and command in ("energy", "prune"):
        monkeypatch.setattr(There, "sizes", None)
    (tmp_path / "mine.py").write_text(MINE)
    words = [command, "--model", f"{tmp_path / 'mine.py'}:net", "--data", f"{tmp_path / 'mine.py'}:data"]
    out = tmp_path / ("out.json" if command in ("plane", "energy") else "out")
    more = {"prune": ["--criterion", "l2"], "map": ["--measure", "i_min"]}.get(command, [])
    result = CliRunner().invoke(app, [*words, *more, "--device", DEVICE, "--out", str(out)])
    assert result.exit_code == 0, result.exception
    assert out.exists()


@pytest.mark.skipif(not POSING, reason="of the posing device")
def test_the_posing_device_refuses_what_a_gpu_refuses():
    there = torch.ones(3, 4, device="elsewhere")
    assert there.device.type == "elsewhere"
    with pytest.raises(RuntimeError, match="got tensors of elsewhere"):
        there + torch.ones(3, 4)
    with pytest.raises(NotImplementedError, match="mm is not implemented for"):
        there.long() @ there.long().T
    with pytest.raises(RuntimeError):
        there.numpy()
    assert (there + torch.tensor(1.0)).device.type == "elsewhere"
    assert there.cpu().numpy().sum() == 12


@pytest.mark.skipif(POSING, reason="runs this file")
def test_on_a_device_in_host_memory(pytestconfig):
    pytest.importorskip("torch", minversion="2.10")
    warned = ["-o", "filterwarnings=" + "\n".join(pytestconfig.getini("filterwarnings"))]
    warned += [f"-W{one}" for one in pytestconfig.getoption("pythonwarnings") or ()]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *warned, __file__],
        env={**os.environ, "PIDNET_TEST_ELSEWHERE": "1", "OMP_NUM_THREADS": "1"},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-2000:]
