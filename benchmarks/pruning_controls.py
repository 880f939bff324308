"""Controls of the pruning scoreboard: shuffled labels, planted copies, and a short fine-tuning.

    python -m benchmarks.pruning_controls             # on mlp/mnist1d and cnn/digits

A criterion that lives on labels must lose its edge when they are shuffled; one that does not look at them must
not change. Copies of units must go first and leave the output as it was. Every criterion is then fine-tuned
with the same budget.
"""

from __future__ import annotations

import argparse
import copy
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.pruning import draw
from benchmarks.pruning_nets import NETS, Net, dense
from pidnet import training
from pidnet.datasets.named import Samples
from pidnet.files import write_text
from pidnet.pruning import apply_plan, plan_pruning
from pidnet.training import fine_tune

CRITERIA = ("pid", "obs", "taylor", "mrmr", "graph_i_min", "l2", "random")
CUT = 0.7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--nets", type=lambda text: text.split(","), default=["mlp/mnist1d", "cnn/digits"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--cache", type=Path, default=Path("runs/pruning"))
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    rows = [row for name in options.nets for row in run(NETS[name], options)]
    text = markdown(rows)
    print(text)
    write_text(options.results / "pruning_controls.json", json.dumps(rows, indent=1))
    write_text(options.results / "pruning_controls.md", text)


def run(net: Net, options: argparse.Namespace) -> list[dict]:
    """All controls of a network."""
    samples = net.samples(None)
    rows = []
    for seed in range(options.seeds):
        model = dense(net, samples, seed, options.cache)
        x, y = draw(net, samples, seed)
        shuffled = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))]
        base = {"net": net.name, "seed": seed}
        rows.append(base | {"control": "planted copies"} | planted(model, (x, y)))
        for criterion in CRITERIA:
            named = base | {"criterion": criterion}
            small = pruned(model, (x, y), criterion, seed)
            rows.append(named | {"control": "refit", "accuracy": test(small, samples)})
            rows.append(
                named | {"control": "refit, fine-tuned", "accuracy": test(fine_tune(small, (x, y)), samples)}
            )
            small = pruned(model, (x, shuffled), criterion, seed)
            rows.append(named | {"control": "refit, shuffled labels", "accuracy": test(small, samples)})
    return rows


def pruned(model: nn.Module, calibration: tuple[Tensor, Tensor], criterion: str, seed: int) -> nn.Module:
    plan = plan_pruning(model, calibration, 1 - CUT, criterion, seed=seed)
    return apply_plan(model, plan, calibration)


def test(model: nn.Module, samples: Samples) -> float:
    return round(100 * training.accuracy(model, samples.x_test, samples.y_test), 3)


def planted(model: nn.Module, calibration: tuple[Tensor, Tensor]) -> dict:
    """Overwrite a quarter of the first layer's units by copies of others, and prune that quarter by pid."""
    model = copy.deepcopy(model)
    copies = plant(model)
    units = len(copies) * 4
    name = next(name for name, module in model.named_modules() if isinstance(module, nn.Linear | nn.Conv2d))
    plan = plan_pruning(model, calibration, 0.75, layers=[name])
    small = apply_plan(model, plan, calibration)
    gone = {removal.unit for removal in plan.removed[name]}
    with torch.no_grad():
        change = float((small(calibration[0]) - model(calibration[0])).abs().max())
    # A copy or its original may go, but not both.
    right = sum(((i in gone) != (i + units // 2 in gone)) for i in range(len(copies)))
    return {"copies_removed": right, "copies": len(copies), "change_of_output": change}


@torch.no_grad()
def plant(model: nn.Module) -> list[int]:
    """Make units 0, 1, ... copies of units half a layer further, with everything that follows them."""
    first, second = list(model.children())[:2]
    units = len(first.weight)
    copies = list(range(units // 4))
    for module in (first, second):
        for values in (*module.parameters(recurse=False), *module.buffers(recurse=False)):
            if values.ndim:
                values[copies] = values[[unit + units // 2 for unit in copies]]
    return copies


def markdown(rows: list[dict]) -> str:
    """Planted copies first, then accuracies by criterion and control."""
    lines = ["# Controls of the pruning scoreboard\n"]
    lines.append(
        f"{CUT:.0%} of the units cut, mean ± standard deviation of the test accuracy in % over seeds.\n"
    )
    for net in dict.fromkeys(row["net"] for row in rows):
        mine = [row for row in rows if row["net"] == net]
        plants = [row for row in mine if row["control"] == "planted copies"]
        removed = ", ".join(f"{row['copies_removed']} of {row['copies']}" for row in plants)
        change = max(row["change_of_output"] for row in plants)
        lines.append(
            f"\n## {net}\n\nPlanted copies removed by pid: {removed}; largest change of output {change:.1e}.\n"
        )
        controls = list(dict.fromkeys(row["control"] for row in mine if "accuracy" in row))
        lines += ["| criterion | " + " | ".join(controls) + " |", "| --- |" + " --- |" * len(controls)]
        for name in dict.fromkeys(row["criterion"] for row in mine if "accuracy" in row):
            cells = [
                [r["accuracy"] for r in mine if r["control"] == c and r.get("criterion") == name]
                for c in controls
            ]
            text = " | ".join(f"{np.mean(v):.1f} ± {np.std(v, ddof=min(1, len(v) - 1)):.1f}" for v in cells)
            lines.append(f"| {name} | {text} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
