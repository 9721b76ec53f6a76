"""The printed derivation, read back by SymPy: every line is true, digit by digit, and the last is the gradient."""

import re
import warnings
from decimal import Decimal, getcontext

import numpy as np
import pytest
import sympy
from printed import NUMBER, QUANTITY, equations, value_of

import glassnet as gn

getcontext().prec = 200
warnings.filterwarnings("ignore", category=DeprecationWarning, module="antlr4")

X = np.array([[0.05, 0.10, -0.3], [0.4, -0.7, 0.2]])


def network(activations, seed=3, **options):
    layers = [gn.Dense(n, g, **options) for n, g in zip((3, 2, 2), activations, strict=True)]
    net = gn.Network(3, layers, seed=seed, dtype="float64")
    net.theta[:] += np.random.default_rng(seed).normal(scale=0.2, size=net.theta.size)
    return net


CASES = {
    "sigmoid": (("sigmoid", "sigmoid", "sigmoid"), "half_squared_error", [[0.01, 0.99], [1, 0]]),
    "softmax": (("tanh", "sigmoid", "softmax"), "cross_entropy", [1, 0]),
    "smoothed": (("tanh", "softplus", "softmax"), "cross_entropy(0.1)", [1, 0]),
    "two yes-or-no": (("silu", "gelu", "sigmoid"), "binary_cross_entropy", [[1, 0], [0, 1]]),
    "counts": (("elu", "mish", "exp"), "poisson", [[1, 3], [0, 2]]),
    "logits": (("selu", "leaky_relu", "identity"), "cross_entropy_from_logits", [1, 0]),
    "mean": (("softsign", "gelu_tanh", "tanh"), "mean_squared_error", [[0.5, -0.5], [1, 0]]),
    "margins": (("relu", "tanh", "identity"), "hinge", [1, 0]),
    "pinball": (("tanh", "tanh", "identity"), "quantile(0.9)", [[0.5, -0.5], [1, 0]]),
    "robust": (("tanh", "tanh", "identity"), "huber", [[0.5, -5], [1, 0]]),
}
SPOTS = [{"weight": (0, 1, 2)}, {"weight": (1, 2, 0)}, {"weight": (2, 1, 1)}, {"bias": (0, 1)}, {"bias": (2, 0)}]


def is_numeric(step):
    """Whether a step holds numbers only, so that it can be worked out with a calculator."""
    rest = re.sub(NUMBER, "0", step)
    for sign in (r"\left(", r"\right)", r"\cdot"):
        rest = rest.replace(sign, " ")
    return not rest.strip("0123456789+-() ") and set(rest) <= set("0123456789+-() ")


def rounds_to(exact, shown):
    digits = len(Decimal(shown).normalize().as_tuple().digits)
    return any(Decimal(f"{exact:.{n - 1}e}") == Decimal(shown) for n in range(digits, 9))


def plain_number(latex):
    return latex.replace(r" \times 10^{", "e").replace("}", "")


def exactly(step):
    """Work out a sum of products exactly, in decimal."""
    text = step.replace(r"\left", "").replace(r"\right", "").replace(r"\cdot", "*")
    text = re.sub(r" \\times 10\^\{(-?\d+)\}", r"e\1", text)
    number = r"\d+(?:\.\d+)?(?:e-?\d+)?"
    return eval(re.sub(number, lambda m: f"Decimal('{m[0]}')", text), {"Decimal": Decimal})


@pytest.mark.parametrize("spot", SPOTS, ids=str)
@pytest.mark.parametrize("case", CASES)
def test_every_line_is_true_digit_by_digit(case, spot):
    activations, loss, y = CASES[case]
    found = gn.explain(network(activations), X, y, 0, loss=loss, **spot)
    checked = 0
    for equation in equations(found.latex()):
        results = [step for step in equation.steps if re.fullmatch(NUMBER, step)]
        assert results, equation
        assert len({float(plain_number(result)) for result in results}) == 1, equation
        for step in equation.steps[:-1]:
            if is_numeric(step):
                assert rounds_to(exactly(step), plain_number(results[-1])), equation
                checked += 1
    assert checked >= (1 if "bias" in spot else 3)


@pytest.mark.parametrize("spot", SPOTS, ids=str)
@pytest.mark.parametrize("case", CASES)
def test_symbols_come_to_the_numbers(case, spot):
    """Every symbolic product and sum, with each quantity's own value put in, comes to the printed result."""
    activations, loss, y = CASES[case]
    net = network(activations)
    found = gn.explain(net, X, y, 0, loss=loss, **spot)
    known = quantities(net, found, loss, y)
    checked = 0
    for equation in equations(found.latex()):
        symbolic = equation.steps[0]
        if (
            r"\sum" in symbolic
            or not QUANTITY.search(symbolic)
            or re.search(r"[\[\]]|\{n\}|\\max|\\operatorname|e\^", symbolic)
        ):
            continue
        symbols = [match[0] for match in QUANTITY.finditer(symbolic)]
        if all(name in known for name in symbols):
            assert float(value_of(symbolic, known)) == pytest.approx(equation.result, rel=2e-7, abs=1e-15), equation
            checked += 1
        known.setdefault(equation.left, equation.result)
    assert checked >= 1
    last = next(
        e
        for e in reversed(equations(found.latex()))
        if e.left.startswith(r"\frac{\partial E}{\partial " + found.place.latex[0])
    )
    assert last.result == pytest.approx(found.value, rel=1e-7)


def quantities(net, found, loss, y):
    """The value of each quantity by its LaTeX, from a textbook pass."""
    p = net.backprop(X[:1], y[:1], loss)
    known = {}
    for k, layer in enumerate(net.layers):
        slope = layer.activation.slope(p.z[k], p.a[k + 1])[0] if isinstance(layer.activation, gn.Activation) else None
        behind = net.weights[k + 1] @ p.blame[k + 1][0] if k < 2 else None
        for i in range(net.shapes[k + 1][0]):
            known[rf"\delta_{{{k},{i}}}"] = p.blame[k][0, i]
            known[f"z_{{{k},{i}}}"] = p.z[k][0, i]
            known[f"b_{{{k},{i}}}"] = net.biases[k][i]
            if slope is not None:
                known[f"g'(z_{{{k},{i}}})"] = slope[i]
            if behind is not None:
                known[rf"\frac{{\partial E}}{{\partial a_{{{k + 1},{i}}}}}"] = behind[i]
            for j in range(net.shapes[k][0]):
                known[f"w_{{{k},{j},{i}}}"] = net.weights[k][j, i]
    for k, a in enumerate(p.a):
        for j in range(a.shape[1]):
            known[f"a_{{{k},{j}}}"] = a[0, j]
    for i, value in enumerate(found.chain.y):
        known[f"y_{{{i}}}"] = value
    if not found.chain.ends_in_blame:
        slopes = found.subject.objective.loss.slope(p.a[-1], found.chain.y[None])[0]
        for i, value in enumerate(slopes):
            known[rf"\frac{{\partial E}}{{\partial a_{{3,{i}}}}}"] = value
    for n, path in enumerate(found.paths, start=1):
        known[f"P_{{{n}}}"] = path.value
    return known


def symbolic_gradient(net, y, spot):
    """∂E/∂w of a 3-3-2-2 network of logistic neurons under half squared error, differentiated by SymPy."""
    parameters = []
    a = [sympy.Float(v, 30) for v in X[0]]
    for k in range(3):
        w = [[sympy.Symbol(f"w{k}_{j}_{i}") for i in range(net.shapes[k + 1][0])] for j in range(net.shapes[k][0])]
        b = [sympy.Symbol(f"b{k}_{i}") for i in range(net.shapes[k + 1][0])]
        for j, row in enumerate(w):
            parameters += [(symbol, net.weights[k][j, i]) for i, symbol in enumerate(row)]
        parameters += [(symbol, net.biases[k][i]) for i, symbol in enumerate(b)]
        z = [sum(a[j] * w[j][i] for j in range(len(a))) + b[i] for i in range(len(b))]
        a = [1 / (1 + sympy.exp(-s)) for s in z]
    error = sum((h - sympy.Float(t, 30)) ** 2 for h, t in zip(a, y[0], strict=True)) / 2
    name = "w{}_{}_{}".format(*spot["weight"]) if "weight" in spot else "b{}_{}".format(*spot["bias"])
    values = [(symbol, sympy.Float(float(value), 30)) for symbol, value in parameters]
    return error.diff(sympy.Symbol(name)).subs(values).evalf(25)


@pytest.mark.parametrize("spot", SPOTS, ids=str)
def test_the_printed_latex_evaluates_to_sympy_s_own_derivative(spot):
    activations, loss, y = CASES["sigmoid"]
    net = network(activations)
    found = gn.explain(net, X, y, 0, loss=loss, **spot)
    expected = symbolic_gradient(net, y, spot)
    assert found.value == pytest.approx(float(expected), rel=1e-13)
    paths = [e for e in equations(found.latex()) if e.left.startswith("P_")]
    written = equations(found.latex())
    if paths:
        summed = sum(value_of(e.steps[1]) for e in paths)
        assert float(summed) == pytest.approx(float(expected), rel=1e-8)
    products = [e for e in written if e.left == rf"\frac{{\partial E}}{{\partial {found.place.latex}}}"]
    assert products
    for equation in products:
        assert equation.result == pytest.approx(float(expected), rel=1e-7)
        if "weight" in spot:
            assert float(value_of(equation.steps[-2])) == pytest.approx(float(expected), rel=1e-8)


def test_rows_and_penalties_add_up_in_print():
    activations, loss, y = CASES["sigmoid"]
    found = gn.explain(network(activations), X, y, loss=loss, weight=(0, 1, 2), l1=0.01, l2=0.02, sample_weight=[1, 3])
    last = equations(found.latex())[-1]
    assert rounds_to(exactly(last.steps[-2]), plain_number(last.steps[-1]))
    assert last.result == pytest.approx(found.value, rel=1e-7)


def test_wide_networks_add_up_in_print():
    rng = np.random.default_rng(2)
    layers = [gn.Dense(40, "tanh"), gn.Dropout(0.3), gn.Dense(30, "relu"), gn.Dense(12, "softmax")]
    net = gn.Network(20, layers, seed=5)
    found = gn.explain(net, rng.normal(size=(3, 20)), [3, 11, 0], weight=(0, 4, 7), training=True, most=5)
    checked = 0
    for equation in equations(found.latex()):
        for step in equation.steps[:-1]:
            if is_numeric(step):
                assert rounds_to(exactly(step), plain_number(equation.steps[-1])), equation
                checked += 1
    assert checked > 10


def test_the_text_says_what_the_latex_says():
    activations, loss, y = CASES["softmax"]
    found = gn.explain(network(activations), X, y, 0, (0, 1, 2), loss=loss)
    text = re.sub(r"\n +(?=[+-] )", " ", found.text())
    for equation in equations(found.latex()):
        for step in equation.steps:
            if is_numeric(step):
                assert f"= {exact_text(step)}" in text, step


def exact_text(step):
    step = step.replace(r"\left(", "(").replace(r"\right)", ")").replace(r"\cdot", "·")
    return re.sub(r" \\times 10\^\{(-?)(\d+)\}", lambda m: f"e{m[1] or '+'}{int(m[2]):02d}", step)
