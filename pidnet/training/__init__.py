"""Training loops: fitting the reference networks, profiles on the way, and a short fine-tuning after pruning."""

from pidnet.training.fine_tuning import fine_tune
from pidnet.training.fit import accuracy, train, train_epochs
from pidnet.training.recorder import Recorder

__all__ = ["Recorder", "accuracy", "fine_tune", "train", "train_epochs"]
