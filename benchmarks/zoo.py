"""Do the networks of the zoo learn, in every variant, and how long does it take?

Every family in every variant on the digits, trained as ``pidnet.training.train`` does with one setting for all.
Writes results/zoo.json and results/zoo.md. A few minutes on two cores:

    python -m benchmarks.zoo
"""

from __future__ import annotations

import json
import time
from importlib.metadata import version
from pathlib import Path

import torch

import pidnet as pn
from benchmarks.made_with import commit, machine
from pidnet.files import write_text
from pidnet.zoo.variants import VARIANTS

RESULTS = Path(__file__).parent / "results"
RATE = 1e-2
EPOCHS = dict.fromkeys(VARIANTS, 8) | {"bayesian": 24}  # LeNet with Gaussian weights needs them
IMAGE, ROWS = (1, 8, 8), (8, 8)
# family -> (builder of a variant, shape of an input)
FAMILIES = {
    "mlp": (lambda f: pn.zoo.mlp(64, (48, 32), 10, variant=f), (64,)),
    "lenet": (
        lambda f: torch.nn.Sequential(torch.nn.Upsample(16), pn.zoo.lenet((1, 16, 16), variant=f)),
        IMAGE,
    ),
    "conv": (lambda f: pn.zoo.conv(1, variant=f), IMAGE),
    "resnet8": (lambda f: pn.zoo.resnet(8, variant=f), IMAGE),
    "resnet20": (lambda f: pn.zoo.resnet(20, variant=f), IMAGE),
    "densenet": (lambda f: pn.zoo.densenet(variant=f), IMAGE),
    "lstm": (lambda f: pn.zoo.lstm(8, 48, 10, variant=f), ROWS),
    "gru": (lambda f: pn.zoo.gru(8, 48, 10, variant=f), ROWS),
    "transformer": (lambda f: pn.zoo.transformer(8, variant=f), ROWS),
}


def measure(family: str, variant: str) -> dict:
    """Test accuracy and seconds of training of one network."""
    build, shape = FAMILIES[family]
    digits = pn.datasets.load("digits")
    torch.manual_seed(0)
    start = time.perf_counter()
    net = pn.training.train(
        build(variant), digits.x_train.reshape(-1, *shape), digits.y_train, epochs=EPOCHS[variant], rate=RATE
    )
    seconds = time.perf_counter() - start
    accuracy = pn.training.accuracy(net, digits.x_test.reshape(-1, *shape), digits.y_test)
    return {"family": family, "variant": variant, "accuracy": accuracy, "seconds": seconds}


def table(rows: list[dict]) -> str:
    """Markdown: a row a family, a column a variant, test accuracy and seconds of training."""
    lines = [f"| family | {' | '.join(VARIANTS)} |", "| --- |" + " --- |" * len(VARIANTS)]
    for family in FAMILIES:
        cells = [f"{r['accuracy']:.3f}, {r['seconds']:.1f} s" for r in rows if r["family"] == family]
        lines.append(f"| {family} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    torch.set_num_threads(1)
    rows = []
    for family in FAMILIES:
        for variant in VARIANTS:
            rows.append(measure(family, variant))
            print("{family} {variant}: {accuracy:.3f} in {seconds:.1f} s".format(**rows[-1]), flush=True)
    settings = {
        "data": "digits, 1,198 training and 599 test samples",
        "training": f"{EPOCHS['plain']} epochs, {EPOCHS['bayesian']} with Gaussian weights, largest rate {RATE}, seed 0",
        "machine": f"{machine()}, one thread, commit {commit()}",
        "versions": {"pidnet": pn.__version__, "torch": version("torch")},
    }
    write_text(RESULTS / "zoo.json", json.dumps({"settings": settings, "rows": rows}, indent=1))
    intro = "# The zoo in every variant: test accuracy and time of training\n"
    intro += "".join(f"\n- {key}: {value}" for key, value in settings.items())
    write_text(RESULTS / "zoo.md", f"{intro}\n\n{table(rows)}\n")


if __name__ == "__main__":
    main()
