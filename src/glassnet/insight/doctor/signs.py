"""Everything that the rules read, each measured once and only when a rule asks: on some thousand rows at most.

Figures are held against guessing (`measuring`), so that a table of prices and a set of digits are judged alike.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.engines import Block, row_errors_and_predictions
from glassnet.errors import FileError, GlassnetError
from glassnet.insight.doctor import columns, curves, probing, references, units
from glassnet.insight.doctor.comparing import Compared
from glassnet.insight.doctor.judging import Gap, Judged, gap
from glassnet.insight.doctor.known import Known, labels_of, sample, take
from glassnet.insight.doctor.measuring import Measure, plain
from glassnet.maths.metrics import predicted_classes
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
        self.measure = Measure(known)

    # --- rows -------------------------------------------------------------------------------------------------------

    @cached_property
    def rows(self) -> Block:
        """The rows that simple predictors and the network are compared on; a row that comes twice stands once.

        Else what is left out to be predicted would be among what is learned; but where only few different rows are
        possible, all stay.
        """
        some = sample(self.known.judged(self.known.block), 2 * references.ROWS)
        seen: dict[bytes, int] = {}
        for i, row in enumerate(np.ascontiguousarray(some.x)):
            seen.setdefault(row.tobytes(), i)
        single = np.array(list(seen.values()))
        return sample(take(some, single) if len(single) > 0.5 * len(some) else some, references.ROWS)

    @property
    def many(self) -> Block:
        """More rows, for what is cheap."""
        return self.measure.many

    @property
    def shares(self) -> Array:
        """The share of each class among all training rows."""
        return self.measure.shares

    @cached_property
    def held_out(self) -> Block | None:
        """Held-out rows, weighted as training rows are judged."""
        block = self.known.some_held_out()
        return None if block is None else self.known.judged(block)

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
    def copies_its_inputs(self) -> bool:
        """Whether the targets are the inputs, so that the narrow way between is the point and a line has no merit."""
        x, y = self.many.x, self.many.y
        return x.shape == y.shape and bool(np.allclose(x, y, atol=1e-6))

    # --- how well the network does ----------------------------------------------------------------------------------

    @cached_property
    def works(self) -> bool:
        """Whether the network gives finite numbers at all."""
        with np.errstate(all="ignore"):
            finite = np.isfinite(self.known.network.theta).all()
            return bool(finite and np.isfinite(self.measure.predict(self.rows)).all())

    @cached_property
    def training(self) -> Judged:
        """The network on rows it was trained on."""
        return self.measure.judged(self.measure.predict(self.rows), self.rows)

    @cached_property
    def validation(self) -> Judged | None:
        """The network on held-out rows."""
        block = self.held_out
        return None if block is None else self.measure.judged(self.measure.predict(block), block)

    @cached_property
    def loss(self) -> float:
        """The network's mean error on training rows, over that of guessing."""
        return probing.mean_loss(self.known.network, self.known, self.many) / self.measure.guess_loss(self.many)

    @cached_property
    def held_out_loss(self) -> float | None:
        """The network's mean error on held-out rows, over that of guessing."""
        block = self.held_out
        if block is None:
            return None
        return probing.mean_loss(self.known.network, self.known, block) / self.measure.guess_loss(block)

    @cached_property
    def held_out_loss_of_epochs(self) -> float | None:
        """The same with each row counted once, as the history of a run gives it."""
        block = self.held_out
        if block is None:
            return None
        block, mine = plain(block), plain(self.many)
        return probing.mean_loss(self.known.network, self.known, block) / self.measure.guess_loss(block, mine)

    @cached_property
    def held_out_loss_error(self) -> float:
        """The standard error of the mean error on held-out rows, over that of guessing."""
        block = self.held_out
        assert block is not None
        net = self.known.network.astype(np.float64)
        y = block.y if block.y.ndim == 1 else block.y.astype(np.float64)
        errors, _ = row_errors_and_predictions(net, net.objective(self.known.loss), block.x.astype(np.float64), y)
        return float(errors.std() / np.sqrt(len(errors))) / self.measure.guess_loss(plain(block), plain(self.many))

    def recall(self) -> tuple[Array, Array, Array]:
        """Return of each class how many rows it has, how many of them are found, and how often it is predicted.

        On held-out rows, unless one of the classes has but few there: then on rows that were trained on.
        """
        block = self.held_out if self.held_out is not None else self.many
        labels = labels_of(block.y)
        if self.held_out is not None and np.bincount(labels, minlength=self.known.classes).min() < 10:
            block, labels = self.many, labels_of(self.many.y)
        predicted = predicted_classes(self.measure.predict(block), self.known.threshold)
        n = self.known.classes
        rows, chosen = np.bincount(labels, minlength=n), np.bincount(predicted, minlength=n)
        found = np.bincount(labels[labels == predicted], minlength=n)
        return rows, found, chosen

    # --- against simple predictors ----------------------------------------------------------------------------------

    @cached_property
    def compared(self) -> Compared:
        """Simple predictors on the same rows."""
        return Compared(self.measure, self.rows, self.held_out)

    @cached_property
    def with_scaled_inputs(self) -> probing.Probe:
        """The run's descent from its start, with inputs standardised."""
        x = self.known.block.x.astype(np.float64)
        spread = x.std(axis=0)
        return probing.scaled(self.known, (x.mean(axis=0), np.where(spread > 0, spread, 1.0)))

    @property
    def best(self) -> tuple[str, Judged]:
        """The simple predictor that does best on rows it did not see, among those that are trained on."""
        return self.compared.best

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
        return gap(self.validation, self.compared.best_held_out)

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
        found = [self.compared.signal(reference) for reference in self.compared.simple]
        if self.validation is not None and self.works:
            block = self.held_out
            assert block is not None
            found.append(references.signal(self.scores(block), self.measure.truth(block)) - _DOUBT)
        if max(found) < 4:
            found.append(self.compared.signal(self.compared.forest))
        return max(found)

    def scores(self, block: Block) -> Array:
        """Return the network's outputs, two where one output says yes or no."""
        prediction = self.measure.predict(block)
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
    def body_with_usual_start(self) -> units.Body:
        """The network with weights as its layers draw them by themselves."""
        return self._look(self.fresh_theta)

    @cached_property
    def curve(self) -> curves.Curve | None:
        """The errors of the epochs, over that of guessing."""
        history = self.known.history
        if history is None or not history.loss:
            return None
        weighted, held_out = self.known.some(), None  # training's own loss counts rows by their weights
        loss = np.array(history.loss, float) / self.measure.guess_loss(weighted, weighted)
        if history.validation_loss:
            judge = plain(self.many if self.held_out is None else self.held_out)
            held_out = np.array(history.validation_loss, float) / self.measure.guess_loss(judge, plain(self.many))
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
    def fitted(self) -> tuple[float, int, float]:
        """How far Adam brings the same layers on the very rows they train on, over guessing; its steps and rate."""
        left, steps, rate = probing.fitted(self.known)
        return left / self.measure.guess_loss(self.known.judged(self.known.block)), steps, rate

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
        return self.measure.guess_loss(probing.parts(self.known)[1])
