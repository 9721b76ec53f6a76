"""`look`: the network as a drawing, with blame flowing back for one row. Checks what came in, hands out the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassnet.errors import InputError
from glassnet.insight.drawing.plan import Row, plan
from glassnet.insight.drawing.records import Drawing
from glassnet.insight.drawing.svg import draw
from glassnet.insight.drawing.tables import tables
from glassnet.insight.drawing.words import about_choice, about_dropout, number, summary
from glassnet.insight.pages import frame, page, prose
from glassnet.insight.subject import as_image_shape, as_names, as_row, column_names, loss_of, make_subject, printable
from glassnet.maths.loss import Loss
from glassnet.network.inputs import as_numbers
from glassnet.network.network import Network
from glassnet.training.arguments import as_count

Array = NDArray[Any]

MOST_NEURONS = 100
_HOW = (
    "Point at a neuron, or tap it, to see its numbers and its own links. With the keyboard: Tab into the drawing, then "
    "arrow keys; Escape leaves."
)
_CUES = "Blue, unbroken lines are positive; orange, dashed lines are negative."


@final
@dataclass(frozen=True)
class Look:
    """A network as a drawing; shows itself in a notebook.

    Parameters
    ----------
    drawing : Drawing
        What is drawn, with totals of what is not.
    title : str
    story : tuple of str
        What the drawing shows of this network in particular; a paragraph each.
    bias : bool
        Whether biases are drawn at first.
    """

    drawing: Drawing
    title: str = "Network"
    story: tuple[str, ...] = ()
    bias: bool = False

    def svg(self) -> str:
        """Return the drawing as an SVG file of its own; blame is in it where a row was given."""
        return draw(
            self.drawing,
            self.title,
            self._lines(),
            blame=self.drawing.row is not None,
            bias=self.bias,
            alone=True,
        )

    def html(self) -> str:
        """Return a page of its own, which works offline: pick a neuron by mouse, finger or arrow keys."""
        body = (
            _controls(self.drawing, self.bias)
            + f'<p class="faint hint" hidden>{_HOW}</p>\n'
            + f'<div class="wide picture">{self._picture()}</div>\n'
            + '<div class="told" hidden></div>\n'
            + prose(*self.story, *self._notes())
            + tables(self.drawing)
        )
        own = resources.files(__package__)
        style = "".join(own.joinpath(name).read_text(encoding="utf-8") for name in ("network.css", "look.css"))
        script = own.joinpath("look.js").read_text(encoding="utf-8")
        return page(self.title, body, lead=self._lead(), style=style, script=script)

    def text(self) -> str:
        """Return a summary for terminals, which is the picture's text alternative too."""
        return "\n".join(self._lines())

    def to_dict(self) -> dict[str, Any]:
        """Return every number at full precision, as plain values."""
        return {"title": self.title, "story": list(self.story), **self.drawing.to_dict()}

    def _repr_html_(self) -> str:
        return frame(self.title, self.html())

    def __str__(self) -> str:
        return self.text()

    def _picture(self) -> str:
        return draw(self.drawing, self.title, (), blame=self.drawing.row is not None, bias=self.bias, alone=False)

    def _lines(self) -> list[str]:
        return summary(self.drawing, self.title) + list(self.story)

    def _lead(self) -> str:
        sizes = " → ".join(f"{column.units:,}" for column in self.drawing.columns)
        if self.drawing.row is None or self.drawing.loss is None:
            return f"{sizes}. The width of a line is its weight. No row was chosen, so no blame flows."
        return (
            f"{sizes}. The width of a line is its weight. Arrows show how blame flows back for row {self.drawing.row}, "
            f"whose error E is {number(self.drawing.loss)} ({self.drawing.loss_name})."
        )

    def _notes(self) -> list[str]:
        notes = [_CUES]
        if self.drawing.row is not None:
            notes.append(
                "Blame is ∂E/∂z: how the row's error changes with a neuron's weighted sum. A link's share of it is the "
                "weight, times the blame of the neuron after it, times the slope g′(z) of the neuron before it; the "
                "shares that reach a neuron add up to its blame. Inputs are taken as neurons with slope 1, so theirs "
                "is ∂E/∂x."
            )
        return notes + [text for text in (about_choice(self.drawing), about_dropout(self.drawing)) if text]


def _controls(drawing: Drawing, bias: bool) -> str:
    button = (
        '<button type="button" aria-pressed="true">Show blame flowing back</button>' if drawing.row is not None else ""
    )
    checked = " checked" if bias else ""
    box = f'<label><input type="checkbox"{checked}> Draw biases as inputs that are always on</label>'
    has_bias = any(gap.biases for gap in drawing.gaps)
    return f'<div class="controls" hidden>{button}{box if has_bias else ""}</div>\n'


def look(
    net: Network,
    X: ArrayLike | None = None,
    Y: ArrayLike | None = None,
    row: int | None = 0,
    loss: str | Loss | None = None,
    *,
    training: bool = False,
    feature_names: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    neuron_names: Mapping[int, Sequence[str]] | None = None,
    image_shape: tuple[int, int] | None = None,
    neurons: int = 12,
    bias: bool = False,
    title: str = "Network",
) -> Look:
    """Draw a network: line width is |weight|, colour and dashes its sign, arrows the blame that flows back for a row.

    Everything is computed in float64 from the stored θ. The row's error and blame are its own, as in
    ``net.backprop(X[row:row + 1], Y[row:row + 1], loss)``.

    Parameters
    ----------
    net : Network
    X : (m, inputs) array or None
    Y : (m,) or (m, outputs) array or None
        Truth, as for `Network.backprop`. Without X and Y the weights alone are drawn.
    row : int or None
        Whose blame flows back, counted from 0; None draws the weights alone.
    loss : str, Loss or None
        None is the loss the network was trained with or, where it was not, the one that suits its last layer.
    training : bool
        Whether Dropout layers drop, with the masks of ``net.backprop(X, Y, loss, training=True)``.
    feature_names, class_names : sequence of str or None
        Names of inputs and outputs; None takes those of a data frame's columns, or numbers.
    neuron_names : mapping or None
        Names of hidden neurons, by layer: ``{0: ["Ines", "Jonas", "Kofi"]}``.
    image_shape : (int, int) or None
        Rows and columns, where the inputs are an image: the input layer is drawn as that image.
    neurons : int
        At most so many neurons of a layer are drawn by themselves, those with the largest |blame| (without a row: whose
        links have the largest Σ|weight|); the others lie in a band, with their number and total.
    bias : bool
        Whether biases are drawn at first, as inputs that are always on.
    title : str

    Returns
    -------
    Look
        With ``.svg()``, ``.html()``, ``.text()``, ``.to_dict()``.

    Raises
    ------
    InputError
        If an argument or array cannot be used.
    PairingError
        If the loss cannot read the last layer's output.
    NonFiniteError
        If a number that would be drawn is NaN or infinite.

    References
    ----------
    Rumelhart, Hinton & Williams, Learning representations by back-propagating errors, Nature 323, 1986, figures 1, 4.

    Examples
    --------
    >>> import glassnet as gn
    >>> from glassnet.insight.drawing import look
    >>> net = gn.Network(2, [gn.Dense(2, "identity", bias=False), gn.Dense(1, "identity", bias=False)])
    >>> net.theta = [1.0, 2.0, 3.0, 4.0, 0.5, -1.0]
    >>> seen = look(net, [[1.0, 1.0]], [[0.5]], row=0, loss="half_squared_error")
    >>> [neuron.blame for neuron in seen.drawing.columns[1].neurons]
    [-2.25, 4.5]
    >>> print(seen.text().splitlines()[1])
    Row 0: error E = 10.12 (half_squared_error).
    """
    if not isinstance(net, Network):
        raise InputError(f"net is a {type(net).__name__}; expected a gn.Network.")
    if as_count("neurons", neurons) > MOST_NEURONS:
        raise InputError(f"neurons is {neurons}; at most {MOST_NEURONS} of a layer can be drawn by themselves.")
    shape = as_image_shape(image_shape, net.shapes[0][0])
    if feature_names is None:
        feature_names = column_names(X)
    names = _names(net, feature_names, class_names, neuron_names or {})
    through = _through(net, X, Y, row, loss, training)
    return Look(
        plan(net.astype(np.float64), through, names, neurons=int(neurons), image_shape=shape),
        printable(str(title)),
        (),
        bool(bias),
    )


def _through(
    net: Network, X: ArrayLike | None, Y: ArrayLike | None, row: int | None, loss: str | Loss | None, training: bool
) -> Row | None:
    """Send the row through, or return None where only weights are to be drawn."""
    if (X is None) != (Y is None):
        given, missing = ("X", "Y") if Y is None else ("Y", "X")
        raise InputError(
            f"{given} is given without {missing}; pass both to see blame flow, or neither to draw weights."
        )
    if X is None or Y is None or row is None:
        return None
    x, y = as_numbers(X, "X"), as_numbers(Y, "Y")
    at = 0
    if x.ndim > 1 and len(x) and y.ndim and len(x) == len(y):  # else make_subject says what is wrong
        at = as_row(row, len(x))
        x, y = x[at : at + 1], y[at : at + 1]
    subject = make_subject(net, x, y, loss_of(net, loss))
    exact = subject.network
    masks = {}
    if training:  # a mask depends on where its row stands in the step
        masks = {k: mask[-1:] for k, mask in exact.draw_masks(exact.seed, 0, at + 1).items()}
    result = exact.backprop(subject.x, subject.y, subject.objective.loss, masks=masks)
    return Row(at, subject.objective.loss.name, subject.y[0], result, bool(training))


def _names(
    net: Network,
    feature_names: Sequence[str] | None,
    class_names: Sequence[str] | None,
    neuron_names: Mapping[int, Sequence[str]],
) -> dict[int | None, Sequence[str]]:
    """Return the names of inputs (None) and of every layer's neurons."""
    dense = [k for k in range(len(net.layers)) if net.weights[k] is not None]
    hidden = dense[:-1]
    found: dict[int | None, Sequence[str]] = {
        None: as_names("feature_names", feature_names, net.shapes[0][0], "input", "x")
    }
    for k in neuron_names:
        if k not in hidden:
            has = ", ".join(map(str, hidden)) or "none"
            raise InputError(
                f"neuron_names has an entry for {k!r}, which is no hidden layer; hidden layers here: {has}."
            )
    for k in hidden:
        found[k] = as_names(f"neuron_names[{k}]", neuron_names.get(k), net.shapes[k + 1][0], "neuron", "")
    outputs = as_names("class_names", class_names, net.outputs, "output", "")
    if dense:
        found[dense[-1]] = outputs
    return found
