"""pidnet inside other libraries' frames, and its results in their forms."""

from pidnet.integrations.callbacks import trainer_callback, write_scalars
from pidnet.integrations.pruning_tools import masked, torch_pruning_groups
from pidnet.integrations.scikit_learn import CoverSelector

__all__ = [
    "CoverSelector",
    "masked",
    "torch_pruning_groups",
    "trainer_callback",
    "write_scalars",
]
