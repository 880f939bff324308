"""Is the pair information of early layers synergistic and that of deep layers redundant?

Four families of trained networks, three seeds each, four measures side by side about the label. Writes
results/depth_profile.json and results/depth_profile.md. A few minutes on two cores:

    python -m benchmarks.depth_profile
"""

from __future__ import annotations

import json
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

import pidnet as pn
from pidnet.files import write_text

RESULTS = Path(__file__).parent / "results"
MACHINE = "2-core x86-64 CPU, Linux"
SEEDS, LEVELS = (0, 1, 2), 4
MEASURES = ("i_min", "i_broja", "i_ccs", "gaussian_i_broja")
CORRECTION = "shuffle_sources"
# family -> (builder, shape of an input, layers from the first to the last, epochs, rate)
FAMILIES = {
    "mlp": (lambda: pn.zoo.mlp(64, (24, 24, 24), 10), (64,), ["fc1", "fc2", "fc3"], 20, 3e-3),
    "conv": (lambda: pn.zoo.conv(1, (24, 24, 24)), (1, 8, 8), ["conv1", "conv2", "conv3"], 8, 1e-2),
    "gru": (lambda: pn.zoo.gru(8, 24, 10, layers=3), (8, 8), ["rnn.l0", "rnn.l1", "rnn.l2"], 12, 1e-2),
    "transformer": (
        lambda: pn.zoo.transformer(8, (24, 24, 24)),
        (8, 8),
        ["blocks.0.ffn1", "blocks.1.ffn1", "blocks.2.ffn1"],
        12,
        1e-2,
    ),
}


def trained(family: str, seed: int) -> tuple[torch.nn.Module, float]:
    """A network and its test accuracy."""
    build, shape, _, epochs, rate = FAMILIES[family]
    digits = pn.data.load("digits")
    torch.manual_seed(seed)
    x_train, x_test = digits.x_train.reshape(-1, *shape), digits.x_test.reshape(-1, *shape)
    net = pn.zoo.train(build(), x_train, digits.y_train, epochs=epochs, rate=rate, seed=seed)
    return net, pn.zoo.accuracy(net, x_test, digits.y_test)


def maps_of(family: str, net: torch.nn.Module, measure: str) -> dict[str, pn.LayerMap]:
    """The maps of one network over all samples, training and test."""
    _, shape, layers, *_ = FAMILIES[family]
    digits = pn.data.load("digits")
    x = torch.cat([digits.x_train, digits.x_test]).reshape(-1, *shape)
    acts = pn.capture(net, (x, torch.cat([digits.y_train, digits.y_test])), layers)
    if measure.startswith("gaussian"):
        return pn.layer_maps(acts, measure)
    codes = pn.quantize(acts, LEVELS, pn.zero_level)
    return pn.layer_maps(codes, measure, correction=CORRECTION, null="none")


def row(family: str, measure: str, runs: list[dict[str, pn.LayerMap]]) -> dict:
    """Shares of one family and measure over depth, and first less last layer with its interval."""
    found = pn.profile(runs)
    single = [pn.profile(run) for run in runs]
    result = {"family": family, "measure": measure, "layers": list(found.layers)}
    for atom in ("redundancy", "unique", "synergy"):
        moved = np.array([p.shares[atom][-1] - p.shares[atom][0] for p in single])
        half = 4.302653 * moved.std(ddof=1) / len(moved) ** 0.5
        result |= {atom: found.shares[atom].tolist(), f"{atom}_change": [moved.mean(), half]}
    return result | {"bits": found.information.tolist()}


def table(rows: list[dict], accuracies: dict[str, list[float]]) -> str:
    """Markdown: the shares over depth and how the last layer differs from the first."""
    head = ["net", "measure", "bits a pair", "redundancy", "unique", "synergy"]
    head += ["redundancy, last - first", "synergy, last - first"]
    lines = [f"| {' | '.join(head)} |", "| " + " | ".join("---" for _ in head) + " |"]
    for r in rows:
        cells = [r["family"], r["measure"]]
        cells += [" ".join(f"{v:.2f}" for v in r[key]) for key in ("bits", "redundancy", "unique", "synergy")]
        cells += ["{:+.2f} ± {:.2f}".format(*r[f"{atom}_change"]) for atom in ("redundancy", "synergy")]
        lines.append(f"| {' | '.join(cells)} |")
    means = ", ".join(f"{family} {np.mean(values):.3f}" for family, values in accuracies.items())
    return "\n".join([*lines, "", f"Test accuracies: {means}."])


def main() -> None:
    start, rows, accuracies = time.time(), [], {}
    for family in FAMILIES:
        nets = [trained(family, seed) for seed in SEEDS]
        accuracies[family] = [accuracy for _, accuracy in nets]
        for measure in MEASURES:
            rows.append(row(family, measure, [maps_of(family, net, measure) for net, _ in nets]))
            print(table(rows[-1:], {}).splitlines()[2], f"{time.time() - start:.0f} s", flush=True)
    settings = {
        "data": "digits, 1,797 samples, about the label",
        "levels": f"{LEVELS}, exact zeros by themselves, equal masses above; Gaussian: none",
        "correction": f"{CORRECTION}; Gaussian: its own",
        "seeds": len(SEEDS),
        "machine": MACHINE,
        "versions": {"pidnet": pn.__version__} | {name: version(name) for name in ("torch", "numpy")},
    }
    write_text(
        RESULTS / "depth_profile.json",
        json.dumps({"settings": settings, "accuracies": accuracies, "rows": rows}, indent=1),
    )
    intro = (
        "# The make-up of pair information over depth\n\nShares of I(Y;X1X2), summed over the pairs of a layer, "
        f"first to last layer; means over {len(SEEDS)} networks, changes with 95 % intervals (Student's t).\n"
        + "".join(f"\n- {key}: {value}" for key, value in settings.items())
    )
    write_text(RESULTS / "depth_profile.md", f"{intro}\n\n{table(rows, accuracies)}\n")


if __name__ == "__main__":
    main()
