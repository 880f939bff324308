"""Training loops: fitting the reference networks, and a short fine-tuning after pruning."""

from pidnet.training.fine_tuning import fine_tune
from pidnet.training.fit import accuracy, train, train_epochs

__all__ = ["accuracy", "fine_tune", "train", "train_epochs"]
