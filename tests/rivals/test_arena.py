"""The arena: what it answers against `Network.backprop` and the metrics, and what each question costs."""

from types import SimpleNamespace

import numpy as np
import pytest

import glassnet as gn
from glassnet.engines import Block
from glassnet.errors import InputError
from glassnet.maths.optimizers import SGD
from glassnet.rivals import Arena, BudgetSpent
from glassnet.rivals.candidates import at_once, population

RNG = np.random.default_rng(11)
X = RNG.standard_normal((31, 4))
LABELS = RNG.integers(0, 3, 31)
WEIGHT = RNG.uniform(0.5, 2.0, 31)
ENGINES = ("compiled", "reference")


def make(engine, score="error", l2=0.0):
    net = gn.Network(4, [gn.Dense(6, "tanh"), gn.Dropout(0.4), gn.Dense(3, "softmax")], seed=3, dtype="float64")
    objective = net.objective("cross_entropy", "mean", 0.0, l2)
    return net, Arena(net, objective, Block(X, LABELS, WEIGHT), score=score, engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_gradient_and_textbook_are_backpropagation_without_dropout(engine):
    net, arena = make(engine, l2=0.1)
    truth = net.backprop(X, LABELS, "cross_entropy", sample_weight=WEIGHT, l2=0.1)
    loss, gradient = arena.gradient(net.theta)
    p = arena.textbook(net.theta)
    assert loss == pytest.approx(truth.loss, rel=1e-12)
    np.testing.assert_allclose(gradient, truth.gradient.theta, atol=1e-12)
    np.testing.assert_allclose(p.gradient.theta, truth.gradient.theta, atol=1e-12)
    np.testing.assert_allclose(p.blame[0], truth.blame[0], atol=1e-12)
    assert arena.losses(net.theta[None])[0] == pytest.approx(truth.loss, rel=1e-12)
    assert arena.forward(net.theta).loss == pytest.approx(truth.loss, rel=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_are_those_that_were_named(engine):
    net, arena = make(engine)
    rows = np.array([3, 7, 7, 30])
    truth = net.backprop(X[rows], LABELS[rows], "cross_entropy", sample_weight=WEIGHT[rows])
    assert arena.losses(net.theta[None], rows)[0] == pytest.approx(truth.loss, rel=1e-12)
    np.testing.assert_allclose(arena.gradient(net.theta, rows)[1], truth.gradient.theta, atol=1e-12)
    np.testing.assert_allclose(arena.textbook(net.theta, rows).gradient.theta, truth.gradient.theta, atol=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_slopes_are_the_gradient_times_the_direction(engine):
    net, arena = make(engine, l2=0.3)
    directions = RNG.standard_normal((5, arena.size))
    loss, slopes = arena.slopes(net.theta, directions)
    truth, gradient = arena.gradient(net.theta)
    assert loss == pytest.approx(truth)
    np.testing.assert_allclose(slopes, directions @ gradient, rtol=1e-10)


@pytest.mark.parametrize("engine", ENGINES)
def test_accuracies_are_those_of_evaluate(engine):
    net, arena = make(engine, score="accuracy")
    thetas = RNG.standard_normal((20, arena.size))
    found = arena.accuracies(thetas)
    for theta, accuracy in zip(thetas, found, strict=True):
        net.theta = theta
        right = net.predict(X).argmax(axis=1) == LABELS
        assert accuracy == pytest.approx(np.average(right, weights=WEIGHT))
    np.testing.assert_allclose(arena.costs(thetas), 1 - found)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("last", "loss"), [("sigmoid", "binary_cross_entropy"), ("identity", "hinge_none")])
def test_accuracy_of_one_output(engine, last, loss):
    loss = "binary_cross_entropy_from_logits" if loss == "hinge_none" else loss
    y = (X[:, 0] > 0).astype(float)[:, None]
    net = gn.Network(4, [gn.Dense(1, last)], seed=1, dtype="float64")
    arena = Arena(net, net.objective(loss), Block(X, y, np.ones(31)), engine=engine)
    assert arena.accuracies(net.theta[None])[0] == pytest.approx(gn.evaluate(net, X, y, loss).accuracy)


def test_what_is_no_number_is_never_the_smallest():
    net, arena = make("compiled")
    thetas = np.array([net.theta, np.full(arena.size, np.nan)])
    losses = arena.losses(thetas)
    assert np.isfinite(losses[0])
    assert losses[1] == np.inf


def test_every_question_has_its_price():
    net, arena = make("reference")
    m, rows = 31, np.arange(5)
    prices = [
        (lambda: arena.losses(np.tile(net.theta, (4, 1))), 4 * m),
        (lambda: arena.losses(net.theta[None], rows), 5),
        (lambda: arena.accuracies(net.theta[None]), m),
        (lambda: arena.gradient(net.theta), 3 * m),
        (lambda: arena.gradient(net.theta, rows), 15),
        (lambda: arena.forward(net.theta), m),
        (lambda: arena.textbook(net.theta, rows), 15),
        (lambda: arena.slopes(net.theta, np.zeros((2, arena.size))), 5 * m),
        (lambda: arena.descend(net.theta, SGD(0.1), 10)(np.arange(m)), 3 * m),
    ]
    for ask, price in prices:
        arena.start()
        ask()
        assert arena.evaluations == price
        arena.start(price)
        ask()
        arena.start(price - 1)
        with pytest.raises(BudgetSpent):
            ask()
        assert arena.evaluations == 0
        with arena.resting():
            ask()
        assert arena.evaluations == 0


class Clock:
    """Stands in for the module `time` in the arena; moves when it is told to."""

    def __init__(self, monkeypatch):
        self.now = 100.0
        monkeypatch.setattr("glassnet.rivals.arena.time", SimpleNamespace(perf_counter=lambda: self.now))


class Slow:
    """An engine whose answers take a time of their own for each θ, and which remembers what it was asked."""

    def __init__(self, engine, clock, seconds_each):
        self.engine, self.clock, self.seconds_each, self.asked = engine, clock, seconds_each, []

    def losses(self, thetas, block):
        self.asked.append(len(thetas))
        self.clock.now += self.seconds_each * len(thetas)
        return self.engine.losses(thetas, block)


def test_time_stops_a_walk_and_rests_with_the_judge(monkeypatch):
    clock = Clock(monkeypatch)
    net, arena = make("reference")
    arena.start(seconds=0.05)
    with arena.resting():
        clock.now += 0.08
        arena.losses(net.theta[None])
    arena.losses(net.theta[None])
    assert arena.share == 0.0
    clock.now += 0.06
    with pytest.raises(BudgetSpent):
        arena.losses(net.theta[None])
    assert arena.share == 1.0
    assert arena.evaluations == 31


def test_time_ends_within_a_question_about_many(monkeypatch):
    clock = Clock(monkeypatch)
    net, arena = make("reference")
    slow = arena._engine = Slow(arena._engine, clock, 1 / 128)
    arena.start(seconds=0.175)
    with pytest.raises(BudgetSpent):
        arena.losses(np.tile(net.theta, (1000, 1)))
    assert slow.asked == [1, 6, 6, 6, 3, 1]  # one to see the speed, then 50 ms each, then what is left
    assert arena.evaluations == 23 * 31
    assert arena.seconds == pytest.approx(23 / 128)


def test_what_evaluations_do_not_pay_for_is_not_begun(monkeypatch):
    clock = Clock(monkeypatch)
    net, arena = make("reference")
    slow = arena._engine = Slow(arena._engine, clock, 0.01)
    arena.start(evaluations=10 * 31, seconds=100)
    with pytest.raises(BudgetSpent):
        arena.losses(np.tile(net.theta, (11, 1)))
    assert (arena.evaluations, slow.asked) == (0, [])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("units", [6, 70])  # few enough for lanes, and too many
def test_pieces_give_the_bits_of_the_whole(engine, units, monkeypatch):
    clock = Clock(monkeypatch)
    net = gn.Network(4, [gn.Dense(units, "tanh"), gn.Dense(3, "softmax")], seed=3, dtype="float64")
    arena = Arena(net, net.objective("cross_entropy", l2=0.1), Block(X, LABELS, WEIGHT), engine=engine, threads=2)
    thetas = np.random.default_rng(0).standard_normal((60, net.theta.size))
    arena.start()
    whole, rows = arena.losses(thetas), np.arange(0, 31, 3)
    some = arena.losses(thetas, rows)
    slow = arena._engine = Slow(arena._engine, clock, 0.007)
    arena.start(seconds=1e6)
    unlike = 0.0 if engine == "compiled" else 1e-14  # the reference sums rows by BLAS, in an order that depends on p
    np.testing.assert_allclose(arena.losses(thetas), whole, rtol=unlike)
    assert len(slow.asked) > 5
    assert arena.evaluations == 60 * 31
    np.testing.assert_allclose(arena.losses(thetas, rows), some, rtol=unlike)


def test_generations_and_blocks_fit_in_the_time_left(monkeypatch):
    clock = Clock(monkeypatch)
    _, arena = make("reference")
    arena._engine = Slow(arena._engine, clock, 0.01)
    arena.start()
    assert at_once(arena, 900) == population(arena, 900) == 900
    arena.start(seconds=6.005)
    assert population(arena, 900) == 20
    assert at_once(arena, 900) == 150
    assert (arena.evaluations, arena.seconds) == (0, 0.0)
    clock.now += 6
    assert population(arena, 900, least=8) == 8
    assert at_once(arena, 900) == 1


def test_descend_takes_the_steps_of_train():
    net = gn.Network(4, [gn.Dense(6, "tanh"), gn.Dense(3, "softmax")], seed=3, dtype="float64")
    start = net.theta.copy()
    arena = Arena(net, net.objective("cross_entropy"), Block(X, LABELS, np.ones(31)))
    reached = arena.descend(start, SGD(0.2), 8)(np.arange(31)).copy()
    gn.train(net, X, LABELS, "cross_entropy", optimizer=SGD(0.2), epochs=1, batch_size=8, shuffle=False)
    np.testing.assert_allclose(reached, net.theta, rtol=1e-12)


def test_rows_cannot_be_written_to():
    _, arena = make("reference")
    for array in (arena.x, arena.y, arena.targets, arena.sample_weight):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_scores_that_cannot_be():
    net = gn.Network(4, [gn.Dense(1)], seed=3, dtype="float64")
    block = Block(X, X[:, :1].copy(), np.ones(31))
    with pytest.raises(InputError, match="no classes"):
        Arena(net, net.objective("squared_error"), block, score="accuracy")
    with pytest.raises(InputError, match="expected 'error' or 'accuracy'"):
        Arena(net, net.objective("squared_error"), block, score="speed")
