"""The symbols of a derivation in LaTeX: a_{k,j}, z_{k,i}, δ_{k,i}, w_{k,j,i}, with the layer as the first index."""

from __future__ import annotations

from glassnet.insight.derivation.chain import Stage


def link(stage: Stage, j: int, i: int) -> tuple[str, float]:
    """Return symbol and value of the link from j to i."""
    if stage.one_to_one:
        return rf"\frac{{m_{{{stage.k},{i}}}}}{{1-{stage.layer.drop_rate:g}}}", float(stage.links[i])
    return f"w_{{{stage.k},{j},{i}}}", float(stage.links[j, i])


def signal_symbol(stage: Stage, j: int) -> str:
    """Return LaTeX for what came in at j."""
    return f"a_{{{stage.k},{j}}}"


def slope_symbol(stage: Stage, i: int) -> str:
    """Return LaTeX for g′ of neuron i."""
    return f"g'(z_{{{stage.k},{i}}})"


def blame_symbol(stage: Stage, i: int) -> str:
    """Return LaTeX for the blame of neuron i."""
    return rf"\delta_{{{stage.k},{i}}}"


def slope_of_a_symbol(stage: Stage, i: int) -> str:
    """Return LaTeX for the error's slope by the output of neuron i."""
    return rf"\frac{{\partial E}}{{\partial a_{{{stage.read_as},{i}}}}}"
