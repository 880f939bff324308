"""What can be asked for by name. It stands apart from the functions behind the names, so that the command line
prints its help and completes words without torch; a test holds the two together.
"""

from __future__ import annotations

MEASURES = ("i_broja", "i_min", "i_mmi", "i_ccs")
GAUSSIAN_MEASURES = (
    "gaussian_i_mmi",
    "gaussian_i_broja",
    "gaussian_i_ccs",
    "gaussian_i_delta",
    "gaussian_i_dep",
)
QUANTIZERS = ("zero_level", "equal_mass", "equal_width", "deviation_steps", "lloyd", "binary", "own_values")
CORRECTIONS = (
    "mixture",
    "shuffle_sources",
    "shuffle_labels",
    "miller_madow",
    "quadratic_extrapolation",
    "none",
)
GAUSSIAN_CORRECTIONS = ("none", "wishart")
NULLS = ("units", "labels", "sources", "none")

INFORMATION_CRITERIA = ("pid", "graph_i_min", "graph_i_broja", "graph_i_ccs", "graph_gaussian")
BASELINE_CRITERIA = (
    "random",
    "l1",
    "l2",
    "bn_scale",
    "taylor",
    "fpgm",
    "chip",
    "mrmr",
    "correlation",
    "pivoted_qr",
    "obs",
)
CRITERIA = (*INFORMATION_CRITERIA, *BASELINE_CRITERIA)
REPAIRS = ("none", "fold", "refit", "reconstruct")
ALLOCATIONS = ("uniform", "global", "measured")
READINGS = ("classes", "tokens", "bernoulli", "gaussian")

DATA_SETS = ("digits", "mnist", "fashion_mnist", "cifar10", "mnist1d", "names")
