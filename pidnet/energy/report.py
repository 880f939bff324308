"""What the comparison of two models found: the report, its figures and its rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from pidnet import __version__
from pidnet.energy._report_text import report_text, summary
from pidnet.energy.compared import Compared
from pidnet.optional import optional_module
from pidnet.printing import Printed, listed

SIDES = ("dense", "small")


@dataclass(frozen=True, repr=False)
class LayerRow(Printed):
    """One layer of both models, per sample, with modelled joules; 0 where a model does not have the layer.

    Attributes
    ----------
    layer, kind : str
        Its name and kind, as in ``LayerCount``.
    macs, weight_bytes, activation_bytes : Compared
        Multiply-accumulates and bytes.
    sram_joules, dram_joules : Compared
        Modelled joules, every word in SRAM or from DRAM.
    energy_kind : str
        "modelled" or "estimated".

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> report = pn.compare_energy(torch.nn.Linear(8, 4), torch.nn.Linear(8, 2), torch.zeros(1, 8))
    >>> report.layers[0].kind, report.layers[0].macs
    ('linear', Compared(dense=32, small=16))
    """

    layer: str
    kind: str
    macs: Compared
    weight_bytes: Compared
    activation_bytes: Compared
    sram_joules: Compared
    dram_joules: Compared
    energy_kind: str


@dataclass(frozen=True, repr=False)
class EnergyFigure(Printed):
    """Joules per sample of both models.

    Attributes
    ----------
    where : str
        "sram", "dram" (both modelled), or a counter such as "package-0".
    joules : Compared
        Of the dense and of the small model.
    kind : str
        "measured", "modelled" or "estimated".

    Examples
    --------
    >>> import pidnet as pn
    >>> pn.energy.EnergyFigure("sram", pn.energy.Compared(2e-9, 1e-9), "modelled").kept
    0.5
    """

    where: str
    joules: Compared
    kind: str

    @property
    def kept(self) -> float:
        """The share small / dense; nan where dense is not above 0 or small is below it."""
        return self.joules.kept


@dataclass(frozen=True, repr=False)
class EnergyReport(Printed):
    """What a small model saves against a dense one; every figure is of both, per sample.

    Attributes
    ----------
    macs, parameters, weight_bytes : Compared
        Of the whole models.
    energy : tuple of EnergyFigure
        Both modelled ends, then what was measured, each with its kind.
    layers : tuple of LayerRow
        Layer by layer, in the order of the run.
    table : str
        Name of the table of picojoules.
    accuracy : Compared or None
        As given by the caller.
    guessing : float or None
        The accuracy of always giving the most frequent of the labels that the caller gave.
    tested : int
        How many labels these are.
    measured_note : str
        One sentence on what is measurable here, or how it was measured.
    unknown : mapping of str to str
        Modules whose work is not counted in full, by "dense: name" or "small: name".
    dtype : str or mapping or None
        As given by the caller.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.compare_energy(torch.nn.Linear(8, 4), torch.nn.Linear(8, 2), torch.zeros(1, 8)).macs
    Compared(dense=32, small=16)
    """

    macs: Compared
    parameters: Compared
    weight_bytes: Compared
    energy: tuple[EnergyFigure, ...]
    layers: tuple[LayerRow, ...]
    table: str
    accuracy: Compared | None = None
    guessing: float | None = None
    tested: int = 0
    measured_note: str = ""
    unknown: Mapping[str, str] = field(default_factory=dict)
    dtype: str | Mapping[str, str] | None = None

    def figure(self, where: str) -> EnergyFigure:
        """The figure of a level or counter.

        Parameters
        ----------
        where : str
            "sram", "dram" or the name of a counter.

        Returns
        -------
        EnergyFigure
            Joules of both models.

        Raises
        ------
        ValueError
            For one that is not there, with those that are.
        """
        for figure in self.energy:
            if figure.where == where:
                return figure
        known = ", ".join(figure.where for figure in self.energy)
        raise ValueError(f"the report has no energy figure {where!r}; it has {known}")

    def to_json(self) -> str:
        """Everything in the report, with the versions that made it, as JSON text."""
        return json.dumps(asdict(self) | {"pidnet": __version__, "torch": torch.__version__}, indent=1)

    @staticmethod
    def from_json(text: str) -> EnergyReport:
        """The report that ``to_json`` wrote.

        Parameters
        ----------
        text : str
            JSON.

        Returns
        -------
        EnergyReport
            An equal report.

        Raises
        ------
        ValueError
            For a text that is not a report.
        """
        try:
            fields = json.loads(text)
            del fields["pidnet"], fields["torch"]
            fields["energy"] = tuple(EnergyFigure(**_compared(figure)) for figure in fields["energy"])
            fields["layers"] = tuple(LayerRow(**_compared(row)) for row in fields["layers"])
            return EnergyReport(**_compared(fields))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this JSON is not an energy report: {error!r}") from error

    def to_pandas(self):
        """One row per layer and one column per figure, dense and small apart, as a pandas.DataFrame.

        Raises ImportError without pandas, with the command that installs it.
        """
        pandas = optional_module("pandas")
        columns = ("macs", "weight_bytes", "activation_bytes", "sram_joules", "dram_joules")
        return pandas.DataFrame(
            [
                {"layer": row.layer, "kind": row.kind}
                | {f"{name}_{side}": getattr(getattr(row, name), side) for name in columns for side in SIDES}
                | {"energy_kind": row.energy_kind}
                for row in self.layers
            ]
        ).set_index("layer")

    def __str__(self) -> str:
        return report_text(self)

    def _lines(self) -> list[str]:
        uncounted = [f"not counted in full: {listed(self.unknown)}"] if self.unknown else []
        head = (
            f"EnergyReport by table {self.table}; print(report) has the {len(self.layers)} layers and notes"
        )
        return [head, *summary(self), *uncounted]


def _compared(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields as JSON has them, with figures of both models for lists."""
    return {name: Compared(*value) if isinstance(value, list) else value for name, value in fields.items()}
