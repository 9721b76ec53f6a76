"""Training: the loop that asks an engine for steps, and everything that may happen between two of them."""

from glassnet.training.events import (
    CheckpointSaved,
    EpochEnded,
    Event,
    Progressed,
    StepEnded,
    StopTraining,
    TrainingEnded,
    TrainingStarted,
)
from glassnet.training.history import History
from glassnet.training.ledger import Ledger
from glassnet.training.replay import Replay, TakenStep
from glassnet.training.run_folder import RunFolder
from glassnet.training.scores import Scores, evaluate
from glassnet.training.stopping import EarlyStopping
from glassnet.training.train import train

__all__ = [
    "CheckpointSaved",
    "EarlyStopping",
    "EpochEnded",
    "Event",
    "History",
    "Ledger",
    "Progressed",
    "Replay",
    "RunFolder",
    "Scores",
    "StepEnded",
    "StopTraining",
    "TakenStep",
    "TrainingEnded",
    "TrainingStarted",
    "evaluate",
    "train",
]
