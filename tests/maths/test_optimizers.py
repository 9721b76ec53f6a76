"""Every optimizer against PyTorch (stored and live), published numbers, and what all must have in common."""

import ast
import dataclasses
import inspect
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet.errors import GlassnetError, InputError, UnknownNameError
from glassnet.maths import optimizers
from glassnet.maths.optimizers import (
    OPTIMIZERS,
    SGD,
    Adagrad,
    Adam,
    AdamW,
    ElementwiseOptimizer,
    NAdam,
    RAdam,
    RMSprop,
    Rprop,
)

TORCH = json.loads(Path(__file__).with_name("torch_trajectories.json").read_text())
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
LIVE_SEED = 7


def shared(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    return json.loads(path.read_text())


def record(name, arguments):
    """Our record for PyTorch's arguments."""
    renamed = {"learning_rate" if key == "lr" else key: value for key, value in arguments.items()}
    return getattr(optimizers, name)(**renamed)


def path_of(optimizer, theta, gradients):
    theta = np.array(theta)
    state = optimizer.init(theta)
    path = []
    for gradient in gradients:
        optimizer.update(theta, np.asarray(gradient), state)
        path.append(theta.copy())
    return np.array(path)


def case_id(case):
    return f"{case[0]}-{'-'.join(case[1])}"


def assert_same(found, expected):
    """To 1e-12 of each number, or of the largest θ where one passes close to zero."""
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13 * np.max(np.abs(expected)))


# Against PyTorch


@pytest.mark.parametrize(
    ("key", "optimizer"),
    [
        ("sgd", SGD(0.1)),
        ("sgd_momentum", SGD(0.1, momentum=0.9)),
        ("sgd_nesterov", SGD(0.1, momentum=0.9, nesterov=True)),
        ("sgd_wd", SGD(0.1, momentum=0.9, weight_decay=0.01)),
        ("rmsprop", RMSprop(0.01)),
        ("adagrad", Adagrad(0.1)),
        ("adam", Adam(0.01)),
        ("adamw", AdamW(0.01, weight_decay=0.1)),
    ],
)
def test_trajectory_handed_out_with_the_project(key, optimizer):
    data = shared("optimizer_trajectories.json")
    flat = [np.ravel(g) for g in data["grads"]]
    expected = np.array(data["optimizers"][key]).reshape(len(flat), -1)
    assert len(flat) >= 12
    assert_same(path_of(optimizer, np.ravel(data["W0"]), flat), expected)


@pytest.mark.parametrize("case", TORCH["optimizers"], ids=case_id)
def test_stored_trajectory_of_pytorch(case):
    name, arguments, expected = case
    assert len(expected) >= 12
    assert_same(path_of(record(name, arguments), TORCH["theta"], TORCH["gradients"]), expected)


@pytest.mark.parametrize("case", TORCH["optimizers"], ids=case_id)
def test_pytorch_itself_for_longer(case):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; its stored trajectories were tested")
    name, arguments, _ = case
    rng = np.random.default_rng(LIVE_SEED)
    theta, scales = rng.normal(size=30), 10.0 ** rng.integers(-6, 4, size=(100, 1)) * rng.integers(0, 2, size=(100, 30))
    gradients = rng.normal(size=(100, 30)) * scales
    parameter = torch.tensor(theta, requires_grad=True)
    arguments_there = {key: tuple(value) if isinstance(value, list) else value for key, value in arguments.items()}
    optimizer = getattr(torch.optim, name)([parameter], **arguments_there)
    expected = []
    for gradient in gradients:
        parameter.grad = torch.tensor(gradient)
        optimizer.step()
        expected.append(parameter.detach().numpy().copy())
    assert_same(path_of(record(name, arguments), theta, gradients), np.array(expected))


# Against published numbers


def example(name):
    found = next(e for e in shared("worked_examples.json")["examples"] if e["id"] == name)
    return found, {check["name"]: check for check in found["checks"]}


def assert_published(found, check, units=0.5):
    """Every number to its last published digit."""
    for value, text in zip(np.ravel(found), check["published"], strict=True):
        digits = len(text.partition(".")[2])
        assert abs(value - float(text)) <= (units + 1e-6) * 10.0**-digits, (value, text)


def test_cs231n_momentum():
    _, checks = example("cs231n_sgd_momentum")
    theta, gradient = np.linspace(-0.4, 0.6, 20), np.linspace(-0.6, 0.4, 20)
    rate = 1e-3
    sgd = SGD(rate, momentum=0.9)
    state = sgd.init(theta)
    state["momentum_buffer"][...] = -np.linspace(0.6, 0.9, 20) / rate  # their velocity v is −ηb
    sgd.update(theta, gradient, state)
    assert_published(theta, checks["next_w"])
    assert_published(-rate * state["momentum_buffer"], checks["velocity"])


def vector(arrays):
    return np.concatenate([np.ravel(a) for a in arrays])


def split_like(theta, arrays):
    return np.split(theta, np.cumsum([np.size(a) for a in arrays])[:-1])


def test_deeplearning_ai_gradient_descent():
    given_, checks = example("dlai_gd_step")
    theta = vector(given_["params"])
    sgd = SGD(0.01)
    sgd.update(theta, vector(given_["grads"]), sgd.init(theta))
    for part, name in zip(split_like(theta, given_["params"]), ("W1", "b1", "W2", "b2"), strict=True):
        assert_published(part, checks[name])


def test_deeplearning_ai_adam():
    given_, checks = example("dlai_adam_step_t2")
    theta = vector(given_["params"])
    adam = Adam(0.01, eps=0.0)
    state = adam.init(theta)
    state["step"][...] = 1
    # Theirs has √(v̂+ε), ε=1e-8: the same as a v that starts so much higher.
    beta2 = adam.betas[1]
    state["exp_avg_sq"][...] = 1e-8 * (1 - beta2**2) / beta2
    adam.update(theta, vector(given_["grads"]), state)
    for part, name in zip(split_like(theta, given_["params"]), ("W1", "b1", "W2", "b2"), strict=True):
        assert_published(part, checks[name])
    assert_published(state["exp_avg"][:6], checks["v dW1"])
    assert_published(state["exp_avg_sq"][:6], checks["s dW1"])


def keras_path(optimizer_of_step):
    """Five steps from ones(10); Keras's ε may need another record each step, the state goes on."""
    theta = np.ones(10)
    state = optimizer_of_step(1).init(theta)
    path = []
    for t in range(1, 6):
        gradient = np.full(10, 0.01) if t == 1 else np.arange(1, 11) / 10
        optimizer_of_step(t).update(theta, gradient, state)
        path.append(theta.copy())
    return np.ravel(path)


def keras_eps(eps, t, beta2=0.999):
    return eps / np.sqrt(1 - beta2**t)


def test_keras_adam_with_amsgrad():
    _, checks = example("keras_golden_adam")
    check = checks["x after steps 1..5"]
    found = keras_path(lambda t: Adam(1e-3, amsgrad=True, eps=keras_eps(1e-7, t)))
    # Keras prints float32 to 4 digits and itself compares to 5e-4; the numbers recomputed in float64 are met fully.
    np.testing.assert_allclose(found, check["recomputed"], rtol=1e-12)
    assert_published(found, check, units=check["max_off_in_last_digit_units"])


def test_keras_adagrad():
    _, checks = example("keras_golden_adagrad")
    check = checks["x after steps 1..5"]
    found = keras_path(lambda t: Adagrad(0.2, initial_accumulator_value=0.3 + 1e-6, eps=0.0))
    np.testing.assert_allclose(found, check["recomputed"], rtol=1e-12)
    assert_published(found, check)


def test_keras_adamw():
    _, checks = example("keras_golden_adamw")
    check = checks["x after steps 1..5"]
    found = keras_path(lambda t: AdamW(1.0, weight_decay=0.5, eps=keras_eps(2.0, t)))
    np.testing.assert_allclose(found, check["recomputed"], rtol=1e-12)
    assert_published(found, check)


# What all have in common

VARIANTS = [*OPTIMIZERS.values(), *(record(name, arguments) for name, arguments, _ in TORCH["optimizers"])]
ELEMENTWISE = [optimizer for optimizer in VARIANTS if isinstance(optimizer, ElementwiseOptimizer)]
each_variant = pytest.mark.parametrize("optimizer", ELEMENTWISE, ids=lambda optimizer: optimizer.spec)
vectors = st.lists(
    st.floats(-1e3, 1e3, allow_subnormal=False) | st.sampled_from([0.0, 1e-6, -1e-6]), min_size=2, max_size=9
)


@each_variant
def test_spelling_finds_an_equal_record(optimizer):
    assert OPTIMIZERS.resolve(optimizer.spec) == optimizer
    assert hash(OPTIMIZERS.resolve(optimizer.spec)) == hash(optimizer)


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_a_name_alone_is_the_record_with_pytorchs_defaults(name):
    assert OPTIMIZERS.resolve(name).spec == name == OPTIMIZERS[name].name


def test_spellings():
    assert SGD(0.1, momentum=0.9).spec == "sgd(0.1, momentum=0.9)"
    assert SGD(np.float64(0.5), nesterov=True, momentum=np.float32(0.5)).spec == "sgd(0.5, momentum=0.5, nesterov=True)"
    assert Adam(betas=[0.8, 0.9]).spec == "adam(betas=(0.8, 0.9))"
    with pytest.raises(UnknownNameError, match=r"adamw|adam"):
        OPTIMIZERS.resolve("addam")


@each_variant
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_update_is_in_place_and_keeps_the_dtype(optimizer, dtype):
    theta = np.array(TORCH["theta"], dtype=dtype)
    state = optimizer.init(theta)
    scalars = dict(optimizer.scalars)
    assert [*state] == [*optimizer.slots, *scalars]
    arrays, address = dict(state), theta.__array_interface__["data"]
    for gradient in TORCH["gradients"]:
        gradient = np.array(gradient, dtype=dtype)
        before = gradient.copy()
        optimizer.update(theta, gradient, state)
        np.testing.assert_array_equal(gradient, before)
    assert theta.dtype == dtype
    assert theta.__array_interface__["data"] == address
    for name, array in state.items():
        assert array is arrays[name]
        assert array.shape == (() if name in scalars else theta.shape)
        assert array.dtype == ({"step": np.int64, "mu_product": np.float32}[name] if name in scalars else dtype)
    assert state["step"] == len(TORCH["gradients"])


@each_variant
def test_formula_computes_in_the_dtype_of_theta(optimizer):
    theta = np.array(TORCH["theta"], dtype=np.float32)
    state = optimizer.init(theta)
    coefficients = optimizer.coefficients(state)
    assert all(type(c) is float for c in coefficients)
    moved = optimizer.formula(theta, theta, *(state[name] for name in optimizer.slots), *coefficients)
    assert {array.dtype for array in moved} == {np.dtype(np.float32)}


@each_variant
def test_formula_on_single_numbers_gives_the_bits_of_the_array(optimizer):
    theta = np.array(TORCH["theta"])
    state = optimizer.init(theta)
    optimizer.update(theta, np.array(TORCH["gradients"][0]), state)
    gradient = np.array(TORCH["gradients"][1])
    slots = [state[name] for name in optimizer.slots]
    coefficients = optimizer.coefficients(state)
    whole = optimizer.formula(theta, gradient, *slots, *coefficients)
    for k in range(theta.size):
        single = optimizer.formula(theta[k], gradient[k], *(slot[k] for slot in slots), *coefficients)
        assert [float(x) for x in single] == [float(x[k]) for x in whole]


@each_variant
@given(values=vectors, cut=st.integers(0, 9), seed=st.integers(0, 99))
def test_two_halves_move_as_the_whole_does(optimizer, values, cut, seed):
    theta = np.array(values)
    gradients = np.random.default_rng(seed).permutation(np.tile(theta, (3, 1)), axis=1)
    left, right = theta[:cut], theta[cut:]
    whole = path_of(optimizer, theta, gradients)
    halves = np.hstack([path_of(optimizer, left, gradients[:, :cut]), path_of(optimizer, right, gradients[:, cut:])])
    np.testing.assert_array_equal(whole, halves)


@each_variant
@given(values=vectors, cut=st.integers(0, 14))
def test_a_copied_state_goes_on_with_the_same_bits(optimizer, values, cut):
    start = np.array(values)
    gradients = np.resize(np.array(TORCH["gradients"]), (14, start.size))
    undisturbed = path_of(optimizer, start, gradients)[-1]
    theta = start.copy()
    state = optimizer.init(theta)
    for gradient in gradients[:cut]:
        optimizer.update(theta, gradient, state)
    theta, state = theta.copy(), {name: np.array(array.tolist(), array.dtype) for name, array in state.items()}
    for gradient in gradients[cut:]:
        optimizer.update(theta, gradient, state)
    np.testing.assert_array_equal(theta, undisturbed)


@each_variant
def test_a_schedule_moves_rate_and_momentum_of_a_step(optimizer):
    theta = np.array(TORCH["theta"])
    momentum = None if optimizer.own_momentum is None else 0.6
    changed = dataclasses.replace(optimizer, learning_rate=optimizer.learning_rate / 4)
    if momentum is not None:
        field = {"betas": (momentum, optimizer.betas[1])} if hasattr(optimizer, "betas") else {"momentum": momentum}
        changed = dataclasses.replace(changed, **field)
    expected = path_of(changed, theta, TORCH["gradients"])[-1]
    state = changed.init(theta)  # of Rprop the rate is where step_size starts
    for gradient in TORCH["gradients"]:
        optimizer.update(theta, np.array(gradient), state, optimizer.learning_rate / 4, momentum)
    np.testing.assert_array_equal(theta, expected)


@each_variant
@given(data=st.data(), n=st.integers(0, 40), before=st.integers(0, 3000), cut=st.integers(0, 40))
def test_coefficients_of_many_steps_are_those_of_each(optimizer, data, n, before, cut):
    """Rows and state, bit for bit, also in two parts."""
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    rates, momenta = rng.random(n), None
    if optimizer.own_momentum is not None and data.draw(st.booleans()):
        momenta = rng.random(n)
    states = [optimizer.init(np.zeros(2)) for _ in range(2)]
    for state in states:
        state["step"] += before
    one_by_one = [
        optimizer.coefficients(states[0], rates[i], None if momenta is None else momenta[i]) for i in range(n)
    ]
    parts = (slice(0, cut), slice(cut, n))
    rows = [
        optimizer.coefficients_of_steps(states[1], rates[part], None if momenta is None else momenta[part])
        for part in parts
    ]
    assert all(part.dtype == np.float64 for part in rows)
    assert [tuple(row) for part in rows for row in part.tolist()] == one_by_one
    assert {name: array.tobytes() for name, array in states[0].items()} == {
        name: array.tobytes() for name, array in states[1].items()
    }


def test_coefficients_have_the_bits_of_plain_numbers():
    """Python's floats, step by step, as the equations say: an oracle that knows no arrays."""
    rates = np.random.default_rng(0).random(3000)
    sgd = SGD(0.1, momentum=0.9, dampening=0.3)
    adam, nadam, radam = AdamW(betas=(0.8, 0.99), weight_decay=0.1), NAdam(), RAdam(betas=(0.9, 0.99))
    found = {o: o.coefficients_of_steps(o.init(np.zeros(1)), rates).tolist() for o in (sgd, adam, nadam, radam)}
    product, rho_end = np.float32(1.0), 2.0 / (1.0 - 0.99) - 1.0
    for i, rate in enumerate(rates.tolist()):
        t = i + 1
        assert found[sgd][i] == [rate, 0.0, 0.9, 1.0 if t == 1 else 1.0 - 0.3]
        means = [0.8, 1.0 - 0.8, 0.99, 1.0 - 0.99]
        assert found[adam][i] == [1.0 - rate * 0.1, 0.0, *means, rate / (1.0 - 0.8**t), math.sqrt(1.0 - 0.99**t), 1e-8]
        mu, mu_next = (0.9 * (1.0 - 0.5 * 0.96 ** (k * 4e-3)) for k in (t, t + 1))
        product *= np.float32(mu)
        ahead = rate * (1.0 - mu) / (1.0 - float(product)), rate * mu_next / (1.0 - float(product) * mu_next)
        assert found[nadam][i][6:] == [*ahead, 1.0 - 0.999**t, 1e-8]
        correction = 1.0 - 0.99**t
        rho, size = rho_end - 2.0 * t * 0.99**t / correction, rate / (1.0 - 0.9**t)
        if rho > 5.0:
            r = math.sqrt((rho - 4.0) * (rho - 2.0) * rho_end / ((rho_end - 4.0) * (rho_end - 2.0) * rho))
            size *= r * math.sqrt(correction)
        assert found[radam][i][6:] == [size, float(rho > 5.0), float(rho <= 5.0), 1e-8]


@each_variant
def test_step_returns_the_loss_where_it_started(optimizer):
    theta = np.array([1.0, -2.0])
    calls = []

    def loss_and_gradient(theta):
        calls.append(theta.copy())
        return np.float64(theta @ theta), 2 * theta

    state = optimizer.init(theta)
    loss = optimizer.step(theta, loss_and_gradient, state)
    assert type(loss) is float
    assert loss == 5.0
    assert len(calls) == 1
    expected = np.array([1.0, -2.0])
    optimizer.update(expected, 2 * expected, optimizer.init(expected))
    np.testing.assert_array_equal(theta, expected)


@each_variant
def test_a_nan_gradient_is_seen_in_theta(optimizer):
    theta = np.array([1.0, -2.0])
    optimizer.update(theta, np.array([np.nan, 1.0]), optimizer.init(theta))
    assert np.isnan(theta[0])
    assert np.isfinite(theta[1])


@each_variant
def test_nothing_to_train_is_no_problem(optimizer):
    theta = np.zeros(0)
    optimizer.update(theta, np.zeros(0), optimizer.init(theta))


def test_centred_rmsprop_survives_a_variance_below_zero():
    optimizer = RMSprop(0.01, alpha=0.5, centered=True)
    path = path_of(optimizer, np.ones(50), np.tile(np.random.default_rng(0).normal(size=50), (200, 1)))
    assert np.isfinite(path).all()


def test_nadam_keeps_its_product_in_float32_as_pytorch_does():
    theta = np.ones(2)
    nadam = NAdam()
    state = nadam.init(theta)
    nadam.update(theta, theta, state)
    assert state["mu_product"] == np.float32(0.9 * (1 - 0.5 * 0.96**0.004))


# What is refused

SENTENCES = [
    (lambda: SGD(-0.1), r"SGD: learning_rate is -0.1; expected a number of at least 0. Leave it out .* 0.001"),
    (lambda: SGD("0.1"), r"learning_rate is '0.1'"),
    (lambda: SGD(True), r"learning_rate is True"),
    (lambda: SGD(float("nan")), r"learning_rate is nan"),
    (lambda: SGD(float("inf")), r"learning_rate is inf"),
    (lambda: SGD(momentum=-1), r"SGD: momentum is -1"),
    (lambda: SGD(dampening=2), r"at least 0 and at most 1"),
    (lambda: SGD(nesterov=1), r"nesterov is 1; expected True or False"),
    (lambda: SGD(nesterov=True), r"expected a momentum above 0 and no dampening. Write SGD\(0.001, momentum=0.9"),
    (lambda: SGD(momentum=0.9, dampening=0.1, nesterov=True), r"no dampening"),
    (lambda: Adam(betas=(0.9, 1.0)), r"Adam: betas is \(0.9, 1.0\); expected two numbers, the first of at least 0 and"),
    (lambda: Adam(betas=0.9), r"betas is 0.9"),
    (lambda: Adam(betas="0.9"), r"betas is '0.9'"),
    (lambda: Adam(betas=(0.9,)), r"betas is \(0.9,\)"),
    (lambda: Adam(amsgrad="yes"), r"amsgrad is 'yes'"),
    (lambda: NAdam(momentum_decay=-1), r"momentum_decay is -1"),
    (lambda: RMSprop(alpha=1.5), r"alpha is 1.5"),
    (lambda: Rprop(etas=(1.2, 0.5)), r"above 0 and below 1, the second above 1"),
    (lambda: Rprop(step_sizes=(2.0, 1.0)), r"Write step_sizes=\(1.0, 2.0\)"),
    (lambda: OPTIMIZERS.resolve("sgd(momentun=0.9)"), r"momentun"),
    (lambda: SGD().init(np.zeros((2, 2))), r"θ is float64 of shape \(2, 2\); expected one vector \(n,\)"),
    (lambda: SGD().init(np.zeros(2, dtype=int)), r"θ is int64"),
    (lambda: SGD().init([0.0]), r"θ is list"),
    (lambda: SGD().update(np.zeros(2), np.zeros(1), {"step": np.array(0)}), r"gradient has shape \(1,\), θ has \(2,\)"),
    (lambda: Adam().update(np.zeros(2), np.zeros(2), {"step": np.array(0)}), r"'exp_avg', 'exp_avg_sq' in its state"),
    (lambda: Adam().update(np.zeros(2), np.zeros(2), Adam().init(np.zeros(3))), r"exp_avg has shape \(3,\)"),
    (lambda: SGD().coefficients(SGD().init(np.zeros(2)), 0.1, 0.9), r"sgd got momentum=0.9 .* no momentum to move"),
    (lambda: Adagrad().update(np.zeros(2), np.zeros(2), Adagrad().init(np.zeros(2)), None, 0.9), r"no momentum"),
]


@pytest.mark.parametrize(("call", "sentence"), SENTENCES, ids=[sentence for _, sentence in SENTENCES])
def test_refusals_are_sentences(call, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        call()
    assert isinstance(caught.value, GlassnetError)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("optimizer", VARIANTS, ids=lambda optimizer: optimizer.spec)
def test_every_hyper_parameter_is_checked(optimizer):
    for field in dataclasses.fields(optimizer):
        with pytest.raises(InputError, match=field.name):
            dataclasses.replace(optimizer, **{field.name: object()})


@each_variant
def test_a_formula_holds_no_number_but_zero_to_compare_with(optimizer):
    tree = ast.parse(inspect.getsource(optimizer.formula))
    assert {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and type(n.value) in (int, float)} <= {0}
