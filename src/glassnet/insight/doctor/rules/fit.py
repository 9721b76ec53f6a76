"""Rules over what was learned: nothing to learn, a class passed over, a plateau, too little learned, or too much."""

from __future__ import annotations

import numpy as np

from glassnet.insight.doctor import probing
from glassnet.insight.doctor.curves import smooth
from glassnet.insight.doctor.diagnosis import Finding, Remedy
from glassnet.insight.doctor.judging import Judged, figure, share
from glassnet.insight.doctor.signs import Signs

_SIGNAL, _SIGNAL_OF_FEW, _SIGNAL_OF_FEWEST, _FEWEST_ROWS = 3.2, 2.0, 1.2, 60
_FEW_ROWS = 500
_MARGIN, _CLEARLY = 0.1, 0.25
_LOST, _RISE, _APART, _FAR_APART = 0.1, 0.1, 0.3, 0.45

_PRECHELT = "Prechelt, Early stopping — but when?, 1998 (the generalisation loss)"
_ZHANG = "Zhang, Bengio, Hardt, Recht & Vinyals, Understanding deep learning requires rethinking generalization, 2017"
_HE = "He & Garcia, Learning from imbalanced data, 2009"


def nothing_to_learn(signs: Signs) -> Finding | None:
    """Neither the network nor any simple predictor does better on unseen rows than guessing."""
    known, rows = signs.known, len(signs.known.block)
    if rows < _FEWEST_ROWS or (signs.validation is not None and signs.validation.skill > 0.3):
        return None
    limit = _SIGNAL if rows >= 200 else _SIGNAL_OF_FEW if rows >= 90 else _SIGNAL_OF_FEWEST
    if max(signs.best[1].skill, 0.0) > 0.3 or signs.signal > limit:
        return None
    tried = [signs.usual, signs.fresh, *(signs.faster if known.recipe.optimizer is not None else ())]
    if signs.over_guess(min(probe.loss for probe in tried)) < 1 - _MARGIN:
        return None  # what no simple predictor finds, the network does when it is trained by a usual method
    looked = "the network, a linear model, kernels, nearest neighbours and trees"
    figures = ""
    if known.has_classes and signs.held_out is not None and signs.works:
        held, seen = signs.measure.accuracy(signs.held_out), signs.measure.accuracy(signs.rows)
        figures = f": {held:.1%} of held-out rows right, {signs.shares.max():.1%} by always naming the commonest class"
        if seen is not None and held is not None and seen > held + 0.1:
            figures += f", while {seen:.1%} of the training rows have been learned by heart"
    alone = ""
    if known.held_out is None or rows < _FEW_ROWS:  # few rows can hide what is there, and may be all there are
        left, steps, rate = signs.fitted
        if left < 0.5:
            alone = (
                f" The rows themselves can be learned by heart: Adam({rate:.3g}) leaves {left:.1%} of the error of "
                f"guessing on them after {steps:,} steps, as it also can where labels are random. Where these rows are "
                "all there are, that may be enough; else hold rows out, or get more."
            )
    return Finding(
        "nothing_to_learn",
        f"Nothing was found to learn from these inputs: on rows they have not seen, {looked} do no better than "
        f"guessing{figures}.",
        "Look whether rows and labels still belong together (sorted or shuffled apart?), or find inputs that have to "
        f"do with the target. In what was tried ({_tried(tried)}) no rate helped.{alone}",
        {"signal": signs.signal},
        f"{_ZHANG}; the test is a permutation test (Good, 2005)",
    )


def _tried(probes: list[probing.Probe]) -> str:
    rates = sorted({probe.learning_rate for probe in probes})
    return f"{len(probes)} short trainings at rates from {rates[0]:.2g} to {rates[-1]:.2g}, the simple predictors"


def imbalance(signs: Signs) -> Finding | None:
    """A rare class that the network never names, though the inputs tell of it."""
    known = signs.known
    if not known.has_classes or not signs.works:
        return None
    shares = signs.shares
    rows, found, chosen = signs.recall()
    top = int(shares.argmax())
    for c in np.argsort(shares):
        if shares[c] == 0 or shares[top] < 4 * shares[c] or rows[c] < 3:
            continue
        if chosen[c] > 0.8 * rows[c] or found[c] > 0.33 * rows[c]:
            continue
        told = _ranking(signs, int(c))
        if told < (0.75 if found[c] <= 0.1 * rows[c] else 0.8):
            continue
        name = _name(signs, int(c))
        only = int((chosen > 0).sum()) == 1
        what = "The network names the commonest class only" if only else f"The network hardly ever names class {name}"
        right = float(found.sum() / rows.sum())
        return Finding(
            "imbalance",
            f"{what}: class {name} has {shares[c]:.1%} of the rows, and {found[c]:,} of {rows[c]:,} are found. "
            f"Accuracy ({right:.1%}) hides it: always naming the commonest class gives {shares[top]:.1%}.",
            "Give rows of rare classes more weight (sample_weight), or judge by the rank of the outputs and set the "
            "threshold lower.",
            {
                "class": int(c),
                "name": name,
                "share": float(shares[c]),
                "found": int(found[c]),
                "rows": int(rows[c]),
                "ranking": told,
            },
            _HE,
            Remedy("weights"),
        )
    return None


def _ranking(signs: Signs, c: int) -> float:
    """Return how often a row of class c is ranked before one of another class, by the best predictor at hand (AUC)."""
    from glassnet.insight.doctor.known import labels_of

    best = 0.0
    block = signs.held_out if signs.held_out is not None else signs.many
    scored = [(signs.scores(block)[:, c], labels_of(block.y) == c)]
    scored += [(reference.out_of_sample[:, c], labels_of(signs.rows.y) == c) for reference in signs.compared.simple]
    for score, inside in scored:
        if inside.sum() < 3 or inside.all():
            continue
        order = np.argsort(np.argsort(score, kind="stable"), kind="stable") + 1
        n, rest = int(inside.sum()), int((~inside).sum())
        best = max(best, float((order[inside].sum() - n * (n + 1) / 2) / (n * rest)))
    return best


def _name(signs: Signs, c: int) -> str:
    from glassnet.insight.subject import printable

    names = signs.known.class_names
    return printable(names[c]) if len(names) > 1 else str(c)


def plateau(signs: Signs) -> Finding | None:
    """The error stands still, far above what the same layers reach from another start or with another rate."""
    curve = signs.curve
    if not signs.trouble or curve is None or not curve.settled or curve.epochs < 5 or _held_back(signs) is not None:
        return None
    mine = signs.over_guess(signs.judged_loss)
    rates = curve.learning_rate
    flat = curve.flat_for
    fallen = len(rates) > 1 and rates[-1] < 0.05 * rates.max()
    at = max(0, curve.epochs - 1 - flat)
    if fallen and signs.as_it_was is not None:
        reached = signs.over_guess(signs.as_it_was.loss)
        if reached < mine - _MARGIN:
            return Finding(
                "plateau",
                f"The error stands still at {share(mine)} that of guessing since epoch {at}: the schedule had brought "
                f"the rate from {rates.max():.3g} to {rates[min(at, len(rates) - 1)]:.2g} by then, too early. At the "
                f"first rate throughout, {signs.as_it_was.steps:,} steps reach {reached:.0%}.",
                "Let the schedule last as long as the training, or keep the rate constant.",
                {"epoch": at, "loss": mine, "reached": reached},
                "",
                Remedy("constant"),
            )
    reached = signs.over_guess(signs.fresh.loss)
    if not reached < mine - _MARGIN:
        return None
    return Finding(
        "plateau",
        f"The error stands still at {share(mine)} that of guessing: {flat:,} epochs without 2 % of progress. The same "
        f"layers from another start, with Adam({signs.fresh.learning_rate:.3g}), reach {reached:.0%} in "
        f"{signs.fresh.steps:,} steps.",
        "Start from other weights (another seed, the usual initializers), and use Adam or momentum.",
        {"epochs": flat, "loss": mine, "reached": reached},
        "Fukumizu & Amari, Local minima and plateaus in hierarchical structures of multilayer perceptrons, 2000",
        Remedy("start"),
    )


def underfitting(signs: Signs) -> Finding | None:
    """The network does worse on the very rows it was trained on than simple predictors do on unseen ones."""
    if not signs.trouble or not signs.works:
        return None
    name, best = signs.best
    known, curve = signs.known, signs.curve
    mine, theirs = signs.training.skill, best.skill
    still_falling = curve is not None and not curve.settled and curve.epochs <= 30
    if signs.shortfall.real and (mine > 0.93 * theirs or (still_falling and mine > 0.6 * theirs)):
        return None  # all but there, or on its way
    loss = signs.over_guess(signs.judged_loss)
    says = f"The network has learned too little: on its own training rows it gets {_score(signs.training)}"
    says += f", {name} on rows it has not seen {_score(best)}." if signs.shortfall.real else "."
    remedy = None
    freed = _held_back(signs)
    if freed is not None:
        return Finding(
            "underfitting",
            f"{says} Dropout and penalties hold it back: without them {freed:.0%} of the error of guessing is left on "
            f"unseen rows, with them {figure(loss)}.",
            "Use less dropout, or smaller l1, l2 and weight_decay.",
            {"skill": mine, "reference": theirs, "freed": freed, "loss": loss},
            "",
            Remedy("no_penalty"),
        )
    if still_falling:
        cure = "Train longer: the error was still falling at the end."
        remedy = Remedy("longer")
    else:
        bigger, what = probing.larger(known)
        reached = signs.over_guess(bigger.loss)
        if reached < loss - _MARGIN / 2:
            cure = (
                f"Use a larger network: {what} leave {reached:.0%} of the error of guessing on unseen rows, not "
                f"{figure(loss)}."
            )
            remedy = Remedy("larger")
        elif signs.shortfall.size < _CLEARLY:
            return None  # nothing that was tried does better, and little is lacking
        else:
            cure = "Use a larger network, or train longer."
    return Finding("underfitting", says, cure, {"skill": mine, "reference": theirs, "loss": loss}, "", remedy)


def _held_back(signs: Signs) -> float | None:
    """Return what the network reaches without dropout and penalties, where that is much better than with them."""
    known = signs.known
    decay = getattr(known.recipe.optimizer, "weight_decay", 0.0)
    if not (known.recipe.l1 or known.recipe.l2 or decay or any(layer.drop_rate for layer in known.network.layers)):
        return None
    freed = signs.over_guess(signs.freed.loss)
    return freed if freed < signs.over_guess(signs.judged_loss) - _MARGIN else None


def _score(judged: Judged) -> str:
    """Return in the figure that people know how good predictions are; classes are counted, each row once."""
    if judged.right is not None:
        return f"{judged.right:.1%} right"
    return f"{max(0.0, judged.skill):.0%} of the error of guessing away"


def overfitting(signs: Signs) -> Finding | None:
    """Held-out rows fare worse and worse while training rows fare better, or far worse than these."""
    validation, curve = signs.validation, signs.curve
    if validation is None or not signs.works:
        return None
    held, weighed = signs.held_out_loss_of_epochs, signs.held_out_loss
    assert held is not None
    assert weighed is not None
    if curve is not None and curve.held_out is not None and curve.finite and len(curve.held_out) >= 4:
        smoothed = smooth(curve.held_out)
        best = int(np.argmin(smoothed))
        lowest = float(smoothed[best])
        lost = (held - lowest) / max(1.0 - lowest, 0.05)
        after = curve.loss[best:]
        if (
            held > (1 + _RISE) * lowest
            and lost > _LOST
            and len(after) >= 2
            and after[-1] < 0.9 * after[0]
            and weighed > signs.loss * 1.2
            and held - lowest > 1.5 * signs.held_out_loss_error
        ):
            return Finding(
                "overfitting",
                f"The network learns its training rows by heart: since epoch {best} the error on held-out rows rose "
                f"from {figure(lowest)} to {share(held)} that of guessing, while that on training rows fell from "
                f"{after[0]:.0%} to {after[-1]:.0%}.",
                f"Stop early (early_stopping=5 keeps the weights of about epoch {best}), or use dropout, l2, a smaller "
                "network or more rows.",
                {"best_epoch": best, "lowest": lowest, "last": held},
                _PRECHELT,
                Remedy("stop_early", epoch=best),
            )
    mine, theirs = signs.training, validation
    apart = mine.skill - theirs.skill
    error = np.sqrt(mine.waste.var() / len(mine.waste) + theirs.waste.var() / len(theirs.waste))
    simple_is_better = signs.held_out_shortfall is not None and signs.held_out_shortfall.real
    by_heart = apart > _FAR_APART and mine.skill > 0.9
    far = _APART if signs.held_out_shortfall is None or signs.held_out_shortfall.size < 0.08 else 0.1
    if apart > far and apart > 4 * error and (simple_is_better or by_heart):
        return Finding(
            "overfitting",
            f"The network learns its training rows by heart: {_score(mine)} of them, but "
            f"{_score(theirs)} of held-out rows"
            f"{', where a simple predictor does better' * simple_is_better}.",
            "Use dropout, l2, a smaller network or more rows.",
            {"training": mine.skill, "held_out": theirs.skill},
            _PRECHELT,
            _restrain(signs),
        )
    return None


def _restrain(signs: Signs) -> Remedy:
    """Return to the best epoch where one lies clearly before the last, else dropout or l2."""
    curve = signs.curve
    best = None if curve is None or not curve.finite else curve.best_held_out
    if curve is None or best is None or best >= curve.epochs - 2:
        return Remedy("restrain")
    return Remedy("stop_early", epoch=best)
