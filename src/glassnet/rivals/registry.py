"""Rivals by name. A new one is a file and a row here; its contract tests come from this table."""

from __future__ import annotations

from glassnet.maths.registry import Registry
from glassnet.rivals.backprop import Backprop
from glassnet.rivals.coordinate import Coordinate
from glassnet.rivals.delta import Delta
from glassnet.rivals.direct_feedback_alignment import DirectFeedbackAlignment
from glassnet.rivals.evolution import Evolution
from glassnet.rivals.feedback_alignment import FeedbackAlignment
from glassnet.rivals.forward_gradient import ForwardGradient
from glassnet.rivals.genetic import Genetic
from glassnet.rivals.grid import Grid
from glassnet.rivals.guessing import Guessing
from glassnet.rivals.hebbian import Hebbian
from glassnet.rivals.numerical import Numerical
from glassnet.rivals.perceptron import Perceptron
from glassnet.rivals.proportional import Proportional
from glassnet.rivals.rival import Rival
from glassnet.rivals.spsa import SPSA
from glassnet.rivals.transposed import Transposed
from glassnet.rivals.tweaking import Tweaking

RIVALS: Registry[Rival] = Registry(
    "method",
    Rival,
    {
        "backprop": Backprop,
        "tweaking": Tweaking,
        "guessing": Guessing,
        "genetic": Genetic,
        "evolution": Evolution,
        "coordinate": Coordinate,
        "grid": Grid,
        "numerical": Numerical,
        "spsa": SPSA,
        "forward_gradient": ForwardGradient,
        "proportional": Proportional,
        "transposed": Transposed,
        "perceptron": Perceptron,
        "delta": Delta,
        "feedback_alignment": FeedbackAlignment,
        "direct_feedback_alignment": DirectFeedbackAlignment,
        "hebbian": Hebbian,
    },
)
