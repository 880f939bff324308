"""Modelled energy: what the counts would cost, from a table of picojoules.

    E = MACs * e_mac(dtype) + words moved * e_word(level)

at both ends: every word in a small SRAM, every word from DRAM. The truth of a given machine lies between;
the ratio of two models is worth more than either number. Weights are moved once per sample, activations once
into and once out of every layer; an embedding moves the rows it looks up. Elementwise work and norms are
taken as fused into the layer before: they cost nothing, but for the weights of a norm.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from pidnet.energy.counting import Counts, LayerCount
from pidnet.printing import Printed, Several, with_prefix

PJ = 1e-12


@dataclass(frozen=True)
class EnergyTable:
    """Picojoules of operations and memory accesses.

    Attributes
    ----------
    name, source : str
        What the table is called, and where its figures come from.
    mac : dict of str to float
        A multiply-accumulate by dtype.
    bits : dict of str to int
        The width of each dtype.
    kind : dict of str to str
        By dtype, "modelled" where the source has the figure, "estimated" where it was derived.
    word : dict of str to float
        A word of 64 bits by level, "sram" and "dram".

    Examples
    --------
    >>> import pidnet as pn
    >>> picojoules, kinds = {"fp32": 4.6}, {"fp32": "modelled"}
    >>> table = pn.energy.EnergyTable("mine", "a paper", picojoules, {"fp32": 32}, kinds, {"sram": 10.0})
    >>> table.mac["fp32"]
    4.6
    """

    name: str
    source: str
    mac: dict[str, float]
    bits: dict[str, int]
    kind: dict[str, str]
    word: dict[str, float]


@dataclass(frozen=True, repr=False)
class Joules(Printed):
    """Joules per sample.

    Attributes
    ----------
    sram, dram : float
        With every word in SRAM, and with every word from DRAM.
    kind : str
        "modelled" or "estimated".

    Examples
    --------
    >>> import pidnet as pn
    >>> pn.energy.Joules(1.0, 2.0, "modelled") + pn.energy.Joules(0.5, 3.0, "estimated")
    Joules: 1.5 J in SRAM, 5 J in DRAM, estimated
    """

    sram: float
    dram: float
    kind: str

    def __add__(self, other: Joules) -> Joules:
        kind = "estimated" if "estimated" in (self.kind, other.kind) else "modelled"
        return Joules(self.sram + other.sram, self.dram + other.dram, kind)

    def _lines(self) -> list[str]:
        sram, dram = with_prefix(self.sram, "J"), with_prefix(self.dram, "J")
        return [f"Joules: {sram} in SRAM, {dram} in DRAM, {self.kind}"]


def read_table(path: str | Path) -> EnergyTable:
    """A table of picojoules from a JSON file laid out as ``energy/tables/horowitz_2014.json``.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    EnergyTable
        For ``compare_energy(table=...)``.

    Raises
    ------
    ValueError
        For a file that is no such table, or has figures that are negative or not finite.

    Examples
    --------
    >>> from importlib.resources import files
    >>> import pidnet as pn
    >>> pn.energy.read_table(files("pidnet.energy") / "tables/horowitz_2014.json").name
    'horowitz_2014'
    """
    try:
        return parse_table(json.loads(Path(path).read_text(encoding="utf-8")))
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(
            f"{path} is no energy table ({type(error).__name__}: {error}); lay it out as "
            "pidnet/energy/tables/horowitz_2014.json"
        ) from error


@cache
def horowitz_2014() -> EnergyTable:
    """The table that ships with pidnet: 45 nm, 0.9 V (Horowitz, ISSCC 2014)."""
    return parse_table(json.loads((files("pidnet.energy") / "tables/horowitz_2014.json").read_text("utf-8")))


def parse_table(data: Mapping) -> EnergyTable:
    """The checked table in parsed JSON."""
    table = EnergyTable(
        name=data["name"],
        source=data["source"],
        mac={dtype: row["multiply_pj"] + row["add_pj"] for dtype, row in data["mac"].items()},
        bits={dtype: row["bits"] for dtype, row in data["mac"].items()},
        kind={dtype: row["kind"] for dtype, row in data["mac"].items()},
        word={level: data["access_64_bit"][level]["pj"] for level in ("sram", "dram")},
    )
    for name, value in (*table.mac.items(), *table.bits.items(), *table.word.items()):
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} has {value} in table {table.name!r}; expected a number of at least 0")
    return table


def modelled_energy(
    counts: Counts, *, dtype: str | Mapping[str, str] | None = None, table: EnergyTable | None = None
) -> dict[str, Joules]:
    """Modelled joules of every layer, per sample.

    Parameters
    ----------
    counts : Counts
        What ``count`` found.
    dtype : str or mapping, optional
        What the layers would run in, bytes scaled along: "fp32", "fp16", "bf16", "int8" or "binary" for all, or a
        dict from layer to dtype (the rest as they are). By default what the tensors are.
    table : EnergyTable, optional
        Horowitz 2014 by default.

    Returns
    -------
    dict of str to Joules
        By layer.

    Raises
    ------
    ValueError
        For a layer or dtype that is unknown, with the known ones.

    Notes
    -----
    E = MACs * e_mac(dtype) + words moved * e_word(level). Source: Horowitz 2014, ISSCC, 10.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> counts = pn.energy.count(pn.zoo.mlp(8, (16,), 2), torch.zeros(1, 8))
    >>> list(pn.energy.modelled_energy(counts, dtype="int8"))
    ['fc1', 'relu1', 'head']
    """
    table = table or horowitz_2014()
    chosen = dtype if isinstance(dtype, Mapping) else dict.fromkeys(counts.layers, dtype)
    if wrong := sorted(set(chosen) - set(counts.layers)):
        raise ValueError(f"no such layer: {wrong[0]!r}; the model has {', '.join(map(repr, counts.layers))}")
    for name in filter(None, chosen.values()):
        check_dtype(name, table)
    found = {name: layer_energy(layer, chosen.get(name), table) for name, layer in counts.layers.items()}
    return Several(found)


def layer_energy(layer: LayerCount, dtype: str | None, table: EnergyTable) -> Joules:
    """Modelled joules of one layer, per sample."""
    if layer.kind == "elementwise":
        return Joules(0.0, 0.0, "modelled")
    own, dtype = layer.dtype, dtype or layer.dtype
    check_dtype(dtype, table)
    words = moved_bytes(layer) / 8
    if dtype != own:
        words *= table.bits[dtype] / OWN_BITS[own]
    compute = layer.macs * table.mac[dtype]
    sram, dram = (PJ * (compute + words * table.word[level]) for level in ("sram", "dram"))
    return Joules(sram, dram, table.kind[dtype])


def moved_bytes(layer: LayerCount) -> int:
    """Bytes that one sample moves for a layer, each once."""
    if layer.kind == "norm":
        return layer.weight_bytes
    if layer.kind == "embedding":
        return 2 * layer.output_bytes
    return layer.weight_bytes + layer.activation_bytes


# Bits that a tensor of this dtype takes in memory (torch keeps a bool in a byte).
OWN_BITS = {"fp64": 64, "fp32": 32, "fp16": 16, "bf16": 16, "int8": 8, "binary": 8}


def check_dtype(dtype: str, table: EnergyTable) -> None:
    """ValueError unless the table has this dtype."""
    if dtype not in table.mac:
        raise ValueError(
            f"unknown dtype {dtype!r}; table {table.name!r} has {', '.join(table.mac)}: "
            "name one of these as dtype=, or pass a table that has it"
        )


def total(energy: Mapping[str, Joules]) -> Joules:
    """The sum over layers.

    Parameters
    ----------
    energy : mapping of str to Joules
        By layer.

    Returns
    -------
    Joules
        Of the whole model; "estimated" where any layer is.

    Examples
    --------
    >>> from pidnet.energy import Joules, total
    >>> total({"fc1": Joules(1.0, 2.0, "modelled"), "head": Joules(0.5, 1.0, "estimated")})
    Joules: 1.5 J in SRAM, 3 J in DRAM, estimated
    """
    return sum(energy.values(), Joules(0.0, 0.0, "modelled"))


def energy_rows(counts: Counts, *, dtype: str | None = None) -> list[dict[str, str | int | float]]:
    """What one network costs per sample, as rows of a table: each layer that weighs or multiplies, and the total.

    Parameters
    ----------
    counts : Counts
        What ``count`` found.
    dtype : str, optional
        As for ``modelled_energy``.

    Returns
    -------
    list of dict
        A row per layer, the total last.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> counts = pn.energy.count(pn.zoo.mlp(8, (16,), 2), torch.zeros(1, 8))
    >>> [row["MACs"] for row in pn.energy.energy_rows(counts)]
    [128, 32, 160]
    """
    energy = modelled_energy(counts, dtype=dtype)
    shown = {name: layer for name, layer in counts.layers.items() if layer.kind != "elementwise"}
    whole = LayerCount(
        kind="",
        macs=counts.macs,
        weight_bytes=counts.weight_bytes,
        input_bytes=sum(layer.input_bytes for layer in shown.values()),
        output_bytes=sum(layer.output_bytes for layer in shown.values()),
    )
    rows = [(name or "(model)", layer, energy[name]) for name, layer in shown.items()]
    return [
        {
            "layer": name,
            "kind": layer.kind,
            "MACs": layer.macs,
            "weight bytes": layer.weight_bytes,
            "activation bytes": layer.activation_bytes,
            "nJ, SRAM": joules.sram * 1e9,
            "nJ, DRAM": joules.dram * 1e9,
            "energy is": joules.kind,
        }
        for name, layer, joules in [*rows, ("total", whole, total(energy))]
    ]
