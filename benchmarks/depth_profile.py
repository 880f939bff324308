"""Is the pair information of early layers synergistic and that of deep layers redundant?

Five networks on four data sets, trained from several seeds each, four measures side by side about the label
of test samples. Writes results/depth_profile.json and results/depth_profile.md. About six minutes on one
core; the data folder is that of ``pidnet.datasets.named.load``:

    PIDNET_DATA=folder python -m benchmarks.depth_profile
"""

from __future__ import annotations

import json
import time
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from scipy import stats

import pidnet as pn
from benchmarks.made_with import commit, machine
from pidnet.files import write_text

RESULTS = Path(__file__).parent / "results"
SEEDS, LEVELS, TRAINING, SAMPLES = range(4), 4, 2000, 3000
MEASURES = ("i_min", "i_broja", "i_ccs", "gaussian_i_broja")
ATOMS = ("redundancy", "unique_sum", "synergy")
WIDTHS = (24, 24, 24)
CONVS, FFN = ("conv1", "conv2", "conv3"), ("blocks.0.ffn1", "blocks.1.ffn1", "blocks.2.ffn1")
# network -> (builder, data set, layers from the first to the last, epochs, rate); letters are 83 codes and 0
NETS = {
    "mlp": (lambda: pn.zoo.mlp(784, WIDTHS, 10), "mnist", ("fc1", "fc2", "fc3"), 8, 3e-3),
    "conv": (lambda: pn.zoo.conv(1, WIDTHS), "fashion_mnist", CONVS, 4, 1e-2),
    "conv (color)": (lambda: pn.zoo.conv(3, WIDTHS), "cifar10", CONVS, 4, 1e-2),
    "gru": (lambda: pn.zoo.gru(84, 24, 18, layers=3), "names", ("rnn.l0", "rnn.l1", "rnn.l2"), 6, 1e-2),
    "transformer": (lambda: pn.zoo.transformer(84, WIDTHS, 18), "names", FFN, 5, 5e-3),
}


@cache
def samples(name: str) -> tuple[torch.Tensor, ...]:
    """x, y to train on and x, y to look at; drawn once, the same for all seeds."""
    images = name in ("fashion_mnist", "cifar10")
    held = pn.datasets.load(name, images=images)
    generator = torch.Generator().manual_seed(0)  # names stand in the order of the alphabet
    train = torch.randperm(len(held.y_train), generator=generator)[:TRAINING]
    test = torch.randperm(len(held.y_test), generator=generator)[:SAMPLES]
    x, x_test = held.x_train[train], held.x_test[test]
    if images:  # half the width and height: a quarter of the time
        x, x_test = (torch.nn.functional.avg_pool2d(part, 2) for part in (x, x_test))
    return x, held.y_train[train], x_test, held.y_test[test]


def trained(name: str, seed: int) -> tuple[torch.nn.Module, float]:
    """A network and its test accuracy."""
    build, data, _, epochs, rate = NETS[name]
    x, y, x_test, y_test = samples(data)
    torch.manual_seed(seed)
    net = pn.training.train(build(), x, y, epochs=epochs, rate=rate, seed=seed)
    return net, float(np.mean([pn.training.accuracy(net, *part) for part in batches(x_test, y_test)]))


def batches(x: torch.Tensor, y: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Equal batches, small enough for the first convolution."""
    return list(zip(x.split(500), y.split(500), strict=True))


def activations(name: str, net: torch.nn.Module) -> pn.Activations:
    """Of the test samples; the mean over the positions or letters, the last step of a recurrent layer."""
    _, data, layers, *_ = NETS[name]
    mask = (lambda x: x != 0) if name == "transformer" else None
    return pn.capture(net, batches(*samples(data)[2:]), layers, mask=mask)


def maps_of(acts: pn.Activations, measure: str) -> dict[str, pn.LayerMap]:
    if measure.startswith("gaussian"):
        return pn.layer_maps(acts, measure, correction="wishart")
    codes = pn.quantize(acts, LEVELS, "zero_level")
    return pn.layer_maps(codes, measure, correction="mixture", null="none")


def row(name: str, measure: str, runs: list[dict[str, pn.LayerMap]]) -> dict:
    """Shares of one network and measure over depth, and last less first layer with its 95 % interval."""
    found = pn.profile(runs)
    single = [pn.profile(run) for run in runs]
    result = {"net": name, "data": NETS[name][1], "measure": measure, "layers": list(found.layers)}
    reach = stats.t.ppf(0.975, len(runs) - 1) / len(runs) ** 0.5
    for atom in ATOMS:
        moved = np.array([p.shares[atom][-1] - p.shares[atom][0] for p in single])
        ends = zip(found.low[atom].tolist(), found.high[atom].tolist(), strict=True)
        result |= {atom: found.shares[atom].tolist(), f"{atom}_interval": list(ends)}
        result[f"{atom}_change"] = [float(moved.mean()), float(reach * moved.std(ddof=1))]
    claims = pn.maps.depth_claims(runs).holds()
    result |= {"bits": found.pair_information.tolist(), "claims": list(claims)}
    return result | {"verdict": verdict(result)}


def verdict(result: dict) -> str:
    """What the changes of redundancy and synergy say about the claim, where their intervals leave out 0."""
    halves = ((1, *result["redundancy_change"]), (-1, *result["synergy_change"]))
    rises, falls = (sign * mean > half for sign, mean, half in halves)
    against = any(-sign * mean > half for sign, mean, half in halves)
    if rises and falls:
        return "both"
    if rises or falls:
        return "mixed" if against else "redundancy only" if rises else "synergy only"
    return "against" if against else "neither"


def table(rows: list[dict]) -> str:
    """Markdown: the shares over depth and how the last layer differs from the first."""
    head = ["net", "measure", "bits a pair", *ATOMS]
    head += ["redundancy, last - first", "synergy, last - first", "claim holds for", "after Holm"]
    lines = [f"| {' | '.join(head)} |", "| " + " | ".join("---" for _ in head) + " |"]
    for r in rows:
        cells = [f"{r['net']}, {r['data']}", r["measure"]]
        cells += [" ".join(f"{v:.2f}" for v in r[key]) for key in ("bits", *ATOMS)]
        cells += ["{:+.3f} ± {:.3f}".format(*r[f"{atom}_change"]) for atom in ("redundancy", "synergy")]
        after = "; ".join(r["claims"]) or "nothing"
        lines.append(f"| {' | '.join([*cells, r['verdict'], after])} |")
    return "\n".join(lines)


def tally(rows: list[dict]) -> str:
    """How often each verdict fell, by measure."""
    lines = []
    for measure in MEASURES:
        found = [r["verdict"] for r in rows if r["measure"] == measure]
        counts = ", ".join(f"{found.count(word)} {word}" for word in dict.fromkeys(found))
        lines.append(f"- {measure}: {counts}")
    return "\n".join(lines)


def main() -> None:
    torch.set_num_threads(1)
    start, rows, accuracies = time.time(), [], {}
    for name in NETS:
        nets = [trained(name, seed) for seed in SEEDS]
        accuracies[name] = [accuracy for _, accuracy in nets]
        read = [activations(name, net) for net, _ in nets]
        for measure in MEASURES:
            rows.append(row(name, measure, [maps_of(acts, measure) for acts in read]))
            print(table(rows[-1:]).splitlines()[2], f"{time.time() - start:.0f} s", flush=True)
    settings = {
        "data": f"{TRAINING} training samples, maps about the label of {SAMPLES} test samples; images at half their width and height",
        "levels": f"{LEVELS}, exact zeros by themselves, equal masses above; Gaussian: none",
        "correction": "mixture; Gaussian: wishart",
        "seeds": len(SEEDS),
        "machine": f"{machine()}, one thread, commit {commit()}",
        "minutes": round((time.time() - start) / 60, 1),
        "versions": {"pidnet": pn.__version__} | {name: version(name) for name in ("torch", "numpy")},
    }
    write_text(
        RESULTS / "depth_profile.json",
        json.dumps({"settings": settings, "accuracies": accuracies, "rows": rows}, indent=1),
    )
    means = ", ".join(f"{name} {np.mean(values):.3f}" for name, values in accuracies.items())
    intro = (
        "# The make-up of pair information over depth\n\nThe claim: early layers are synergistic, deep layers "
        "redundant. Shares of I(Y;X1X2), summed over the pairs of a layer, first to last layer; means over "
        f"{len(SEEDS)} networks, changes with 95 % intervals over networks (Student's t). The last column says "
        "which half of the claim has an interval without 0 on its side; against: the other side; mixed: one "
        "half for it and one against. After Holm: which changes, layer to layer and first to last, hold when all of "
        "a row are tested at once, paired by network (`pn.maps.depth_claims`).\n"
        + "".join(f"\n- {key}: {value}" for key, value in settings.items())
    )
    write_text(
        RESULTS / "depth_profile.md",
        f"{intro}\n\nTest accuracies: {means}.\n\n{tally(rows)}\n\n{table(rows)}\n",
    )


if __name__ == "__main__":
    main()
