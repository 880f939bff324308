"""What no test runs on a GPU: wide networks, a Hugging Face model, mixed precision, measured joules.

    python -m benchmarks.devices            on a machine with CUDA; prints a line for each step

tests/test_devices.py has the rest: it runs on the GPU where there is one. ``results/devices.md`` is what came out.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

import pidnet as pn
from pidnet.networks.inputs import Inputs

DEVICE = "cuda"
Data = tuple[Inputs, torch.Tensor]


def labelled(*shape: int) -> Data:
    return torch.randn(*shape), torch.arange(shape[0]) % 10


def smaller(model: nn.Module, data: Data, repair: str = "refit", **options: Any) -> tuple[float, nn.Module]:
    """The share of the units that a plan keeps, and the small network."""
    plan = pn.plan_pruning(model, data, **options)
    return round(plan.share_kept, 4), pn.apply_plan(model, plan, data, repair)


def trained(model: nn.Module, data: Data, epochs: int = 3) -> nn.Module:
    return pn.training.train(model.to(DEVICE), *data, epochs=epochs)


def bert() -> float:
    from transformers import BertConfig, BertForSequenceClassification

    sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
    model = BertForSequenceClassification(BertConfig(**sizes, vocab_size=100, num_labels=3)).eval().to(DEVICE)
    ids = torch.randint(100, (300, 16))
    return smaller(
        model, ({"input_ids": ids, "attention_mask": torch.ones_like(ids)}, ids[:, 0] % 3), keep=0.5
    )[0]


def joules(data: Data) -> pn.EnergyReport:
    """Two minutes: windows of dense and small network by turns, idle power taken off."""
    model = pn.zoo.mlp(64, (2048, 2048), 10).eval().to(DEVICE)
    _, small = smaller(model, data, "none", keep=0.25, criterion="l2")
    batch = torch.randn(16384, 64, device=DEVICE)
    return pn.energy.add_measured(pn.compare_energy(model, small, batch), (model, small), batch)


def steps() -> dict[str, Callable[[], Any]]:
    torch.manual_seed(0)
    x = torch.randn(2000, 64)
    data = x, (x[:, :10] + 0.3 * torch.randn(2000, 10)).argmax(1)
    few = data[0][:500], data[1][:500]
    net = trained(pn.zoo.mlp(64, (256, 256), 10), data, 5)
    recurrent, images = labelled(600, 12, 8), labelled(800, 3, 32, 32)
    return {
        "mlp, pid and reconstruct": lambda: smaller(net, data, "reconstruct", keep=0.25)[0],
        "mlp, graph_i_broja": lambda: smaller(net, few, keep=0.5, criterion="graph_i_broja")[0],
        "mlp, graph_i_ccs": lambda: smaller(net, few, keep=0.5, criterion="graph_i_ccs")[0],
        "LSTM both ways (cuDNN), pid and refit": lambda: smaller(
            trained(pn.zoo.lstm(8, 64, 10, bidirectional=True), recurrent), recurrent, keep=0.5
        )[0],
        "conv net, half of the MACs": lambda: smaller(
            trained(pn.zoo.conv(3, (16, 32, 32), 10), images), images, macs=0.5
        )[0],
        "BERT, pid and refit": bert,
        "capture in half precision": lambda: pn.capture(
            pn.zoo.mlp(64, (32,), 10).to(DEVICE).half(), (x[:100].half(), data[1][:100])
        ),
        "plan under autocast": lambda: torch.autocast(DEVICE)(smaller)(net, few, keep=0.5, search=False)[0],
        "plane of a Bayesian MLP": lambda: pn.information_plane(
            trained(pn.zoo.mlp(64, (12, 8), 10, variant="bayesian"), data), data
        ),
        "measured joules": lambda: joules(few),
    }


def main() -> None:
    warnings.simplefilter("ignore")
    print(torch.cuda.get_device_name(), torch.__version__)
    for name, step in steps().items():
        start = time.perf_counter()
        print(f"{name}: {step()} ({time.perf_counter() - start:.1f} s)", flush=True)


if __name__ == "__main__":
    main()
