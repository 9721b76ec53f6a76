"""What is told of a NaN: causes that were planted are found, in many forms, and the numbers are those of the run."""

import dataclasses
import json
import signal
import time
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

import glassnet as gn
from glassnet.engines import Block, Descent, Rates, make_engine
from glassnet.engines.nonfinite import teller
from glassnet.engines.nonfinite import trail as trails
from glassnet.engines.nonfinite.extremes import extremes, usual_sizes
from glassnet.engines.nonfinite.story import Story
from glassnet.errors import NonFiniteError
from glassnet.maths.domains import POSITIVE
from glassnet.maths.optimizers import OPTIMIZERS
from glassnet.training.stories import load_story

ROWS, COLUMNS = 60, 5


def data(seed, kind="normal", outputs=2):
    """Rows of ordinary size: the largest number of a column is no accident."""
    rng = np.random.default_rng(seed)
    x = {
        "normal": lambda: rng.normal(size=(ROWS, COLUMNS)),
        "uniform": lambda: rng.uniform(0, 1, (ROWS, COLUMNS)),
        "heavy": lambda: rng.standard_t(3, (ROWS, COLUMNS)),
        "sparse": lambda: (rng.random((ROWS, COLUMNS)) < 0.1) * 1.0,
        "scales": lambda: rng.normal(size=(ROWS, COLUMNS)) * 10.0 ** np.arange(-3, 2),
    }[kind]()
    return x, rng.normal(size=(ROWS, outputs))


def network(*layers, seed=0, dtype="float32", inputs=COLUMNS):
    return gn.Network(inputs, [gn.Dense(*d) if isinstance(d, tuple) else d for d in layers], seed=seed, dtype=dtype)


def failing(net, x, y, loss="squared_error", engine="compiled", **options):
    """Train a copy until it ends in a NaN; return the error and the network that is left."""
    net = net.copy()
    with pytest.raises(NonFiniteError) as caught:
        gn.train(net, x, y, loss, engine=engine, **{"epochs": 30, "batch_size": 16, "ledger": False} | options)
    error = caught.value
    assert isinstance(error.story, Story)
    assert str(error) == error.story.message() == error.history.stopped
    assert "keeps its weights from before this step" in str(error)
    assert np.isfinite(net.theta).all() or error.story.cause.kind == "weights"
    return error, net


def story_of(*arguments, **options):
    return failing(*arguments, **options)[0].story


engines = pytest.mark.parametrize("engine", ["compiled", "reference"])


# --- one number of one row ---------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.data())
def test_one_huge_input_is_found_with_its_row_and_column(draw):
    """Whether it overflows where it is met, or throws the weights so that other rows overflow later."""
    seed = draw.draw(st.integers(0, 10**6))
    x, y = data(seed, draw.draw(st.sampled_from(["normal", "uniform", "heavy", "sparse", "scales"])))
    row, column = draw.draw(st.integers(0, ROWS - 1)), draw.draw(st.integers(0, COLUMNS - 1))
    x[row, column] = draw.draw(st.sampled_from([-1, 1])) * 10.0 ** draw.draw(st.integers(9, 37))
    options = {
        "optimizer": draw.draw(st.sampled_from(["sgd(0.01)", "sgd(0.01, momentum=0.9)"])),
        "batch_size": draw.draw(st.sampled_from([1, 7, 16, None])),
        "seed": draw.draw(st.integers(0, 9)),
        "validation": draw.draw(st.sampled_from([None, 0.2])),
        "schedule": draw.draw(st.sampled_from([None, "cosine"])),
        "engine": "reference",
    }
    hidden = draw.draw(st.sampled_from([[], [(8, "relu")], [(8, "relu"), gn.Dropout(0.2), (6, "silu")]]))
    net = network(*hidden, (2, "identity"), seed=seed % 7)
    weight = np.ones(ROWS)
    weight[row] = 0
    try:
        with np.errstate(all="ignore"):  # the row may be held out
            gn.train(net.copy(), x, y, "squared_error", epochs=5, ledger=False, sample_weight=weight, **options)
    except NonFiniteError:
        reject()  # the run is sick without the row as well
    try:
        gn.train(net.copy(), x, y, "squared_error", epochs=5, ledger=False, **options)
    except NonFiniteError as error:
        story = error.story
    else:
        return  # held out, or a neuron of slope 0 hears it
    assert (story.cause.kind, story.cause.row, story.cause.column) == ("input", row, column), story.text()
    assert story.cause.value == pytest.approx(x[row, column], rel=1e-6)
    assert f"Row {row} has x[{column}]" in story.message()
    assert any(check.finite and check.otherwise == f"without row {row}" for check in story.checks)


@pytest.mark.parametrize("size", [1e12, 1e19, 1e30])
@pytest.mark.parametrize("batch_size", [1, 16, None])
@engines
def test_one_huge_target_is_found(size, batch_size, engine):
    x, y = data(3)
    y[41, 1] = -size
    story = story_of(
        network((8, "relu"), (2, "identity")), x, y, optimizer="sgd(0.05)", batch_size=batch_size, engine=engine
    )
    cause = story.cause
    assert (cause.kind, cause.row, cause.column) == ("target", 41, 1)
    assert "Row 41 has the truth -" in story.message()


@engines
def test_one_huge_weight_of_a_row_is_found(engine):
    x, y = data(4)
    weight = np.ones(ROWS)
    weight[17] = 1e38
    net = network((8, "relu"), (2, "identity"))
    story = story_of(net, x, y, reduction="sum", optimizer="sgd(0.001)", sample_weight=weight, engine=engine)
    assert (story.cause.kind, story.cause.row) == ("sample_weight", 17)


def test_several_rows_that_are_to_blame_together_are_counted():
    x, y = data(5)
    x[[3, 30, 44], 2] = 1e30
    story = story_of(network((8, "relu"), (2, "identity")), x, y, batch_size=None, optimizer="sgd(0.01)")
    cause = story.cause
    assert (cause.kind, cause.rows, cause.column) == ("input", 3, 2)
    assert cause.row in (3, 30, 44)
    assert "2 more rows" in story.message()


def test_rows_are_numbered_as_the_caller_numbers_them_after_a_split():
    x, y = data(6)
    x[50, 1] = 1e30
    seen = set()
    for seed in range(4):
        try:
            gn.train(network((2, "identity")), x, y, "squared_error", optimizer="sgd(0.01)", validation=0.4, seed=seed)
        except NonFiniteError as error:
            seen.add((error.story.cause.row, error.story.row, error.story.chain[0].row))
    assert seen == {(50, 50, 50)}


# --- weights that training moved -----------------------------------------------------------------------------------

RATES = {
    "sgd": ("sgd(1e3)", {}),
    "a little too high": ("sgd(0.6)", {"epochs": 2000}),
    "momentum": ("sgd(20.0, momentum=0.9)", {}),
    "huge": ("sgd(1e25)", {}),
    "one batch": ("sgd(1e2)", {"batch_size": None, "epochs": 2000}),
    "one row": ("sgd(10.0)", {"batch_size": 1}),
    "adam": ("adam(1e12)", {}),
    "warm-up": ("sgd(1.0)", {"schedule": "exponential(2.0, per='step')"}),
    "dropout": ("sgd(1e3)", {"dropout": True}),
    "weights": ("sgd(1e3)", {"sample_weight": np.arange(ROWS) % 3 + 0.5}),
    "penalty": ("sgd(1e3)", {"l2": 0.01}),
    "clipped by value": ("sgd(1e18)", {"clip_value": 10.0}),
}


@pytest.mark.parametrize("case", RATES)
@pytest.mark.parametrize("kind", ["normal", "heavy", "sparse"])
def test_a_rate_that_is_too_high_is_found(case, kind):
    optimizer, options = RATES[case]
    options = dict(options)
    x, y = data(7, kind)
    hidden = [(12, "relu"), gn.Dropout(0.3)] if options.pop("dropout", False) else [(12, "relu")]
    net = network(*hidden, (2, "identity"))
    if case == "a little too high" and kind == "sparse":
        return  # not too high there
    error, _ = failing(net, x, y, optimizer=optimizer, **options)
    cause = error.story.cause
    assert cause.kind == "rate", error.story.text()
    before, now = cause.growth
    assert before == pytest.approx(np.abs(net.theta).max())
    assert now > 10 * before
    assert "The steps are too large" in str(error)
    moments = error.story.moments
    assert moments[-1].largest_weight == now
    assert len(moments) == min(error.step, 8) + 1
    if case in ("sgd", "huge", "one row", "momentum", "adam"):
        assert cause.slower
    if cause.slower:  # is what it says
        calm = gn.Network.from_dict(net.to_dict())
        kind_of, _, rest = optimizer.partition("(")
        rest = rest.removesuffix(")").partition(",")[2]
        own = OPTIMIZERS.resolve(optimizer).learning_rate
        slower = f"{kind_of}({own * cause.slower!r}{',' + rest if rest else ''})"
        tried = next(check for check in error.story.checks if check.otherwise.endswith("times the learning rate"))
        assert tried.finite
        assert (tried.first, tried.last >= error.step) == (0, True)

        def enough(event: gn.StepEnded):
            if event.step == tried.last:
                raise gn.StopTraining

        settings = {"batch_size": 16, "epochs": 30} | options
        gn.train(calm, x, y, "squared_error", optimizer=slower, callbacks=[enough], **settings)
        assert np.abs(calm.theta).max() < 20


def test_an_update_that_overflows_by_itself_is_the_rates():
    x, y = data(8)
    error, _ = failing(network((2, "identity"), dtype="float64"), 1e3 * x[:, :], y, optimizer="sgd(1e307)")
    assert (error.step, error.quantity, error.story.cause.kind) == (0, "theta", "rate")
    link = error.story.chain[0]
    rate, gradient = link.parts[1]
    assert (rate.what, rate.value) == ("learning rate", 1e307)
    assert rate.value * gradient.value == -np.inf or rate.value * gradient.value == np.inf


# --- formulas ------------------------------------------------------------------------------------------------------


def breaking(beyond, value=np.nan, slope=False):
    """Return an activation of a user's that breaks, or whose slope does, where z is beyond a number."""
    broken = lambda z, a: np.where(z > beyond, value, 1.0 + 0 * z)  # noqa: E731
    if slope:
        return gn.Activation("mine", value=lambda z: z, slope=broken)
    return gn.Activation("mine", value=lambda z: np.where(z > beyond, value, z), slope=lambda z, a: 1.0 + 0 * z)


@pytest.mark.filterwarnings("ignore::glassnet.GlassnetWarning")
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("slope", [False, True])
@pytest.mark.parametrize("place", [0, 1])
@engines
def test_an_activation_of_a_users_that_breaks_is_named_with_the_number(value, slope, place, engine):
    x, y = data(9)
    layers = [(6, "tanh"), (6, "tanh"), (2, "identity")]
    layers[place] = (6, breaking(3.0 if place == 0 else 0.5, value, slope))
    net = network(*layers, dtype="float64")
    net.weights[0][:] *= 2
    story = story_of(net, x, y, optimizer="sgd(0.001)", engine=engine)
    cause = story.cause
    assert cause.kind == "formula", story.text()
    assert "'mine'" in cause.name
    assert ("slope" in cause.name) is slope
    assert cause.value > (3.0 if place == 0 else 0.5)
    assert story.quantity == ("blame" if slope else "a")
    assert story.layer == place


@pytest.mark.filterwarnings("ignore::glassnet.GlassnetWarning")
@engines
def test_poisson_of_a_negative_prediction(engine):
    """a − y log a with a < 0: NaN at the ordinary number −0.3."""
    claims = gn.Activation("claims", value=lambda z: z, slope=lambda z, a: 1.0 + 0 * z, range=POSITIVE)
    x, y = data(10)
    net = network((2, claims), dtype="float64")
    story = story_of(net, x, np.abs(y), "poisson", optimizer="sgd(0.001)", engine=engine)
    assert (story.cause.kind, story.quantity) == ("formula", "loss")
    assert story.cause.name == "loss 'poisson'"
    row = x[story.row] @ net.weights[0]
    assert story.cause.value < 0
    assert np.abs(row - story.cause.value).min() < 0.1  # a few small steps later


@engines
def test_a_logarithm_of_zero(engine):
    """exp(−1000) is 0, and the loss is asked of it the long way."""
    tiny = gn.Activation("tiny", value=lambda z: np.exp(-1000 - z), slope=lambda z, a: -a, range=POSITIVE)
    x, y = data(11)
    story = story_of(network((2, tiny), dtype="float64"), x, np.abs(y), "poisson", engine=engine)
    assert (story.cause.kind, story.cause.name, story.cause.value) == ("formula", "loss 'poisson'", 0.0)


@pytest.mark.parametrize("scale", [300.0, 3000.0])
@engines
def test_an_exponential_that_overflows_is_named(scale, engine):
    x, y = data(12)
    net = network((6, "exp"), (2, "identity"), dtype="float64")
    story = story_of(net, scale * x, y, optimizer="sgd(1e-300)", engine=engine)
    assert (story.cause.kind, story.cause.name) == ("activation", "exp")
    assert "exp" in story.message()
    assert "float64 holds" in story.message()


@engines
def test_an_exponential_is_named_where_no_rate_would_help(engine):
    """The first steps are finite and throw the weights; but weights that hardly move overflow a little later."""
    x, y = data(12)
    net, x = network((6, "exp"), (2, "identity")), 18 * x
    options = {"batch_size": 4, "engine": engine, "seed": 2}
    story = story_of(net, x, y, optimizer="sgd(0.1)", **options)
    assert story.step > 0
    assert story.cause.growth[1] > 1e6
    assert (story.cause.kind, story.cause.name) == ("activation", "exp")
    late, _ = failing(net, x, y, optimizer="sgd(1e-40)", **options)
    assert late.step > story.step


# --- what the step started from --------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@engines
def test_weights_that_were_set_to_nan_are_named(value, engine):
    x, y = data(13)
    net = network((6, "tanh"), (2, "identity"))
    net.weights[1][3, 1] = value
    error, left = failing(net, x, y, engine=engine)
    assert (error.story.cause.kind, error.story.cause.name) == ("weights", "weights[1][3, 1]")
    assert f"weights[1][3, 1] was {value:g} before the step" in str(error)
    assert any(factor.what == "weights[1][3, 1]" for factor in error.story.chain[0].parts[0])
    assert left.theta.tobytes() == net.theta.tobytes()


@pytest.mark.parametrize("size", [1e20, 1e30])
@pytest.mark.parametrize("everywhere", [False, True])
@engines
def test_a_bad_start_is_named(size, everywhere, engine):
    x, y = data(14)
    net = network((6, "relu"), (2, "identity"))
    if everywhere:
        net.theta[:] *= size
    else:
        net.weights[1][2, 0] = size
    story = story_of(net, x, y, optimizer="sgd(1e-6)", engine=engine)
    assert story.cause.kind == "start", story.text()
    assert story.cause.value == pytest.approx(net.theta[np.abs(net.theta).argmax()])
    if not everywhere:
        assert story.cause.name == "weights[1][2, 0]"


@engines
def test_data_that_are_large_altogether(engine):
    x, y = data(15)
    net = network((6, "relu"), (2, "identity"))
    assert story_of(net, 1e25 * x, y, engine=engine).cause.kind == "inputs"
    assert story_of(net, x, 1e25 * y, engine=engine).cause.kind == "targets"
    weight = np.full(ROWS, 1e38)
    found = story_of(net, x, y, reduction="sum", sample_weight=weight, engine=engine)
    assert found.cause.kind == "sample_weights"
    assert found.checks[-2:] != ()
    assert {check.otherwise for check in found.checks} >= {"in float64", "with every row at weight 1"}


@engines
def test_lbfgs_has_a_story_too(engine):
    x, y = data(15)
    net = network((6, "relu"), (2, "identity"))
    story = story_of(net, 1e25 * x, y, optimizer="lbfgs", batch_size=None, engine=engine)
    assert (story.cause.kind, story.step, len(story.moments)) == ("inputs", 0, 1)


@engines
def test_what_only_float32_cannot_hold(engine):
    x, y = data(16)
    square = gn.Activation("square", value=lambda z: z * z, slope=lambda z, a: 2 * z)
    net = network((6, "identity"), *[(6, square)] * 3, (2, "identity"), seed=1)
    net.theta[:] *= 20
    story = story_of(net, x, y, optimizer="sgd(1e-38)", engine=engine)
    assert [check.finite for check in story.checks if check.otherwise == "in float64"] == [True]
    wide = net.astype("float64")
    gn.train(wide, x, y, "squared_error", optimizer="sgd(1e-99)", epochs=1, batch_size=16, ledger=False)


@engines
def test_a_penalty_that_overflows(engine):
    x, y = data(17)
    net = network((6, "relu"), (2, "identity"), dtype="float64")
    for penalty in ("l1", "l2"):
        story = story_of(net, x, y, engine=engine, **{penalty: 1.7e308})
        assert (story.cause.kind, story.cause.name) == ("penalty", penalty)


# --- the figures are those of the run ----------------------------------------------------------------------------

RUNS = {
    "sgd": {"optimizer": "sgd(3.0)"},
    "momentum": {"optimizer": "sgd(3.0, momentum=0.9, nesterov=True)"},
    "adam": {"optimizer": "adam(1e78)"},
    "rmsprop, dropout": {"optimizer": "rmsprop(1e76)", "dropout": True},
    "schedule": {"optimizer": "sgd(1.0)", "schedule": "exponential(1.5, per='step')"},
    "plateau": {"optimizer": "sgd(2.0)", "schedule": "plateau", "epochs": 99},
    "clipped": {"optimizer": "sgd(1e58)", "clip_value": 1e19, "clip_norm": 3e19},
    "weighted": {"optimizer": "sgd(3.0)", "sample_weight": np.arange(ROWS) % 3 * 1.0},
    "sum": {"optimizer": "sgd(1.0)", "reduction": "sum", "l1": 0.01},
    "validation": {"optimizer": "sgd(3.0)", "validation": 0.3},
}


@pytest.mark.parametrize("watched", [True, False])
@pytest.mark.parametrize("run", RUNS)
@engines
def test_the_moments_before_are_what_a_listener_saw(run, watched, engine):
    """The listener hears each step as it is taken; without one, many steps are taken at a stretch."""
    options = dict(RUNS[run])
    x, y = data(18)
    hidden = [(12, "relu"), gn.Dropout(0.3)] if options.pop("dropout", False) else [(12, "relu")]
    net = network(*hidden, (2, "identity"), dtype="float64")
    thetas, losses, rates = [], [], []

    def look(event: gn.StepEnded):
        thetas.append(event.network.theta.copy())
        losses.append(event.loss)
        rates.append(event.learning_rate)

    error, left = failing(net, x, y, engine=engine, callbacks=[look], **options)
    thetas.insert(0, net.theta)
    story = error.story
    if not watched:
        story, again = (lambda found: (found[0].story, found[1]))(failing(net, x, y, engine=engine, **options))
        assert again.theta.tobytes() == left.theta.tobytes()
    assert left.theta.tobytes() == thetas[-1].tobytes()
    assert story.step == len(losses)
    assert [m.step for m in story.moments] == list(range(max(0, story.step - 8), story.step + 1))
    assert (story.moved, story.finished) == (False, True)  # one who listens and moves nothing is not accused
    for moment in story.moments:
        assert moment.largest_weight == np.abs(thetas[moment.step]).max()
        if moment.step < story.step:
            assert moment.loss == pytest.approx(losses[moment.step], rel=1e-9)
            assert moment.learning_rate == rates[moment.step]


def test_the_gradient_and_z_of_a_moment_are_those_of_backprop():
    x, y = data(19)
    net = network((12, "tanh"), (2, "identity"), dtype="float64")
    p = net.backprop(x, y, "squared_error")
    early = story_of(net, x, y, optimizer="sgd(1e200)", batch_size=None)
    first = early.moments[0]
    assert first.step == 0
    assert first.gradient == pytest.approx(np.linalg.norm(p.gradient.theta))
    assert first.loss == pytest.approx(p.loss)
    largest = max(np.abs(z).max() for z in p.z)
    assert first.largest_z == pytest.approx(largest)
    assert abs(p.z[first.z_layer][first.z_row, first.z_unit]) == pytest.approx(largest)


def test_the_chain_of_z_is_its_sum_written_out():
    x, y = data(20)
    x[7] *= 1e60
    net = network((6, "relu"), (4, "relu"), (2, "identity"), dtype="float64")
    net.weights[1][:] *= 1e250
    error, _ = failing(net, x, y, optimizer="sgd(0.1)", batch_size=None)
    assert (error.quantity, error.layer, error.row) == ("z", 1, 7)
    z, a, below = error.story.chain[:3]
    unit = error.unit
    signal = np.maximum(x[7] @ net.weights[0], 0)
    log = np.log10(signal, where=signal > 0, out=np.full(6, -np.inf)) + np.log10(np.abs(net.weights[1][:, unit]))
    j = int(log.argmax())
    heard, weight = z.parts[0]
    assert (heard.what, weight.what) == (f"a of layer 0, neuron {j}", f"weights[1][{j}, {unit}]")
    assert heard.value == pytest.approx(signal[j])
    assert weight.value == weight.start == net.weights[1][j, unit]
    assert (a.what, a.formula) == (f"a of layer 0, neuron {j}", "relu of")
    terms = x[7] * net.weights[0][:, j]
    most = int(np.abs(terms).argmax())
    assert below.parts[0][0].what == f"x[{most}]"
    assert below.parts[0][0].value * below.parts[0][1].value == pytest.approx(terms[most])


def test_the_chain_of_blame_leads_from_layer_to_layer():
    """Slopes that multiply: each layer's g′ is 1e30 at ordinary z."""
    steep = gn.Activation("steep", value=np.tanh, slope=lambda z, a: 1e30 * (1 + 0 * z))
    x, y = data(21)
    net = network((4, steep), (4, steep), (2, "identity"))
    error, _ = failing(net, x, y, optimizer="sgd(1e-9)")
    assert error.quantity == "blame"
    assert error.layer == 0
    first = error.story.chain[0]
    weight, after, slope = first.parts[0]
    assert slope.value == pytest.approx(1e30, rel=1e-5)
    assert after.what.startswith("blame of layer 1")
    assert error.story.chain[1].what.startswith("z of layer 0") or error.story.chain[1].what.startswith("blame")
    assert error.story.cause.kind == "blame"
    assert abs(weight.value * after.value * slope.value) > 3e38


def test_the_chain_of_a_gradient_names_the_row_with_the_largest_term():
    x, y = data(22)
    x[33] = 1e25
    net = network((2, "identity"))
    with pytest.raises(NonFiniteError) as caught:
        gn.train(net, x, y, "absolute_error", optimizer="sgd(1e17)", batch_size=None, ledger=False)
    story = caught.value.story
    assert story.quantity == "theta"
    told = [factor.what for link in story.chain for part in link.parts for factor in part]
    assert any(what.endswith("row 33") for what in told)


# --- both engines, files, and those who meddle --------------------------------------------------------------------


@pytest.mark.parametrize("case", RUNS)
def test_both_engines_tell_the_same(case):
    options = dict(RUNS[case])
    x, y = data(23)
    hidden = [(12, "relu"), gn.Dropout(0.3)] if options.pop("dropout", False) else [(12, "relu")]
    net = network(*hidden, (2, "identity"), dtype="float64")
    ours, theirs = (story_of(net, x, y, engine=engine, **options) for engine in ("compiled", "reference"))
    for name in ("step", "epoch", "quantity", "layer", "row", "unit", "optimizer"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert [check.otherwise for check in ours.checks] == [check.otherwise for check in theirs.checks]
    assert [(link.what, link.row) for link in ours.chain] == [(link.what, link.row) for link in theirs.chain]
    assert (ours.cause.kind, ours.cause.row, ours.cause.column) == (
        theirs.cause.kind,
        theirs.cause.row,
        theirs.cause.column,
    )
    for mine, other in zip(ours.moments, theirs.moments, strict=True):
        assert mine.step == other.step
        assert mine.largest_weight == pytest.approx(other.largest_weight, rel=1e-9)
        assert mine.loss == pytest.approx(other.loss, rel=1e-9, nan_ok=True)


@engines
def test_a_story_travels_as_json(engine):
    x, y = data(24)
    story = story_of(network((6, "relu"), (2, "identity")), x, y, optimizer="sgd(1e9)", engine=engine)
    content = json.dumps(story.to_dict(), allow_nan=False)
    again = Story.from_dict(json.loads(content))
    assert again.text() == story.text()
    assert again.to_dict() == story.to_dict()
    assert str(story) == story.text()
    older = {name: value for name, value in story.to_dict().items() if name not in ("moved", "finished")}
    assert Story.from_dict(older).text() == story.text()


def test_the_story_is_kept_in_the_runs_folder(tmp_path):
    x, y = data(25)
    net, folder = network((6, "relu"), (2, "identity")), tmp_path / "a.run"
    error, _ = failing(net, x, y, optimizer="sgd(1e9)", checkpoint=folder)
    kept = load_story(folder)
    assert kept.text() == error.story.text()
    assert json.loads((folder / "history.json").read_text())["stopped"] == kept.message()
    gn.train(net, x, y, "squared_error", optimizer="sgd(1e-3)", epochs=1, checkpoint=folder, resume=False)
    assert load_story(folder) is None  # of the run that was there before
    assert load_story(tmp_path) is None
    (folder / "story.json").write_text("{}")
    assert load_story(folder) is None


def test_rows_may_be_renumbered():
    x, y = data(26)
    x[5, 2] = 1e30
    story = story_of(network((2, "identity")), x, y, optimizer="sgd(0.01)", batch_size=None)
    other = story.renumbered(1000 + np.arange(ROWS))
    assert other.cause.row == other.row == 1005
    assert other.message() == story.message().replace("row 5", "row 1005").replace("Row 5", "Row 1005")
    assert {m.z_row for m in other.moments} == {1000 + m.z_row for m in story.moments}
    assert "without row 1005" in other.text()


def test_weights_that_somebody_moves_in_between_are_not_told_of():
    x, y = data(27)

    def meddle(event: gn.EpochEnded):
        event.network.theta[:] *= 1.001

    story = story_of(network((6, "relu"), (2, "identity")), x, y, optimizer="sgd(1.5)", callbacks=[meddle])
    assert 1 <= len(story.moments) <= 9
    assert story.moments[-1].step == story.step
    assert story.moved
    assert (story.cause.kind, story.cause.value) == ("rate", 1.5)  # the steps explode by themselves too
    assert [check.finite and not check.grows for check in story.checks if "by themselves" in check.otherwise] == [False]
    if len(story.moments) == 1:
        assert "cannot be told" in story.text()


MOVED = "The weights are not what the steps made of them: a callback or another call set them between steps."


@pytest.mark.parametrize("kind", [gn.StepEnded, gn.EpochEnded])
@pytest.mark.parametrize("optimizer", ["adam(1e-3)", "sgd(0.01, momentum=0.9)"])
@pytest.mark.parametrize("every", [1, 7])
@engines
def test_a_callback_that_throws_the_weights_is_found(kind, optimizer, every, engine):
    """It was the learning rate's fault before."""
    x, y = data(29)
    seen = []

    def throw(event):
        seen.append(event)
        if len(seen) % every == 0:
            event.network.theta[:] *= 1e30

    throw.__annotations__["event"] = kind
    net = network((6, "relu"), (4, "relu"), (2, "identity"))
    story = story_of(net, x, y, optimizer=optimizer, callbacks=[throw], engine=engine)
    assert story.cause.kind == "moved", story.text()
    assert story.moved
    assert MOVED in story.message()
    assert "callback" not in story.message().split(MOVED)[0]
    assert "learning rate" not in story.message()
    assert story.cause.growth[1] > 1e20


@pytest.mark.parametrize("everywhere", [False, True])
@engines
def test_one_weight_that_was_set_between_steps_is_found(everywhere, engine):
    """The number that the row holds is held well by the weights that training makes."""
    x, y = data(30)
    x[slice(None) if everywhere else 7, 2] = 1e38
    net = network((6, "tanh"), (2, "identity"))

    def put(event: gn.EpochEnded):
        if event.epoch == 3:
            event.network.weights[0][2, 4] = 30

    options = {"optimizer": "adam(1e-5)", "clip_value": 1.0, "engine": engine}
    gn.train(net.copy(), x, y, "squared_error", epochs=9, batch_size=16, ledger=False, **options)
    story = story_of(net, x, y, callbacks=[put], **options)
    assert story.cause.kind == "moved", story.text()
    check = story.checks[0]
    assert (check.finite, check.last) == (True, story.step)
    assert MOVED in story.message()
    assert "By themselves the steps stay finite" in story.message()


def test_a_row_is_not_acquitted_because_somebody_moves_the_weights_a_little():
    x, y = data(31)
    x[13, 1] = 1e30

    def shrink(event: gn.StepEnded):
        event.network.theta[:] *= 0.999

    story = story_of(network((6, "relu"), (2, "identity")), x, y, optimizer="sgd(0.01)", callbacks=[shrink], seed=3)
    assert (story.cause.kind, story.cause.row) == ("input", 13)


# --- how long it may take ------------------------------------------------------------------------------------------


def trail_of(net, optimizer="adam"):
    """A trail of an engine that has not taken steps."""
    x, y = (np.zeros((4, *shape), net.dtype) for shape in (net.input_shape, (net.outputs,)))
    block = Block(x, y, np.ones(4, net.dtype))
    descent = Descent(OPTIMIZERS.resolve(optimizer))
    engine = make_engine("reference", net, net.objective("squared_error"), descent, 4, 0)
    return trails.Trail(engine, block)


def noted(trail, steps):
    """Note steps as if they had been taken, a second by the clock each; return when anchors were made."""
    made = []
    for _ in range(steps):
        trail.note(np.arange(4), np.array([0, 4]), Rates(np.ones(1)))
        trail.engine.state.step += 1
        trail.engine.network.theta[0] += 1
        made += [trail.anchors[-1].made] if trail.anchors[-1].made not in made else []
    return made


def test_anchors_are_made_however_long_a_copy_takes(monkeypatch):
    """Between two of them lie ten seconds at most, or the steps that are told of."""
    seconds = iter(range(10**6))
    monkeypatch.setattr(trails, "time", SimpleNamespace(perf_counter=lambda: float(next(seconds))))
    made = noted(trail_of(network((3, "tanh"), (2, "identity"))), 200)
    assert np.diff(made).max() <= max(10, 2 * trails.STEPS)


def test_of_a_large_network_one_copy_is_kept(monkeypatch):
    seconds = iter(range(10**6))
    monkeypatch.setattr(trails, "time", SimpleNamespace(perf_counter=lambda: float(next(seconds))))
    for inputs, many in ((100, 2), (6000, 1)):  # 3 · 8 · 6000 · 500 bytes are 72 MB
        net = network((500, "tanh"), (1, "identity"), inputs=inputs, dtype="float64")
        trail, before = trail_of(net), net.theta.copy()
        assert len(noted(trail, 60)) > 3
        assert len(trail.anchors) == many
        assert trail.start.theta.tobytes() == before.tobytes()
        for anchor in trail.anchors:  # not written over by each other
            assert anchor.theta[0] == pytest.approx(before[0] + anchor.step)
            assert anchor.theta[1:].tobytes() == before[1:].tobytes()


def slow(seconds, calls):
    """Return tanh that takes a while and is counted."""

    def value(z):
        calls.append(time.perf_counter())
        time.sleep(seconds)
        return np.tanh(z)

    return gn.Activation("slow", value=value, slope=lambda z, a: 1 - a * a)


UNFINISHED = "The cause was not looked for to the end"


def throwing_at(step, then=lambda: None):
    """Return a callback that throws the weights after a step."""

    def throw(event: gn.StepEnded):
        if event.step == step:
            event.network.theta[:] *= 1e38
            then()

    return throw


@pytest.mark.filterwarnings("ignore::glassnet.GlassnetWarning")
def test_a_story_has_a_time_limit(monkeypatch):
    """Here no anchor but the first is made, so that taking the steps again takes as long as training."""
    monkeypatch.setattr(trails, "_SECONDS_BETWEEN_COPIES", 1e9)
    monkeypatch.setattr(trails, "_MOST_SECONDS", 1e9, raising=False)
    monkeypatch.setattr(teller, "SECONDS", 0.2, raising=False)
    x, y = data(32)
    calls, thrown = [], []
    net = network((6, slow(0.01, calls)), (6, "relu"), (2, "identity"))
    callback = throwing_at(80, lambda: thrown.append(time.perf_counter()))
    story = story_of(net, x, y, optimizer="adam(1e-5)", callbacks=[callback], engine="reference")
    assert time.perf_counter() - thrown[0] < 0.7
    assert thrown[0] - calls[0] > 0.8
    assert (story.step, story.finished, story.cause.kind) == (81, False, "unknown")
    assert UNFINISHED in story.message()
    assert story.message().count("not looked for") == 1
    assert story.chain
    assert story.moments[-1].largest_weight > 1e30
    assert "moved by somebody" not in story.text()
    assert "learning rate 1e-5" not in story.message()
    assert Story.from_dict(json.loads(json.dumps(story.to_dict()))).text() == story.text()


@pytest.mark.filterwarnings("ignore::glassnet.GlassnetWarning")
def test_ctrl_c_ends_a_story(monkeypatch):
    monkeypatch.setattr(trails, "_SECONDS_BETWEEN_COPIES", 1e9)
    x, y = data(32)
    calls, asked, thrown = [], [], []
    quick = slow(0.0, calls)

    def value(z):
        if thrown and len(calls) == thrown[0] + 20:  # in the midst of taking steps again
            asked.append(len(calls))
            signal.raise_signal(signal.SIGINT)
        return quick.apply(z)

    mine = gn.Activation("slow", value=value, slope=lambda z, a: 1 - a * a)
    net = network((6, mine), (6, "relu"), (2, "identity"))
    callback = throwing_at(80, lambda: thrown.append(len(calls)))
    error, left = failing(net, x, y, optimizer="adam(1e-5)", callbacks=[callback], engine="reference")
    assert len(asked) == 1
    assert len(calls) - asked[0] < 12  # 60 more steps would have been taken for one replay
    assert not error.story.finished
    assert UNFINISHED in error.story.message()
    assert np.abs(left.theta).max() > 1e30


@engines
def test_one_who_wishes_to_stop_gets_the_place_and_the_chain(monkeypatch, engine):
    """For example as Ctrl-C was pressed during the very step that failed."""
    wished = teller.tell
    monkeypatch.setattr("glassnet.training.loop.tell", lambda *facts: wished(*facts[:3], lambda: True))
    x, y = data(33)
    x[7, 1] = 1e30
    error, left = failing(network((6, "relu"), (2, "identity")), x, y, optimizer="sgd(0.01)", seed=1, engine=engine)
    story = error.story
    assert (story.finished, story.cause.kind, len(story.moments)) == (False, "unknown", 1)
    assert story.chain
    assert not story.checks
    assert str(error).startswith(story.place)
    assert UNFINISHED in str(error)
    assert np.isfinite(left.theta).all()


def test_the_steps_before_are_told_from_the_latest_anchor_where_the_earliest_is_far_away(monkeypatch):
    monkeypatch.setattr(teller, "_SECONDS_FOR_THE_LONG_WAY", 0.0, raising=False)
    monkeypatch.setattr(trails, "_SECONDS_BETWEEN_COPIES", 0.0)
    x, y = data(34)
    taken = []
    take = trails.Trail.take

    def noted_take(self, last, *options, **more):
        taken.append((self.engine.state.step, last))
        return take(self, last, *options, **more)

    monkeypatch.setattr(trails.Trail, "take", noted_take)

    def listen(event: gn.StepEnded):
        pass

    net = network((6, "relu"), (2, "identity"))
    options = {"optimizer": "sgd(0.001)", "schedule": "exponential(1.1, per='step')"}
    story = story_of(net, x, y, callbacks=[listen], engine="reference", **options)
    assert story.step > 40
    assert [m.step for m in story.moments] == list(range(story.step - 8, story.step + 1))
    assert min(first for first, _ in taken) >= story.step - 8 - 8
    assert not story.moved


@engines
def test_the_network_can_be_trained_on_afterwards_as_if_nothing_had_been_looked_at(engine):
    x, y = data(28)
    net = network((6, "relu"), (2, "identity"))
    _, left = failing(net, x, y, optimizer="sgd(3.0, momentum=0.9)", engine=engine)
    plain = left.copy()
    for each in (left, plain):
        each.theta[:] = net.theta
        gn.train(each, x, y, "squared_error", optimizer="sgd(0.01)", epochs=2, engine=engine, ledger=False)
    assert left.theta.tobytes() == plain.theta.tobytes()


# --- numbers that are far out ----------------------------------------------------------------------------------------


def test_what_is_usual_in_a_column():
    x = np.array([[1.0, 0.0, 1e-4]] * 99 + [[1e9, 5.0, 1.0]])
    np.testing.assert_allclose(usual_sizes(x), [1, 0.50005, 0.50005])  # the median of 1 and 1e-4 is the floor
    assert usual_sizes(np.zeros((4, 2))).tolist() == [1, 1]
    assert usual_sizes(np.full((1, 1), 7.0)).tolist() == [7]


@given(st.integers(0, 10**6), st.integers(0, ROWS - 1), st.integers(0, COLUMNS - 1))
def test_the_farthest_number_comes_first(seed, row, column):
    x, y = data(seed)
    x[row, column] = 1e7
    y[(row + 1) % ROWS, 0] = 1e4
    block = Block(x, y, np.ones(ROWS))
    first, second = extremes(block, np.arange(ROWS))
    assert (first.kind, first.row, first.column, first.value) == ("input", row, column, 1e7)
    assert (second.kind, second.row, second.column) == ("target", (row + 1) % ROWS, 0)
    assert extremes(dataclasses.replace(block, x=np.clip(x, -9, 9), y=np.clip(y, -9, 9)), np.arange(ROWS)) == []
