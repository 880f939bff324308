"""Do fewer MACs and less modelled energy mean less time? Three nets at ten widths, against the full one.

Writes results/energy.json, results/energy.md and results/energy.svg. About 3 minutes on two cores:

    python benchmarks/energy.py
"""

from __future__ import annotations

import json
import platform
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.made_with import commit, machine
from pidnet.energy import compare_energy, compare_latency
from pidnet.files import replacing, write_text

RESULTS = Path(__file__).parent / "results"
TENTHS = range(10, 0, -1)
BATCH = 64


def mlp(width: int) -> nn.Module:
    """784-w-w-10."""
    return nn.Sequential(
        nn.Linear(784, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
    )


def conv(width: int) -> nn.Module:
    """1-w-2w channels of 3x3 on 16x16, pooled, 10."""
    return nn.Sequential(
        *(nn.Conv2d(1, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()),
        *(nn.Conv2d(width, 2 * width, 3, padding=1), nn.BatchNorm2d(2 * width), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2 * width, 10)),
    )


class Recurrent(nn.Module):
    """LSTM 64-w over 16 steps, 10."""

    def __init__(self, width: int):
        super().__init__()
        self.lstm, self.head = nn.LSTM(64, width, batch_first=True), nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(x)[0][:, -1])


NETS = {
    "mlp": (mlp, 1000, (784,)),
    "conv": (conv, 60, (1, 16, 16)),
    "lstm": (Recurrent, 400, (16, 64)),
}


def measure(name: str) -> list[dict]:
    """Fractions of the full width's MACs, modelled energy and measured CPU time at every width."""
    make, full, shape = NETS[name]
    example = torch.randn(BATCH, *shape)
    rows = []
    for width in [*(full * tenths // 10 for tenths in TENTHS), 1]:
        dense, small = make(full), make(width)
        report = compare_energy(dense, small, example)
        latency = compare_latency(dense, small, example, block_seconds=0.1)
        rows.append(
            {
                "net": name,
                "width": width,
                "macs": report.macs.small,
                "macs_kept": report.macs.kept,
                **{f"modelled_{figure.where}_kept": figure.kept for figure in report.energy},
                **{f"measured_cpu_kept_batch_{t.batch}": t.cpu[1] / t.cpu[0] for t in latency.latencies},
                **{f"measured_cpu_ms_batch_{t.batch}": 1e3 * t.cpu[1] for t in latency.latencies},
                **{f"measured_wall_iqr_batch_{t.batch}": t.iqr[1] / t.wall[1] for t in latency.latencies},
                "busy": latency.warning is not None,
            }
        )
        print(line(rows[-1]))
    return rows


def line(row: dict) -> str:
    """One row of the Markdown table."""
    kept = [row[key] for key in CURVES]
    cells = [row["net"], f"{row['width']}", f"{row['macs']:,}", *(f"{value:.3f}" for value in kept)]
    cells += [f"{row[f'measured_cpu_ms_batch_{batch}']:.3g}" for batch in (1, BATCH)]
    return f"| {' | '.join(cells)} |"


CURVES = {
    "macs_kept": "MACs",
    "modelled_sram_kept": "modelled energy, all in SRAM",
    "modelled_dram_kept": "modelled energy, all from DRAM",
    "measured_cpu_kept_batch_1": "measured CPU time, batch 1",
    f"measured_cpu_kept_batch_{BATCH}": f"measured CPU time, batch {BATCH}",
}


def statements(rows: list[dict]) -> list[str]:
    """What is kept near a quarter of the MACs, at a tenth of the width and at width 1, in numbers."""
    lines = []
    for name in NETS:
        own = [row for row in rows if row["net"] == name]
        for row in (min(own, key=lambda row: abs(row["macs_kept"] - 0.25)), *own[-2:]):
            kept = ", ".join(f"{row[key]:.3f} of the {title}" for key, title in CURVES.items())
            lines.append(f"- {name}, width {row['width']}: {kept}.")
        many = f"measured_cpu_kept_batch_{BATCH}"
        row = max(own, key=lambda row: abs(row[many] - row["macs_kept"]))
        lines.append(
            f"- {name}, farthest from its MACs at batch {BATCH}: width {row['width']} keeps {row[many]:.3f} of the "
            f"CPU time and {row['macs_kept']:.3f} of the MACs."
        )
    return lines


def draw(rows: list[dict]) -> plt.Figure:
    """Every fraction kept over the fraction of MACs kept; on the dotted line a MAC saved is a cost saved."""
    figure, axes = plt.subplots(1, len(NETS), figsize=(10, 3.6), sharey=True, layout="constrained")
    for axis, name in zip(axes, NETS, strict=True):
        own = [row for row in rows if row["net"] == name]
        x = np.array([row["macs_kept"] for row in own])
        axis.plot([0, 1], [0, 1], ":", color="gray")
        for key, title in CURVES.items():
            if key != "macs_kept":
                axis.plot(x, [row[key] for row in own], "o-", markersize=3, label=title)
        axis.set(title=name, xlabel="fraction of MACs kept", xlim=(0, 1.02), ylim=(0, None))
    axes[0].set_ylabel("fraction kept")
    axes[0].legend(fontsize=7)
    return figure


COLUMNS = (
    *("net", "width", "MACs", "MACs kept", "modelled energy kept, SRAM", "modelled, DRAM"),
    *("measured CPU kept, batch 1", f"batch {BATCH}", "CPU ms, batch 1", f"batch {BATCH}"),
)
HEADER = f"""# MACs, modelled energy and measured CPU time

{machine()}; Python {platform.python_version()}, torch {torch.__version__}, NumPy {np.__version__}; one thread;
float32. Each width is timed in turn with the full width (5 rounds, `pidnet.energy.compare_latency`); CPU time
is the median. Joules are not measurable on this machine: the energy columns are modelled (Horowitz 2014).

| {" | ".join(COLUMNS)} |
|{" --- |" * len(COLUMNS)}"""


READING = """Where they part. All in SRAM, the modelled energy is the MACs over again. From DRAM,
conv keeps more than its MACs, because activations shrink with the width and weights with its
square. CPU time at the large batch scatters around the MACs, widely in conv. At batch 1 narrow networks keep far
more CPU time than MACs: the calls themselves cost time, which a network of width 1 shows and no
count sees."""


def main() -> None:
    """Measure, print, write."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    print(HEADER)
    rows = [row for name in NETS for row in measure(name)]
    settings = {
        "machine": f"{machine()}, commit {commit()}",
        "torch": torch.__version__,
        "numpy": np.__version__,
        "threads": 1,
        "seed": 0,
    }
    write_text(RESULTS / "energy.json", json.dumps({"settings": settings, "rows": rows}, indent=1) + "\n")
    publish(rows)


def publish(rows: list[dict]) -> None:
    """The table and the figure of some rows."""
    busy = sum(row["busy"] for row in rows)
    notes = [
        *statements(rows),
        f"- The machine was busy with other work in {busy} of {len(rows)} comparisons.",
    ]
    print("\n".join(notes))
    text = "\n".join([HEADER, *map(line, rows), "", READING, "", *notes, "", "![](energy.svg)", ""])
    write_text(RESULTS / "energy.md", text)
    with replacing(RESULTS / "energy.svg") as path:
        draw(rows).savefig(path, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
