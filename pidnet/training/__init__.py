"""Training loops: fitting the reference networks, profiles on the way, and a short fine-tuning after pruning."""

from pidnet.training.bottleneck import (
    BETA_FORMS,
    bottleneck_loss,
    ceb_loss,
    convert_beta,
    vib_loss,
)
from pidnet.training.cdnv import cdnv_penalty
from pidnet.training.fine_tuning import fine_tune
from pidnet.training.fit import accuracy, train, train_epochs
from pidnet.training.narrowed import Narrowed, Phase
from pidnet.training.narrowing import train_narrowing
from pidnet.training.penalties import PENALTIES, Foldable, Penalty
from pidnet.training.recorder import Recorder
from pidnet.training.stopping import (
    STOPPING,
    History,
    Replay,
    Stopped,
    Stopper,
    StoppingRule,
    replay,
    stop_training,
)

__all__ = [
    "BETA_FORMS",
    "PENALTIES",
    "STOPPING",
    "Foldable",
    "History",
    "Narrowed",
    "Penalty",
    "Phase",
    "Recorder",
    "Replay",
    "Stopped",
    "Stopper",
    "StoppingRule",
    "accuracy",
    "bottleneck_loss",
    "cdnv_penalty",
    "ceb_loss",
    "convert_beta",
    "fine_tune",
    "replay",
    "stop_training",
    "train",
    "train_epochs",
    "train_narrowing",
    "vib_loss",
]
