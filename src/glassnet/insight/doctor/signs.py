"""Everything that the rules read, each measured once and only when a rule asks: on some thousand rows at most.

Figures are held against guessing: `waste` of a row is 0 for a right answer and 1 for what the best constant answer
costs on average, whatever the loss, so that a table of prices and a set of digits are judged alike.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.engines import Block, row_errors_and_predictions
from glassnet.errors import FileError, GlassnetError
from glassnet.insight.doctor import columns, curves, probing, references, units
from glassnet.insight.doctor.judging import Gap, Judged, gap
from glassnet.insight.doctor.known import Known, labels_of, sample, take
from glassnet.maths.metrics import predicted_classes
from glassnet.network.inputs import one_hot
from glassnet.network.network import Network

Array = NDArray[Any]

_DOUBT = 0.7  # fewer rows stand behind what the network shows on held-out ones


@final
class Signs:
    """What is measured of one training.

    Parameters
    ----------
    known : Known
    """

    def __init__(self, known: Known) -> None:
        self.known = known

    # --- rows -------------------------------------------------------------------------------------------------------

    @cached_property
    def rows(self) -> Block:
        """The rows that simple predictors and the network are compared on; a row that comes twice stands once.

        Else what is left out to be predicted would be among what is learned; but where only few different rows are
        possible, all stay.
        """
        some = sample(self.known.block, 2 * references.ROWS)
        seen: dict[bytes, int] = {}
        for i, row in enumerate(np.ascontiguousarray(some.x)):
            seen.setdefault(row.tobytes(), i)
        single = np.array(list(seen.values()))
        return sample(take(some, single) if len(single) > 0.5 * len(some) else some, references.ROWS)

    @cached_property
    def many(self) -> Block:
        """More rows, for what is cheap."""
        return self.known.some()

    @cached_property
    def held_out(self) -> Block | None:
        """Held-out rows."""
        return self.known.some_held_out()

    @cached_property
    def scales(self) -> columns.Scales:
        """Of the inputs."""
        return columns.scales(self.many.x.astype(np.float64))

    @cached_property
    def target_scales(self) -> columns.Scales | None:
        """Of the targets, where they are numbers."""
        return None if self.known.has_classes else columns.scales(self.many.y.astype(np.float64))

    @cached_property
    def twins(self) -> columns.Twins | None:
        """Held-out rows that are trained on as well."""
        known = self.known
        if known.held_out is None:
            return None
        mine, theirs = known.block, known.held_out
        labels = (labels_of(mine.y), labels_of(theirs.y)) if known.has_classes else (None, None)
        return columns.twins(mine.x, theirs.x, *labels)

    @cached_property
    def leaks(self) -> list[columns.Leak]:
        """The input that tells most of the target by itself."""
        some = self.many
        labels = labels_of(some.y) if self.known.has_classes else None
        y = None if self.known.has_classes else some.y.astype(np.float64)
        return columns.leaks(some.x.astype(np.float64), labels, y, self.known.classes)

    @cached_property
    def shares(self) -> Array:
        """The share of each class among all training rows: (classes,)."""
        counts: Array = np.bincount(labels_of(self.known.block.y), minlength=self.known.classes)
        return np.asarray(counts / counts.sum())

    @cached_property
    def copies_its_inputs(self) -> bool:
        """Whether the targets are the inputs, so that the narrow way between is the point and a line has no merit."""
        x, y = self.many.x, self.many.y
        return x.shape == y.shape and bool(np.allclose(x, y, atol=1e-6))

    # --- how well the network does ----------------------------------------------------------------------------------

    @cached_property
    def works(self) -> bool:
        """Whether the network gives finite numbers at all."""
        with np.errstate(all="ignore"):
            return bool(np.isfinite(self.known.network.theta).all() and np.isfinite(self._predict(self.rows)).all())

    def _predict(self, block: Block) -> Array:
        predicted: Array = self.known.network.astype(np.float64).predict(block.x.astype(np.float64))
        return predicted

    def _waste_of(self, prediction: Array, block: Block) -> Array:
        """Return the waste of predictions of the network's own kind."""
        known = self.known
        if known.has_classes:
            wrong = predicted_classes(prediction, known.threshold) != labels_of(block.y)
            return np.asarray(wrong / self._wrong_by_guessing(block))
        return self._cost(prediction, block) / self._cost_of_guessing(block)

    def _wrong_by_guessing(self, block: Block) -> float:
        """Return the share of rows that are wrong where always the commonest class of the training rows is named."""
        right = labels_of(block.y) == int(self.shares.argmax())
        return max(1 - float(np.average(right, weights=block.sample_weight)), 0.5 / len(block))

    def _cost(self, prediction: Array, block: Block) -> Array:
        """Return the error of each row under the loss, for predictions brought into what the loss reads."""
        loss = self.known.loss
        low, high = loss.domain.low, loss.domain.high
        safe = np.clip(prediction, low + 1e-6 if np.isfinite(low) else None, high - 1e-6 if np.isfinite(high) else None)
        y = one_hot(block.y, loss, self.known.network.outputs, np.dtype(np.float64)).astype(np.float64)
        return loss.rows(safe, y)

    @cached_property
    def guess(self) -> Array:
        """The constant answer with the smallest mean error on training rows, for targets that are numbers."""
        some = self.many
        y, weight = some.y.astype(np.float64), some.sample_weight
        mean = np.average(y, axis=0, weights=weight)
        tried = [mean, *(np.quantile(y, q, axis=0) for q in (0.1, 0.25, 0.5, 0.75, 0.9))]
        if self.known.loss.domain.entire and y.min() >= 0 and y.max() <= 1:
            inside = np.clip(mean, 1e-6, 1 - 1e-6)
            tried.append(np.log(inside / (1 - inside)))
        costs = [np.average(self._cost(np.broadcast_to(c, y.shape), some), weights=weight) for c in tried]
        best: Array = tried[int(np.argmin(costs))]
        return best

    def _cost_of_guessing(self, block: Block) -> float:
        cost = self._cost(np.broadcast_to(self.guess, block.y.shape), block)
        return max(float(np.average(cost, weights=block.sample_weight)), 1e-300)

    def guess_loss(self, block: Block) -> float:
        """Return what the loss of rows is where all get the same answer, the best one for the training rows."""
        known = self.known
        if not known.has_classes:
            return self._cost_of_guessing(block)
        mine, weight = self.many, block.sample_weight
        counts = np.bincount(labels_of(mine.y), weights=mine.sample_weight, minlength=known.classes) + 1e-3
        shares, labels = counts / counts.sum(), labels_of(block.y)
        if "cross_entropy" in known.loss.name:
            return float(np.average(-np.log(shares[labels]), weights=weight))
        if known.loss.name.startswith("hinge"):
            return float(known.classes - 1)
        y = one_hot(block.y, known.loss, known.network.outputs, np.dtype(np.float64)).astype(np.float64)
        answer = shares if known.network.outputs > 1 else shares[1:]
        cost = known.loss.rows(np.broadcast_to(answer, y.shape), y)
        return max(float(np.average(cost, weights=weight)), 1e-300)

    @cached_property
    def training(self) -> Judged:
        """The network on rows it was trained on."""
        return Judged(self._waste_of(self._predict(self.rows), self.rows), self.rows.sample_weight.astype(np.float64))

    @cached_property
    def validation(self) -> Judged | None:
        """The network on held-out rows."""
        block = self.held_out
        if block is None:
            return None
        return Judged(self._waste_of(self._predict(block), block), block.sample_weight.astype(np.float64))

    @cached_property
    def loss(self) -> float:
        """The network's mean error on training rows, over that of guessing."""
        return probing.mean_loss(self.known.network, self.known, self.many) / self.guess_loss(self.many)

    @cached_property
    def held_out_loss(self) -> float | None:
        """The network's mean error on held-out rows, over that of guessing."""
        block = self.held_out
        if block is None:
            return None
        return probing.mean_loss(self.known.network, self.known, block) / self.guess_loss(block)

    @cached_property
    def held_out_loss_error(self) -> float:
        """The standard error of the mean error on held-out rows, over that of guessing."""
        block = self.held_out
        assert block is not None
        net = self.known.network.astype(np.float64)
        y = block.y if block.y.ndim == 1 else block.y.astype(np.float64)
        errors, _ = row_errors_and_predictions(net, net.objective(self.known.loss), block.x.astype(np.float64), y)
        return float(errors.std() / np.sqrt(len(errors))) / self.guess_loss(block)

    def accuracy(self, block: Block) -> float | None:
        """Return the share of rows whose class is right."""
        if not self.known.has_classes:
            return None
        right = predicted_classes(self._predict(block), self.known.threshold) == labels_of(block.y)
        return float(np.average(right, weights=block.sample_weight))

    def recall(self) -> tuple[Array, Array, Array]:
        """Return of each class how many rows it has, how many of them are found, and how often it is predicted.

        On held-out rows, unless one of the classes has but few there: then on rows that were trained on.
        """
        block = self.held_out if self.held_out is not None else self.many
        labels = labels_of(block.y)
        if self.held_out is not None and np.bincount(labels, minlength=self.known.classes).min() < 10:
            block, labels = self.many, labels_of(self.many.y)
        predicted = predicted_classes(self._predict(block), self.known.threshold)
        n = self.known.classes
        rows, chosen = np.bincount(labels, minlength=n), np.bincount(predicted, minlength=n)
        found = np.bincount(labels[labels == predicted], minlength=n)
        return rows, found, chosen

    # --- against simple predictors ----------------------------------------------------------------------------------

    @cached_property
    def truth_as_numbers(self) -> Array:
        """What simple predictors learn: one-hot classes, or the targets."""
        block = self.rows
        if not self.known.has_classes:
            return block.y.astype(np.float64)
        return np.eye(self.known.classes)[labels_of(block.y)]

    @cached_property
    def simple(self) -> list[references.Reference]:
        """Simple predictors."""
        block, held = self.rows, self.held_out
        weight = block.sample_weight.astype(np.float64)
        xv = None if held is None else held.x.astype(np.float64)
        return references.references(block.x.astype(np.float64), self.truth_as_numbers, weight, xv)

    def without(self, column: int) -> float:
        """Return the skill of the best simple predictor that does not see one input."""
        block = self.rows
        x = np.delete(block.x.astype(np.float64), column, axis=1)
        weight = block.sample_weight.astype(np.float64)
        return max(self.judged(r).skill for r in references.references(x, self.truth_as_numbers, weight, None))

    @cached_property
    def with_scaled_inputs(self) -> probing.Probe:
        """The run's descent from its start, with inputs standardised."""
        x = self.known.block.x.astype(np.float64)
        spread = x.std(axis=0)
        return probing.scaled(self.known, (x.mean(axis=0), np.where(spread > 0, spread, 1.0)))

    @cached_property
    def forest(self) -> references.Reference:
        """Randomised trees, which take a second or two."""
        block, held = self.rows, self.held_out
        xv = None if held is None else held.x.astype(np.float64)
        weight = block.sample_weight.astype(np.float64)
        return references.trees(block.x.astype(np.float64), self.truth_as_numbers, weight, xv)

    def judged(self, reference: references.Reference, *, held_out: bool = False) -> Judged:
        """Return how well a simple predictor does, on rows it did not learn from."""
        block = self.held_out if held_out else self.rows
        prediction = reference.held_out if held_out else reference.out_of_sample
        assert block is not None
        assert prediction is not None
        weight = block.sample_weight.astype(np.float64)
        if self.known.has_classes:
            wrong = prediction.argmax(axis=1) != labels_of(block.y)
            return Judged(wrong / self._wrong_by_guessing(block), weight)
        return Judged(self._cost(prediction, block) / self._cost_of_guessing(block), weight)

    @cached_property
    def best(self) -> tuple[str, Judged]:
        """The simple predictor that does best on rows it did not see, among those that are trained on."""
        judged = [(reference.name, self.judged(reference)) for reference in self.simple]
        return max(judged, key=lambda pair: pair[1].skill)

    @cached_property
    def shortfall(self) -> Gap:
        """By how much the network does worse on the rows it was trained on than simple predictors on unseen ones."""
        if self.copies_its_inputs:
            return Gap(0.0, 0.0)
        return gap(self.training, self.best[1])

    @cached_property
    def held_out_shortfall(self) -> Gap | None:
        """By how much the network does worse on held-out rows than the best simple predictor does there."""
        if self.validation is None or self.copies_its_inputs:
            return None
        judged = [self.judged(reference, held_out=True) for reference in self.simple]
        return gap(self.validation, max(judged, key=lambda one: one.skill))

    @cached_property
    def trouble(self) -> bool:
        """Whether the network fits its own training rows worse than could be expected.

        Either a simple predictor does better on rows that it has not seen; or the network has hardly learned, and the
        same network, trained for a moment by a usual method, does much better on rows that it has not seen.
        """
        if not self.works or self.shortfall.real:
            return True
        if self.loss < 0.5 or self.training.skill > 0.6:
            return False
        return (
            self.over_guess(min(self.usual.loss, self.fresh.loss))
            < min(self.loss, self.over_guess(self.judged_loss)) - 0.1
        )

    @property
    def worse_than_simple(self) -> bool:
        """Whether the network does worse than it should, on rows of either side."""
        return self.trouble or (self.held_out_shortfall is not None and self.held_out_shortfall.real)

    @cached_property
    def signal(self) -> float:
        """By how many standard deviations anything tells more of unseen rows than chance does; see `references`."""
        found = [self._signal(reference) for reference in self.simple]
        if self.validation is not None and self.works:
            block = self.held_out
            assert block is not None
            found.append(references.signal(self._scores(block), self._truth(block)) - _DOUBT)
        if max(found) < 4:
            found.append(self._signal(self.forest))
        return max(found)

    def _signal(self, reference: references.Reference) -> float:
        """Return the signal in a simple predictor, over training rows left out and held-out rows together."""
        inside, n = references.signal(reference.out_of_sample, self.truth_as_numbers), len(self.rows)
        block = self.held_out
        if block is None or reference.held_out is None:
            return inside
        outside, p = references.signal(reference.held_out, self._truth(block)), len(block)
        return float((np.sqrt(n) * inside + np.sqrt(p) * outside) / np.sqrt(n + p))

    def _truth(self, block: Block) -> Array:
        return np.eye(self.known.classes)[labels_of(block.y)] if self.known.has_classes else block.y.astype(np.float64)

    def _scores(self, block: Block) -> Array:
        """Return the network's outputs, two where one output says yes or no."""
        prediction = self._predict(block)
        if self.known.has_classes and prediction.shape[1] == 1:
            return np.concatenate([-prediction, prediction], axis=1)
        return prediction

    # --- the network ------------------------------------------------------------------------------------------------

    def _look(self, theta: Array) -> units.Body:
        block = sample(self.known.block, 2000)
        y = block.y if block.y.ndim == 1 else block.y.astype(np.float64)
        with np.errstate(all="ignore"):
            return units.look(self.known.network, theta, self.known.loss, block.x.astype(np.float64), y)

    @cached_property
    def body(self) -> units.Body:
        """The network as it is."""
        return self._look(self.known.network.theta)

    @cached_property
    def body_at_start(self) -> units.Body:
        """The network before training."""
        return self._look(self.known.start)

    @cached_property
    def curve(self) -> curves.Curve | None:
        """The errors of the epochs, over that of guessing."""
        history = self.known.history
        if history is None or not history.loss:
            return None
        loss, held_out = np.array(history.loss, float) / self.guess_loss(self.many), None
        if history.validation_loss:
            judge = self.many if self.held_out is None else self.held_out
            held_out = np.array(history.validation_loss, float) / self.guess_loss(judge)
        finite = bool(np.isfinite(loss).all()) and (held_out is None or bool(np.isfinite(held_out).all()))
        return curves.Curve(loss, held_out, np.array(history.learning_rate, float), finite)

    @cached_property
    def updates(self) -> list[tuple[int, float]]:
        """Of each layer with weights: the median of ‖Δw‖/‖w‖ over some steps in the middle of the run.

        Taken again from snapshots; empty where there is no run folder.
        """
        known = self.known
        if known.folder is None or known.caveat or not known.folder.checkpoint.exists() or not known.epochs:
            return []
        try:
            replay = self.replay()
            middle = [epoch for epoch, _ in known.thetas() if 0 < epoch <= 0.6 * known.epochs] or [0]
            first = middle[len(middle) // 2] * replay.steps_per_epoch
            last = min(first + 8, replay.steps)
            taken = list(replay.taken(first, last))
        except (GlassnetError, FileError):
            return []
        found = []
        for k, parameter, place in known.network.layout.places:
            if parameter.name != "weights":
                continue
            ratios = [
                float(np.linalg.norm(step.theta_next[place] - step.theta[place]))
                / max(float(np.linalg.norm(step.theta[place])), 1e-30)
                for step in taken
            ]
            if ratios:
                found.append((k, float(np.median(ratios))))
        return found

    def replay(self) -> Any:
        """Return the run as it can be taken again."""
        from glassnet.training import Replay

        given, folder = self.known.arguments, self.known.folder
        assert folder is not None
        return Replay(
            folder,
            given["X"],
            given["Y"],
            validation=given["validation"],
            sample_weight=given["sample_weight"],
            loss=self.known.loss,
        )

    # --- short trainings, only where something is suspected -----------------------------------------------------------

    @cached_property
    def slower(self) -> list[probing.Probe]:
        """The run's descent at lower rates, from its start."""
        return [] if self.known.recipe.optimizer is None else probing.search(self.known, (1 / 3, 0.1, 0.01), 1)

    @cached_property
    def faster(self) -> list[probing.Probe]:
        """The run's descent at higher rates, from its start."""
        return [] if self.known.recipe.optimizer is None else probing.search(self.known, (3.0, 10.0, 100.0))

    @cached_property
    def as_it_was(self) -> probing.Probe | None:
        """The run's descent at its own rate, from its start, for as many steps as the other short trainings."""
        return None if self.known.recipe.optimizer is None else probing.rates(self.known, (1.0,))[0]

    @cached_property
    def on_from_here(self) -> probing.Probe | None:
        """The run's descent at a tenth of its last rate, from where it ended, for a tenth of its epochs."""
        known = self.known
        if known.recipe.optimizer is None or self.curve is None or not len(self.curve.learning_rate):
            return None
        factor = 0.1 * float(self.curve.learning_rate[-1]) / probing.peak_rate(known)
        steps = max(1, (known.epochs or 1) // 10) * known.steps_per_epoch
        return probing.rates(known, (factor,), theta=known.network.theta, steps=steps)[0]

    @cached_property
    def usual(self) -> probing.Probe:
        """The same network from its start with Adam at usual rates."""
        return min(probing.usual(self.known), key=lambda probe: probe.loss)

    @cached_property
    def freed(self) -> probing.Probe:
        """The network from its start without dropout and penalties."""
        return probing.without_dropout(self.known)

    @cached_property
    def fresh(self) -> probing.Probe:
        """The same layers from another, usual start, with Adam at usual rates."""
        return min(probing.usual(self.known, theta=self.fresh_theta), key=lambda probe: probe.loss)

    @cached_property
    def fresh_theta(self) -> Array:
        """Weights as layers of this kind are drawn by themselves, whatever initializer was asked for."""
        from glassnet.network.dense import Dense

        layers = [
            Dense(layer.units, layer.activation, bias=layer.bias, groups=layer.groups or None)
            if isinstance(layer, Dense)
            else layer
            for layer in self.known.network.layers
        ]
        net = self.known.network
        return Network(net.input_shape, layers, seed=net.seed + 1, dtype=net.dtype).theta

    @cached_property
    def judged_loss(self) -> float:
        """The network's mean error on the rows that short trainings are judged by."""
        if not self.works:
            return np.inf
        return probing.mean_loss(self.known.network, self.known, probing.parts(self.known)[1])

    def over_guess(self, loss: float) -> float:
        """Return a mean error of the rows that short trainings are judged by, over that of guessing."""
        return loss / self._judged_guess

    @cached_property
    def _judged_guess(self) -> float:
        return self.guess_loss(probing.parts(self.known)[1])
