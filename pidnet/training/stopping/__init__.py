"""When to stop a training: a record of it, rules that read the record, and what each would have cost."""

from pidnet.training.stopping.history import History
from pidnet.training.stopping.replaying import Replay, replay
from pidnet.training.stopping.rules import STOPPING, StoppingRule
from pidnet.training.stopping.stop import Stopped, stop_training
from pidnet.training.stopping.stopper import Stopper

__all__ = ["STOPPING", "History", "Replay", "Stopped", "Stopper", "StoppingRule", "replay", "stop_training"]
