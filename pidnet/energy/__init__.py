"""What a network costs: exact counts, modelled joules, and measured ones where a counter exists."""

from pidnet.energy.compared import Compared
from pidnet.energy.comparison import add_measured, compare_energy
from pidnet.energy.counting import Counts, LayerCount, count
from pidnet.energy.latency import Latency, LatencyReport, compare_latency
from pidnet.energy.measured import Counter, Measurement, Window, counter_window, find_counters, measure
from pidnet.energy.meters import codecarbon_window, zeus_window
from pidnet.energy.modelled import EnergyTable, Joules, energy_rows, modelled_energy, read_table, total
from pidnet.energy.report import EnergyFigure, EnergyReport, LayerRow
from pidnet.energy.tradeoff import (
    accuracy_energy,
    co2_grams,
    inferences_to_pay_back,
    modelled_payback,
    pareto_front,
)
from pidnet.energy.work import Work, counted_work

__all__ = [
    "Compared",
    "Counter",
    "Counts",
    "EnergyFigure",
    "EnergyReport",
    "EnergyTable",
    "Joules",
    "Latency",
    "LatencyReport",
    "LayerCount",
    "LayerRow",
    "Measurement",
    "Window",
    "Work",
    "accuracy_energy",
    "add_measured",
    "co2_grams",
    "codecarbon_window",
    "compare_energy",
    "compare_latency",
    "count",
    "counted_work",
    "counter_window",
    "energy_rows",
    "find_counters",
    "inferences_to_pay_back",
    "measure",
    "modelled_energy",
    "modelled_payback",
    "pareto_front",
    "read_table",
    "total",
    "zeus_window",
]
