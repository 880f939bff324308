"""The options of the commands, each in one place, and the refusal of those that would have no effect."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pidnet.names import (
    ALLOCATIONS,
    BASELINE_CRITERIA,
    CORRECTIONS,
    CRITERIA,
    DATA_SETS,
    GAUSSIAN_CORRECTIONS,
    GAUSSIAN_MEASURES,
    INFORMATION_CRITERIA,
    MEASURES,
    NULLS,
    QUANTIZERS,
    READINGS,
    REPAIRS,
)

SOURCE = (
    f"{', '.join(DATA_SETS)} (add :images for inputs of shape channel, height, width), or module:name or "
    "file.py:name of a function without arguments that returns (x, y), (x_train, y_train, x_test, y_test), a "
    "DataLoader or a Dataset. All but digits and mnist1d are read from the folder that the environment variable "
    "PIDNET_DATA names."
)


def place(text: str) -> Path:
    """A path; ValueError for an empty one, which would be the working directory."""
    if not text:
        raise typer.BadParameter("an empty path; name a file or folder")
    return Path(text)


def fitting_seed(seed: int) -> int:
    """A seed that torch takes; ValueError for a larger one."""
    if seed >= 2**63:
        raise typer.BadParameter("expected a number below 2^63")
    return seed


AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")]
Out = Annotated[
    Path,
    typer.Option(
        "--out", parser=place, metavar="PATH", help="Folder for the results; it is made where it is missing."
    ),
]
OutFile = Annotated[
    Path | None, typer.Option("--out", parser=place, metavar="PATH", help="A file for the result as JSON.")
]

Model = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="PLACE",
        help="The network: module:name or file.py:name of an nn.Module, or of a function without arguments "
        "that returns one.",
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        parser=place,
        metavar="PATH",
        help="Its weights: a .safetensors file, or a state_dict that torch.save wrote (.pt, .pth); else as "
        "the function makes them.",
    ),
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="NAME",
        help="Where the network runs: cpu, cuda, cuda:1, mps or another device of torch; the data follow it.",
    ),
]
Data = Annotated[
    str, typer.Option("--data", metavar="PLACE", help=SOURCE, autocompletion=lambda: list(DATA_SETS))
]
SampleCount = Annotated[
    int,
    typer.Option(
        "--samples", metavar="N", min=20, help="Look at this many training samples, the first ones."
    ),
]

Layers = Annotated[
    str | None,
    typer.Option(metavar="NAMES", help="Layers with commas between, such as fc1,fc2; else all with units."),
]
Measure = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="How redundancy is defined: i_broja (can one unit replace the other in any decision), i_min and i_mmi "
        "(equal amounts are redundant), i_ccs (pointwise); or on the activations themselves, without quantizer: "
        f"{', '.join(GAUSSIAN_MEASURES)}.",
        autocompletion=lambda: [*MEASURES, *GAUSSIAN_MEASURES],
    ),
]
Quantizer = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help=f"How activations become levels: {', '.join(QUANTIZERS)}. zero_level gives zeros, as ReLU makes them, "
        "a level of their own.",
        autocompletion=lambda: list(QUANTIZERS),
    ),
]
Levels = Annotated[int, typer.Option(metavar="N", min=2, max=256, help="Levels per unit.")]
Correction = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"Few samples make atoms too large; this removes the bias: {', '.join(CORRECTIONS)} (default: "
        f"{CORRECTIONS[0]}); with a Gaussian measure {' or '.join(GAUSSIAN_CORRECTIONS)} (default: "
        f"{GAUSSIAN_CORRECTIONS[0]}).",
        autocompletion=lambda: [*CORRECTIONS, GAUSSIAN_CORRECTIONS[1]],
    ),
]
Null = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="What p-values test against: units (both units carry information; free), labels (the pair carries "
        "information) or sources (it carries more than two independent units), either 4 to 20 times the work, or "
        "none.",
        autocompletion=lambda: list(NULLS),
    ),
]
Intervals = Annotated[
    bool,
    typer.Option("--intervals", help="95 % intervals of all atoms as well; takes up to twice as long."),
]
Store = Annotated[
    Path | None,
    typer.Option(
        "--store",
        parser=place,
        metavar="PATH",
        help="Make the maps of wide layers tile by tile into this zarr folder; the same command goes on where it "
        "was stopped. Needs pip install 'pidnet[store]'.",
    ),
]

IntoRun = Annotated[
    Path | None,
    typer.Option(
        "--run",
        parser=place,
        metavar="PATH",
        help="A run folder, such as that of pidnet map: the plane is written into it, and its report shows it.",
    ),
]

Upstream = Annotated[
    int, typer.Option(metavar="N", min=2, help="Draws of the noise before a layer, where there is any.")
]
Plot = Annotated[
    Path | None, typer.Option(metavar="PATH", help="A file for the picture, such as plane.png or plane.svg.")
]

Keep = Annotated[
    list[float] | None,
    typer.Option(
        metavar="SHARE",
        help="Share of the units of each layer that are kept, above 0 to 1; give it again for a curve.",
    ),
]
Macs = Annotated[
    list[float] | None,
    typer.Option(metavar="SHARE", help="Or the share of the multiply-accumulates that may be kept."),
]
Energy = Annotated[
    list[float] | None,
    typer.Option(metavar="SHARE", help="Or the share of the modelled energy (all in SRAM)."),
]
Latency = Annotated[
    list[float] | None,
    typer.Option(metavar="SHARE", help="Or the share of the time that it takes, measured here."),
]
Criterion = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help=f"How the kept units are chosen: by information, {', '.join(INFORMATION_CRITERIA)} (pid: what the "
        f"output would lose, in bits); or by a baseline, {', '.join(BASELINE_CRITERIA)}.",
        autocompletion=lambda: list(CRITERIA),
    ),
]
Repair = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="What is done to the kept weights: none; fold (each removed unit is replaced by a sum of kept "
        "ones); refit (then all layers from there on are fitted again, by least squares); reconstruct (the kept "
        "units move as well: seconds per layer, for deep cuts).",
        autocompletion=lambda: list(REPAIRS),
    ),
]
Search = Annotated[
    bool,
    typer.Option(help="For pid: repair several proposals and keep the best, or take the first ranking."),
]
Allocation = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="uniform (the same share of every layer), global (where bits save most, without a search; needs a "
        "criterion in bits) or measured (by each layer's measured loss; the default above five layers).",
        autocompletion=lambda: list(ALLOCATIONS),
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help=f"What the network's output is, so that a loss has bits: {', '.join(READINGS)}; else found from the "
        "labels.",
        autocompletion=lambda: list(READINGS),
    ),
]
Explain = Annotated[
    bool, typer.Option("--explain", help="List every removed unit, what it costs and who takes over.")
]

Shape = Annotated[
    str | None,
    typer.Option(
        metavar="SIZES", help="Shape of one input without the batch, such as 1,28,28; or give --data instead."
    ),
]
RunFolder = Annotated[
    Path,
    typer.Argument(parser=place, metavar="RUN", help="A folder that pidnet demo, map or prune wrote."),
]
ExampleData = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="PLACE",
        help=f"One sample is run, and the accuracy measured on the test part: {SOURCE}",
    ),
]
Small = Annotated[
    Path | None,
    typer.Option(
        parser=place,
        metavar="PATH",
        help="A pruned network of it that pidnet prune wrote (.safetensors), to compare with.",
    ),
]
Dtype = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Number format to model: fp32, fp16, bf16, int8 or binary; else as it is."
    ),
]
Grid = Annotated[
    float | None,
    typer.Option(
        metavar="GRAMS", min=0, help="Grams of CO2 per kWh of your grid, for an estimate; with --small."
    ),
]
Measured = Annotated[
    bool,
    typer.Option("--measure", help="Measure as well, where a counter exists (2 min); with --small."),
]


def layer_names(text: str | None) -> list[str] | None:
    """The names in ``--layers``. ValueError for an empty one."""
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise ValueError(
            f"--layers {text!r} has an empty name; give names with commas between, such as fc1,fc2"
        )
    return names


def refuse(context: typer.Context, names: tuple[str, ...], why: str) -> None:
    """Raises ValueError if one of these options was given: no option is dropped without a word."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name in names and source is not None and source.name == "COMMANDLINE":
            typed = parameter.opts if context.params[parameter.name] else parameter.secondary_opts
            raise ValueError(f"{(typed or parameter.opts)[0]} has no effect {why}; leave it out")
