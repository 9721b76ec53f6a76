r"""The seven mistakes that popular explanations of backpropagation make: each formula, wrong and right, and its rules.

One record a mistake; a mistake that can be read in two ways has two variants. Nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.insight.mistakes.rules import RIGHT, Case, Rules, back, slope_of_error, through
from glassnet.maths.activation import Activation, AnyActivation
from glassnet.maths.activations import SIGMOID
from glassnet.network.dense import Dense
from glassnet.network.network import Network
from glassnet.network.parameters import Parameters

Array = NDArray[Any]


@final
@dataclass(frozen=True)
class Variant:
    """One way to make a mistake.

    Parameters
    ----------
    label : str
        "1", or "1a" where there are several.
    title : str
        What is done, in a few words.
    left, wrong, right : str
        LaTeX: what is computed, and the two formulas for it.
    rules : Rules
        With the wrong one in its place.
    unfit : callable
        ``unfit(case)``: why a network cannot make this mistake, or "".
    network : callable
        ``network(net)``: the network that is computed with, where the formula of its neurons is wrong.
    start : callable
        ``start(net, theta)``: where its training starts, given where the right one starts.
    remark : str
        What a reader should know besides.
    """

    label: str
    title: str
    left: str
    wrong: str
    right: str
    rules: Rules
    unfit: Callable[[Case], str]
    network: Callable[[Network], Network] = lambda net: net
    start: Callable[[Network, Array], Array] = lambda net, theta: theta
    remark: str = ""


@final
@dataclass(frozen=True)
class Mistake:
    """A mistake.

    Parameters
    ----------
    number : int
    title : str
    met : str
        Where it is met.
    variants : tuple of Variant
    """

    number: int
    title: str
    met: str
    variants: tuple[Variant, ...]


# --- what a network must have to make a mistake -----------------------------------------------------------------


def _anything(case: Case) -> str:
    return ""


def _logistic(case: Case) -> str:
    found = any(layer.activation is SIGMOID for layer in case.network.layers)
    return "" if found else "no layer has the logistic function (sigmoid)"


def _hidden(case: Case) -> str:
    return "" if len(case.network.layers) > 1 else "there is no hidden layer"


def _widths_equal(case: Case) -> str:
    widths = {shape[0] for shape in case.network.shapes[1:]}
    fits = "the layers differ in width, so that the arrays do not fit and the mistake shows at once"
    return _hidden(case) or ("" if len(widths) == 1 else fits)


def _softmax_alone(case: Case) -> str:
    found = any(isinstance(layer.activation, Activation) for layer in case.network.layers)
    return "" if found else "its only activation is soft-max, which has no slope for a neuron by itself"


def _two_outputs(case: Case) -> str:
    return _hidden(case) or ("" if case.network.outputs > 1 else "there is a single output")


# --- 1: 1/(1+eˣ) -------------------------------------------------------------------------------------------------

FLIPPED = Activation(
    "logistic_without_the_minus",
    value=lambda z: SIGMOID.value(-z),  # 1/(1+eᶻ), without overflow
    slope=lambda z, a: -a * (1 - a),
    latex=r"\frac{1}{1+e^{z}}",
    slope_latex=r"-a(1-a)",
)


def _with_flipped(net: Network) -> Network:
    """Return the network with 1/(1+eᶻ) in place of every logistic function."""
    layers = [
        Dense(
            layer.units,
            FLIPPED if layer.activation is SIGMOID else layer.activation,
            bias=layer.bias,
            trainable_bias=layer.trainable_bias,
            groups=layer.groups or None,
        )
        for layer in net.layers
        if isinstance(layer, Dense)
    ]
    flipped = Network(net.input_shape, layers, seed=net.seed, dtype=net.dtype)
    flipped.theta[:] = net.theta
    return flipped


def _opposite_signs(net: Network, theta: Array) -> Array:
    """Turn the signs of all that enters a logistic function, so that 1/(1+eᶻ) computes what it should."""
    turned = Parameters(net.layout, theta.copy())
    for k, layer in enumerate(net.layers):
        if layer.activation is SIGMOID:
            for view in turned[k].values():
                view *= -1
    return turned.theta


def _slope_kept(g: AnyActivation, z: Array, a: Array, slope_of_a: Array) -> Array:
    return slope_of_a * a * (1 - a) if g is FLIPPED else through(g, z, a, slope_of_a)


# --- 2 to 7 ------------------------------------------------------------------------------------------------------


def _other_sign(case: Case, a: Array) -> Array:
    return -slope_of_error(case, a)


def _slope_of_z(g: AnyActivation, z: Array, a: Array, slope_of_a: Array) -> Array:
    return slope_of_a * z * (1 - z) if g is SIGMOID else through(g, z, a, slope_of_a)


def _back_without_transpose(blame: Array, weights: Array) -> Array:
    result: Array = blame @ weights
    return result


def _value_for_slope(g: AnyActivation, z: Array, a: Array, slope_of_a: Array) -> Array:
    return slope_of_a * a if isinstance(g, Activation) else through(g, z, a, slope_of_a)


def _first_output_twice(blame: Array, weights: Array) -> Array:
    output = np.arange(blame.shape[1])
    output[1] = 0
    return back(blame[:, output], weights[:, output])


_DELTA = r"\delta_{k,j}"
_RIGHT_DELTA = r"g'(z_{k,j}) \cdot \sum_i w_{k+1,j,i} \cdot \delta_{k+1,i}"

MISTAKES = (
    Mistake(
        1,
        r"A logistic function written $\frac{1}{1+e^{x}}$",
        "In formulas typed without the minus sign of the exponent, next to a curve that rises.",
        (
            Variant(
                "1a",
                r"$\frac{1}{1+e^{z}}$ with the slope $a(1-a)$",
                r"g(z), g'(z)",
                r"\frac{1}{1+e^{z}}, a(1-a)",
                r"\frac{1}{1+e^{-z}}, a(1-a)",
                Rules(through=_slope_kept),
                _logistic,
                network=_with_flipped,
                remark="Every slope has the wrong sign. Blame passes one slope on its way to the weights of the last "
                "layer, two to those of the layer before, and so on: the signs are wrong, right, wrong from the "
                "output backwards.",
            ),
            Variant(
                "1b",
                r"$\frac{1}{1+e^{z}}$ with its own slope, all signs turned",
                r"g(z), g'(z)",
                r"\frac{1}{1+e^{z}}, -a(1-a)",
                r"\frac{1}{1+e^{-z}}, a(1-a)",
                RIGHT,
                _logistic,
                network=_with_flipped,
                start=_opposite_signs,
                remark="Value and slope belong together, so this is no wrong gradient: the network is the right one "
                "with all signs of weights and biases turned, and takes the same path.",
            ),
        ),
    ),
    Mistake(
        2,
        r"A derivative of $\frac{1}{2}(a-y)^2$ with the sign of $y-a$",
        "Where the error is introduced as truth less prediction, and the inner derivative -1 is forgotten.",
        (
            Variant(
                "2",
                "the sign of $y-a$",
                r"\frac{\partial E}{\partial a_{K,i}}",
                r"y_i-a_{K,i}",
                r"a_{K,i}-y_i",
                Rules(slope_of_error=_other_sign),
                _anything,
                remark="Where a text also adds the step instead of subtracting it, the two signs cancel and the "
                "weights move rightly; only what it calls the derivative is wrong.",
            ),
        ),
    ),
    Mistake(
        3,
        r"The slope of the logistic with the weighted sum, $z(1-z)$",
        "Where one letter, s or x, stands for what goes into a neuron and for what comes out.",
        (
            Variant(
                "3",
                r"$z(1-z)$ in place of $a(1-a)$",
                r"g'(z_{k,i})",
                r"z_{k,i}(1-z_{k,i})",
                r"a_{k+1,i}(1-a_{k+1,i})",
                Rules(through=_slope_of_z),
                _logistic,
                remark="a lies between 0 and 1, and its slope between 0 and 0.25; $z(1-z)$ is negative outside 0 to 1 "
                "and grows without bound.",
            ),
        ),
    ),
    Mistake(
        4,
        "The recursion for layer k with another layer's slope, or without the transpose",
        "In the equation for hidden layers, copied from the one for the last layer.",
        (
            Variant(
                "4a",
                "the last layer's slope in every layer",
                _DELTA,
                r"g'(z_{K-1,j}) \cdot \sum_i w_{k+1,j,i} \cdot \delta_{k+1,i}",
                _RIGHT_DELTA,
                Rules(slope_of=lambda k, last: last),
                _widths_equal,
                remark="It can be computed only where the layers are equally wide; elsewhere the arrays do not fit.",
            ),
            Variant(
                "4b",
                "the transpose left out",
                _DELTA,
                r"g'(z_{k,j}) \cdot \sum_i w_{k+1,i,j} \cdot \delta_{k+1,i}",
                _RIGHT_DELTA,
                Rules(back=_back_without_transpose, back_from_outputs=_back_without_transpose),
                _widths_equal,
                remark="Here too the layers must be equally wide. That wrong weights on the way back can do, as the "
                "forward weights adapt to them, is known of random ones: Lillicrap, Cownden, Tweed & Akerman, Random "
                "synaptic feedback weights support error backpropagation for deep learning, 2016.",
            ),
        ),
    ),
    Mistake(
        5,
        r"$g'(z)$ called 'the activation', $z$ called a neuron's 'output'",
        "In prose. The formulas beside it may be right; who programs from the words computes one of these.",
        (
            Variant(
                "5a",
                "z in place of a in the gradient",
                r"\frac{\partial E}{\partial w_{k,j,i}}",
                r"z_{k-1,j} \cdot \delta_{k,i}",
                r"a_{k,j} \cdot \delta_{k,i}",
                Rules(heard=lambda z, a: z),
                _hidden,
                remark="The weights of the first layer hear x, and are not touched by it.",
            ),
            Variant(
                "5b",
                r"a in place of $g'(z)$ in the blame",
                r"\delta_{k,i}",
                r"\frac{\partial E}{\partial a_{k+1,i}} \cdot a_{k+1,i}",
                r"\frac{\partial E}{\partial a_{k+1,i}} \cdot g'(z_{k,i})",
                Rules(through=_value_for_slope),
                _softmax_alone,
            ),
        ),
    ),
    Mistake(
        6,
        "One output's term where the other's belongs",
        "In examples worked by hand with two outputs, by copying the first output's line for the second.",
        (
            Variant(
                "6",
                "output 0 counted twice, output 1 not at all",
                r"\frac{\partial E}{\partial a_{K-1,j}}",
                r"w_{K-1,j,0} \cdot \delta_{K-1,0} + w_{K-1,j,0} \cdot \delta_{K-1,0} + \ldots",
                r"w_{K-1,j,0} \cdot \delta_{K-1,0} + w_{K-1,j,1} \cdot \delta_{K-1,1} + \ldots",
                Rules(back_from_outputs=_first_output_twice),
                _two_outputs,
                remark="The weights of the last layer get their right gradient; what is wrong is all before them.",
            ),
        ),
    ),
    Mistake(
        7,
        "Weights changed as the error travels back",
        "In programs that update each layer in the loop in which they compute its blame, and in the article below.",
        (
            Variant(
                "7",
                "weights changed on the way back",
                _DELTA,
                r"g'(z_{k,j}) \cdot \sum_i \left(w_{k+1,j,i} - \eta \frac{\partial E}{\partial w_{k+1,j,i}}\right) "
                r"\cdot \delta_{k+1,i}",
                _RIGHT_DELTA,
                Rules(at_once=False),
                _hidden,
                remark="How far off it is grows with the learning rate; as the rate goes to 0, so does the mistake.",
            ),
        ),
    ),
)
