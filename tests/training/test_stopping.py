"""When training stops: patience, time, Ctrl-C; and which weights the caller then has."""

import math
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glassnet as gn
from glassnet.errors import GlassnetWarning, InputError

SRC = str(Path(__file__).resolve().parents[2] / "src")
X = np.random.default_rng(0).normal(size=(12, 3))
Y = np.random.default_rng(1).normal(size=12)


def network():
    return gn.Network(3, [gn.Dense(4, "tanh"), gn.Dense(1)], seed=0, dtype="float64")


def train(net, **options):
    settings = {"epochs": 5, "batch_size": 4, "optimizer": gn.Adam(0.01)} | options
    return gn.train(net, X, Y, "squared_error", **settings)


class Thetas(list):
    """θ after every step or epoch."""

    def step(self, event: gn.StepEnded):
        self.append(event.network.theta.copy())

    def epoch(self, event: gn.EpochEnded):
        self.append(event.network.theta.copy())


# --- early stopping ----------------------------------------------------------------------------------------------


def one_weight():
    net = gn.Network(1, [gn.Dense(1, bias=False)], dtype="float64")
    net.theta = [0.0]
    return net


def walk(epochs=100, **options):
    """The weight goes from 0 towards 2, by a tenth of what is left each epoch; validation wants it to be 1.2."""
    net, thetas = one_weight(), Thetas()
    history = gn.train(
        net, [[1.0]], [2.0], "squared_error", optimizer=gn.SGD(0.05), epochs=epochs, batch_size=None,
        validation=([[1.0]], [1.2]), callbacks=[thetas.epoch], **options,
    )  # fmt: skip
    return net, thetas, history


WALK = [2 - 2 * 0.9**k for k in range(1, 101)]  # the weight after each epoch
BEST = min(range(100), key=lambda k: abs(WALK[k] - 1.2))


@pytest.mark.parametrize("patience", [1, 2, 7])
def test_patience_and_the_best_weights(patience):
    net, thetas, history = walk(early_stopping=patience)
    np.testing.assert_allclose([theta[0] for theta in thetas], WALK[: len(thetas)], rtol=1e-12)
    assert history.best_epoch == BEST == int(np.argmin(history.validation_loss))
    assert history.epochs == BEST + 1 + patience
    assert history.stopped == f"no better for {patience} epochs"
    assert net.theta.tobytes() == thetas[BEST].tobytes()
    assert net.theta.tobytes() != thetas[-1].tobytes()


def test_the_best_weights_are_restored_though_patience_is_left():
    net, thetas, history = walk(epochs=BEST + 4, early_stopping=50)
    assert history.stopped == "all epochs done"
    assert history.best_epoch == BEST
    assert net.theta.tobytes() == thetas[BEST].tobytes()


def test_without_early_stopping_the_last_weights_are_kept():
    net, thetas, history = walk(epochs=BEST + 4)
    assert history.best_epoch is None
    assert net.theta.tobytes() == thetas[-1].tobytes()


def test_a_gain_below_min_delta_is_none():
    early = gn.EarlyStopping(patience=3, min_delta=0.02)
    _, _, history = walk(early_stopping=early)
    best, best_at, waited = math.inf, None, 0
    for k, theta in enumerate(WALK):
        if best - (theta - 1.2) ** 2 > 0.02:
            best, best_at, waited = (theta - 1.2) ** 2, k, 0
        else:
            waited += 1
        if waited == 3:
            break
    assert (history.best_epoch, history.epochs) == (best_at, k + 1)
    assert best_at < BEST


def test_watching_the_training_loss_needs_no_validation():
    net, thetas = one_weight(), Thetas()
    history = gn.train(
        net, [[1.0]], [2.0], "squared_error", optimizer=gn.SGD(1.5), epochs=50, batch_size=None,
        early_stopping=gn.EarlyStopping(2, monitor="loss"), callbacks=[thetas.epoch],
    )  # fmt: skip
    assert history.loss == [4.0, 16.0, 64.0]  # each step goes too far, twice as far as the last
    assert history.best_epoch == 0
    assert net.theta.tobytes() == thetas[0].tobytes()


def test_watching_accuracy():
    """More is better; a tie is not."""
    net = gn.Network(1, [gn.Dense(2, "softmax", bias=False)], dtype="float64")
    net.theta = [-1.0, 1.0]  # wrong about all rows; training turns it
    inputs, labels = np.array([[1.0], [2.0], [-1.0], [-2.0]]), [0, 0, 1, 1]
    history = gn.train(
        net, inputs, labels, "cross_entropy", optimizer=gn.SGD(0.5), epochs=50, validation=(inputs, labels),
        early_stopping=gn.EarlyStopping(3, monitor="validation_accuracy"), batch_size=None,
    )  # fmt: skip
    assert history.validation_accuracy[history.best_epoch] == 1.0
    assert history.best_epoch == history.validation_accuracy.index(1.0) > 0
    assert history.epochs == history.best_epoch + 4


@given(
    values=st.lists(st.integers(0, 9).map(float) | st.just(math.nan), min_size=1, max_size=20),
    monitor=st.sampled_from(["validation_loss", "validation_accuracy", "loss"]),
    min_delta=st.sampled_from([0.0, 1.0, 2.5]),
)
def test_what_is_better(values, monitor, min_delta):
    early = gn.EarlyStopping(5, monitor, min_delta)
    best = None
    for value in values:
        sign = 1 if monitor == "validation_accuracy" else -1
        expected = not math.isnan(value) and (best is None or sign * (value - best) > min_delta)
        assert early.is_better(value, best) == expected
        best = value if expected else best


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"patience": 0}, "patience is 0"),
        ({"patience": 2.0}, r"patience is 2\.0"),
        ({"patience": True}, "patience is True"),
        ({"patience": None}, "patience is None"),
        ({"monitor": "accuracy"}, "monitor is 'accuracy'; expected 'validation_loss'"),
        ({"monitor": ["loss"]}, "monitor is"),
        ({"min_delta": -1}, "min_delta is -1"),
        ({"min_delta": math.nan}, "min_delta is nan"),
        ({"min_delta": "0.1"}, r"min_delta is '0\.1'"),
        ({"min_delta": None}, "min_delta is None"),
    ],
)
def test_early_stopping_that_cannot_be(arguments, words):
    with pytest.raises(InputError, match=words):
        gn.EarlyStopping(**arguments)


def test_patience_may_be_a_number_of_numpy():
    assert walk(early_stopping=np.int64(2))[2].stopped == "no better for 2 epochs"


# --- time --------------------------------------------------------------------------------------------------------


def test_time_limit():
    net = network()
    began = time.monotonic()
    history = train(net, epochs=10**7, time_limit=0.3)
    took = time.monotonic() - began
    assert 0.3 <= took < 3
    assert history.stopped == "time limit"
    assert history.epochs > 0
    assert np.isfinite(net.theta).all()


def test_time_limit_within_an_epoch():
    net, thetas = network(), Thetas()
    history = train(net, epochs=10**7, time_limit=1e-9, callbacks=[thetas.step])
    assert history.stopped == "time limit"
    assert history.epochs == 0
    assert len(thetas) == 1
    assert net.theta.tobytes() == thetas[0].tobytes()


def test_a_time_limit_that_is_not_reached_changes_nothing():
    a, b = network(), network()
    assert train(a, time_limit=1000) == train(b)
    assert a.theta.tobytes() == b.theta.tobytes()


# --- Ctrl-C ------------------------------------------------------------------------------------------------------


def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def handler():
    """A handler for SIGINT of the caller's own."""
    calls = []

    def own(number, frame):
        calls.append(number)

    before = signal.signal(signal.SIGINT, own)
    own.calls = calls
    yield own
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("at", [0, 1, 4, 7])
def test_ctrl_c_keeps_the_weights_so_far_and_says_so(at, handler):
    net, thetas = network(), Thetas()

    def interrupt(event: gn.StepEnded):
        if event.step == at:
            ctrl_c()

    with pytest.warns(GlassnetWarning) as caught:
        history = train(net, callbacks=[thetas.step, interrupt])
    assert history.stopped == "interrupted"
    assert history.epochs == (at + 1) // 3
    assert len(thetas) == at + 1
    assert net.theta.tobytes() == thetas[-1].tobytes()
    assert len(caught) == 1
    message = str(caught[0].message)
    assert f"interrupted in epoch {(at + 1) // 3} after {(at + 1) % 3} of 3 steps" in message
    assert "keeps its weights so far" in message
    assert Path(caught[0].filename).name == Path(__file__).name
    assert signal.getsignal(signal.SIGINT) is handler
    assert handler.calls == []


@pytest.mark.parametrize("kind", [gn.TrainingStarted, gn.EpochEnded, gn.Progressed])
def test_ctrl_c_at_any_event(kind, handler):
    net = network()

    def interrupt(event):
        ctrl_c()

    interrupt.__annotations__["event"] = kind
    with pytest.warns(GlassnetWarning, match="interrupted"):
        history = train(net, callbacks=[interrupt])
    assert history.stopped == "interrupted"
    assert history.epochs == (1 if kind is gn.EpochEnded else 0)
    assert signal.getsignal(signal.SIGINT) is handler


def test_ctrl_c_in_the_last_step_comes_too_late(handler):
    net, twin = network(), network()

    def interrupt(event: gn.StepEnded):
        if event.step == 14:
            ctrl_c()

    history = train(net, callbacks=[interrupt])
    assert history.stopped == "all epochs done"
    train(twin)
    assert net.theta.tobytes() == twin.theta.tobytes()


def test_ctrl_c_keeps_the_best_weights_where_early_stopping_watches(handler):
    net, thetas = one_weight(), Thetas()

    def interrupt(event: gn.EpochEnded):
        if event.epoch == BEST + 3:
            ctrl_c()

    with pytest.warns(GlassnetWarning, match=f"keeps the best weights, of epoch {BEST}"):
        history = gn.train(
            net, [[1.0]], [2.0], "squared_error", optimizer=gn.SGD(0.05), epochs=100, batch_size=None,
            validation=([[1.0]], [1.2]), callbacks=[thetas.epoch, interrupt], early_stopping=50,
        )  # fmt: skip
    assert history.best_epoch == BEST
    assert net.theta.tobytes() == thetas[BEST].tobytes()


def test_the_second_ctrl_c_acts_as_usual(handler):
    net = network()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # the fixture puts back what was there

    def interrupt(event: gn.StepEnded):
        ctrl_c()
        ctrl_c()

    with pytest.raises(KeyboardInterrupt):
        train(net, callbacks=[interrupt])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert np.isfinite(net.theta).all()


def test_where_the_caller_ignores_ctrl_c_so_does_training(handler):
    """A shell starts background jobs so, and a Ctrl-C meant for another program must not stop them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    net, twin = network(), network()

    def interrupt(event: gn.StepEnded):
        ctrl_c()

    history = train(net, callbacks=[interrupt])
    assert history == train(twin)
    assert net.theta.tobytes() == twin.theta.tobytes()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_the_second_ctrl_c_reaches_the_callers_own_handler(handler):
    def interrupt(event: gn.StepEnded):
        if event.step == 0:
            ctrl_c()
            ctrl_c()

    with pytest.warns(GlassnetWarning, match="interrupted"):
        train(network(), callbacks=[interrupt])
    assert handler.calls == [signal.SIGINT]
    assert signal.getsignal(signal.SIGINT) is handler


def test_the_handler_is_given_back_however_training_ends(handler):
    train(network())
    assert signal.getsignal(signal.SIGINT) is handler

    def fail(event):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        train(network(), callbacks=[fail])
    assert signal.getsignal(signal.SIGINT) is handler
    broken = network()
    broken.theta[0] = np.nan
    with pytest.raises(gn.GlassnetError):
        train(broken)
    assert signal.getsignal(signal.SIGINT) is handler


def test_in_a_thread_of_its_own_training_works_and_leaves_ctrl_c_alone(handler):
    results, handlers = [], []

    def look(event: gn.StepEnded):
        handlers.append(signal.getsignal(signal.SIGINT))

    def work():
        net = network()
        results.append((train(net, callbacks=[look]), net.theta.tobytes()))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    net = network()
    expected = (train(net), net.theta.tobytes())
    assert results == [expected, expected]
    assert set(handlers) == {handler}


def python(script):
    script = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n" + textwrap.dedent(script)
    environment = {**os.environ, "PYTHONPATH": SRC, "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", script],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_real_ctrl_c_from_outside(tmp_path):
    script = f"""
        import numpy as np, glassnet as gn
        def started(event: gn.TrainingStarted):
            print("started", flush=True)
        net = gn.Network(3, [gn.Dense(4, "tanh"), gn.Dense(1)], seed=0)
        X = np.random.default_rng(0).normal(size=(500, 3))
        history = gn.train(net, X, X[:, 0], "squared_error", epochs=10**7, callbacks=[started])
        gn.save(net, {str(tmp_path / "net.safetensors")!r})
        print(history.stopped, history.epochs, repr(history.loss[-1]))
    """
    process = python(script)
    try:
        assert process.stdout.readline() == "started\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert "GlassnetWarning: Training was interrupted in epoch" in err
    stopped, epochs, loss = out.split()
    assert stopped == "interrupted"
    assert int(epochs) > 0
    net = gn.load(tmp_path / "net.safetensors")
    inputs = np.random.default_rng(0).normal(size=(500, 3))
    assert gn.evaluate(net, inputs, inputs[:, 0], "squared_error").loss < 2 * float(loss)  # it did learn


def test_two_real_ctrl_c_end_a_process_that_hangs():
    script = """
        import time, numpy as np, glassnet as gn
        def hang(event: gn.StepEnded):
            print("hanging", flush=True)
            for _ in range(6000):
                time.sleep(0.01)
        net = gn.Network(3, [gn.Dense(1)], seed=0)
        gn.train(net, np.ones((9, 3)), np.ones(9), "squared_error", callbacks=[hang])
    """
    process = python(script)
    try:
        assert process.stdout.readline() == "hanging\n"
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert process.poll() is None  # the first is only a wish
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
    finally:
        process.kill()
    assert process.returncode in (-signal.SIGINT, 130)
    assert "KeyboardInterrupt" in err
