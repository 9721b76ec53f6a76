"""Which outputs a loss can read: decided by intervals, checked by numbers that an activation really puts out."""

import re

import numpy as np
import pytest

from glassnet.errors import PairingError
from glassnet.maths.activations import ACTIVATIONS
from glassnet.maths.domains import (
    LOGITS,
    NONNEGATIVE,
    POSITIVE,
    PROBABILITIES,
    REALS,
    SYMMETRIC_UNIT,
    UNIT,
    Domain,
    above,
)
from glassnet.maths.losses import LOSSES

EVERY = set(ACTIVATIONS)
LEGAL = {
    "squared_error": EVERY,
    "half_squared_error": EVERY,
    "mean_squared_error": EVERY,
    "absolute_error": EVERY,
    "huber": EVERY,
    "quantile": EVERY,
    "log_cosh": EVERY,
    "hinge": EVERY,
    "poisson": {"sigmoid", "exp", "softplus", "softmax"},
    "cross_entropy": {"softmax"},
    "binary_cross_entropy": {"sigmoid", "softmax"},
    "cross_entropy_from_logits": {"identity", "leaky_relu"},
    "binary_cross_entropy_from_logits": {"identity", "leaky_relu"},
}
PAIRS = [(loss, activation) for loss in LOSSES for activation in ACTIVATIONS]


def is_legal(loss, activation, outputs=3):
    try:
        LOSSES.resolve(loss).require_readable(ACTIVATIONS.resolve(activation), outputs)
    except PairingError:
        return False
    return True


@pytest.mark.parametrize(("loss", "activation"), PAIRS)
def test_legal_pairs(loss, activation):
    assert is_legal(loss, activation) == (activation in LEGAL[loss])


def test_every_loss_is_listed():
    assert set(LEGAL) == set(LOSSES)


@pytest.mark.parametrize(("loss", "activation"), [pair for pair in PAIRS if pair[1] in LEGAL[pair[0]]])
def test_a_legal_pair_is_finite_on_what_the_activation_puts_out(loss, activation):
    record, g = LOSSES[loss], ACTIVATIONS[activation]
    a = g.apply(np.random.default_rng(0).normal(size=(200, 3), scale=2.0))
    y = np.eye(3)[np.arange(200) % 3]
    assert np.isfinite(record.rows(a, y)).all()
    assert np.isfinite(record.slope(a, y)).all()


@pytest.mark.parametrize(("loss", "activation"), [pair for pair in PAIRS if pair[1] not in LEGAL[pair[0]]])
def test_an_illegal_pair_is_refused_with_fixes_that_work(loss, activation):
    with pytest.raises(PairingError) as caught:
        LOSSES[loss].require_readable(ACTIVATIONS[activation], 3)
    message = str(caught.value)
    assert repr(loss) in message
    assert repr(activation) in message
    assert ACTIVATIONS[activation].range.name in message
    assert LOSSES[loss].domain.name in message
    assert fixes_that_work(message, loss) >= 1


def fixes_that_work(message, loss):
    """Try what the message says to do, and count."""
    advice = message.split(". ", 1)[1]
    other_losses = re.findall(r"'(\w+)' after '(\w+)'", advice)
    for other, suited in other_losses:
        assert is_legal(other, suited), advice
    own = re.search(r"activation ((?:'\w+'(?: or |, )?)+)", advice)
    activations = re.findall(r"'(\w+)'", own[1]) if own else []
    for suited in activations:
        assert is_legal(loss, suited), advice
    return len(other_losses) + len(activations)


@pytest.mark.parametrize("loss", ["cross_entropy", "cross_entropy_from_logits", "hinge"])
def test_one_output_is_too_few_to_choose_from(loss):
    suited = LOSSES[loss].last_activation
    LOSSES[loss].require_readable(suited, 2)
    with pytest.raises(PairingError, match="needs at least 2 outputs, but the last layer has 1") as caught:
        LOSSES[loss].require_readable(suited, 1)
    assert "'binary_cross_entropy' after a single sigmoid" in str(caught.value)
    assert is_legal("binary_cross_entropy", "sigmoid", outputs=1)


@pytest.mark.parametrize("loss", list(LOSSES))
def test_the_activation_a_loss_recommends_is_one_it_can_read(loss):
    assert is_legal(loss, LOSSES[loss].last_activation)


@pytest.mark.parametrize(
    ("reads", "puts_out", "accepted"),
    [
        (REALS, REALS, True),
        (REALS, UNIT, True),
        (REALS, above(-3), True),
        (REALS, PROBABILITIES, True),
        (POSITIVE, UNIT, True),
        (POSITIVE, POSITIVE, True),
        (POSITIVE, NONNEGATIVE, False),
        (POSITIVE, above(0.5), True),
        (POSITIVE, above(-0.1), False),
        (NONNEGATIVE, NONNEGATIVE, True),
        (NONNEGATIVE, POSITIVE, True),
        (UNIT, SYMMETRIC_UNIT, False),
        (UNIT, PROBABILITIES, True),
        (UNIT, Domain("closed", 0.0, 1.0, closed=True), False),
        (UNIT, Domain("inside", 0.2, 0.8, closed=True), True),
        (UNIT, POSITIVE, False),
        (PROBABILITIES, UNIT, False),
        (PROBABILITIES, PROBABILITIES, True),
        (LOGITS, REALS, True),
        (LOGITS, SYMMETRIC_UNIT, False),
        (LOGITS, POSITIVE, False),
    ],
)
def test_intervals(reads, puts_out, accepted):
    assert reads.accepts(puts_out) is accepted
