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
    "Progressed",
    "RunFolder",
    "Scores",
    "StepEnded",
    "StopTraining",
    "TrainingEnded",
    "TrainingStarted",
    "evaluate",
    "train",
]
