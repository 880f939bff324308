"""What a network costs: exact counts, modelled joules, and measured ones where a counter exists."""

from pidnet.energy.comparison import EnergyFigure, EnergyReport, LayerRow, compare_energy
from pidnet.energy.counting import Counts, LayerCount, count
from pidnet.energy.modelled import EnergyTable, Joules, modelled_energy, read_table

__all__ = [
    "Counts",
    "EnergyFigure",
    "EnergyReport",
    "EnergyTable",
    "Joules",
    "LayerCount",
    "LayerRow",
    "compare_energy",
    "count",
    "modelled_energy",
    "read_table",
]
