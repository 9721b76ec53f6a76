"""The doctor at the bedside: a callback that looks at the end of each epoch and warns as soon as it is sure.

While training goes on it computes next to nothing; the diagnosis at the end is a full one, of the rows it trained on.
"""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from glassnet.errors import warn
from glassnet.insight.doctor.curves import smooth
from glassnet.insight.doctor.diagnosis import Diagnosis, Finding, Remedy
from glassnet.insight.doctor.known import sample
from glassnet.insight.doctor.units import Body, look
from glassnet.insight.subject import loss_of
from glassnet.training import EpochEnded, History, TrainingEnded, TrainingStarted

Array = NDArray[Any]

_PATIENCE, _RISE, _STILL, _MOVED = 5, 0.25, 0.002, 1e-3
_BEYOND = 1e3


@final
class Doctor:
    """Watches a training, warns in sentences as soon as it is sure, and holds a diagnosis at the end.

    Attributes
    ----------
    findings : list of Finding
        What it warned of, in the order of time.
    diagnosis : Diagnosis
        What is known by now.

    Examples
    --------
    >>> import numpy as np, glassnet as gn
    >>> X = np.linspace(-2, 2, 200)[:, None]
    >>> watch = gn.Doctor()
    >>> net = gn.Network(1, [gn.Dense(16, "tanh"), gn.Dense(1)], seed=0)
    >>> history = gn.train(net, X, np.sin(X), "squared_error", optimizer="adam(0.01)", epochs=30, callbacks=[watch])
    >>> watch.findings
    []
    """

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._history = History()
        self._began: TrainingStarted | None = None
        self._start: Array | None = None
        self._diagnosis: Diagnosis | None = None
        self._at_epoch: Array | None = None
        self._ended = False

    def __call__(self, event: TrainingStarted | EpochEnded | TrainingEnded) -> None:
        """Hear of the start, each epoch and the end."""
        if isinstance(event, TrainingStarted):
            self.findings, self._history, self._diagnosis = [], History(), None
            self._began, self._start, self._ended = event, event.network.theta.copy(), False
            self._at_epoch = self._start
        elif isinstance(event, EpochEnded):
            self._epoch(event)
        elif isinstance(event, TrainingEnded):
            self._history, self._ended = event.history, True
            self._diagnosis = None

    @property
    def diagnosis(self) -> Diagnosis:
        """What is known by now."""
        if self._diagnosis is None:
            found = self._diagnose()
            if not self._ended:
                return found  # the weights may still move
            self._diagnosis = found
        return self._diagnosis

    def _diagnose(self) -> Diagnosis:
        if self._began is None:
            return Diagnosis((), {"epochs": 0}, ("everything: no training has begun that this doctor watches",))
        from glassnet.insight.doctor.asking import doctor

        rows, held_out = self._began.rows, self._began.held_out
        broke = self._broke_off()
        if broke:
            self._history.stopped = broke
        return doctor(
            self._began.network,
            rows.x,
            rows.y,
            history=self._history,
            validation=None if held_out is None else (held_out.x, held_out.y),
            sample_weight=rows.sample_weight,
            start=self._start if self._began.epoch == 0 else None,
        )

    def _broke_off(self) -> str:
        """Say in words that training met a number that is not finite: it ends then without a word to callbacks.

        The network keeps its last good weights; they lie between two epochs, and with them the error is beyond all
        measure or the gradient not finite.
        """
        began = self._began
        if began is None or self._ended or self._at_epoch is None:
            return ""
        net, block = began.network, sample(began.rows, 500)
        if bool(np.isfinite(np.asarray(net.theta)).all()):
            with np.errstate(all="ignore"):
                passed = net.backprop(block.x, block.y, loss_of(net, None), sample_weight=block.sample_weight)
                start = net.copy()
                start.theta[:] = self._start
                first = start.backprop(block.x, block.y, loss_of(net, None), sample_weight=block.sample_weight).loss
            finite = np.isfinite(passed.loss) and bool(np.isfinite(np.asarray(passed.gradient.theta)).all())
            between = not np.array_equal(net.theta, self._at_epoch)
            if finite and not (between and passed.loss > _BEYOND * max(float(first), 1e-30)):
                return ""
        return (
            f"Training broke off in epoch {self._history.epochs}, without an end: the weights it left are the last "
            "before a number was not finite."
        )

    # --- while it goes on -------------------------------------------------------------------------------------------

    def _epoch(self, event: EpochEnded) -> None:
        history = self._history
        self._at_epoch = event.network.theta.copy()
        history.loss.append(event.loss)
        history.learning_rate.append(event.learning_rate)
        if event.validation_loss is not None:
            history.validation_loss.append(event.validation_loss)
        if event.validation_accuracy is not None:
            history.validation_accuracy.append(event.validation_accuracy)
        self._diagnosis = None
        for name, rule in (
            ("rate_too_high", self._rising),
            ("rate_too_low", self._still),
            ("overfitting", self._by_heart),
            ("dead_units", self._dead),
            ("saturated_units", self._saturated),
        ):
            if name not in {finding.name for finding in self.findings}:
                finding = rule()
                if finding is not None:
                    self.findings.append(finding)
                    warn(f"Epoch {event.epoch}: {finding}")

    def _rising(self) -> Finding | None:
        """The error of training rows stays above that of the first epoch, or explodes."""
        loss = self._history.loss
        if len(loss) < 2 or not np.isfinite(loss).all():
            return None
        explodes = loss[0] > 0 and loss[-1] > 100 * loss[0]
        if not explodes and (len(loss) < 4 or min(loss[-3:]) < 1.2 * loss[0]):
            return None
        rate = self._history.learning_rate[-1]
        return Finding(
            "rate_too_high",
            f"The error on training rows rises: {loss[0]:.4g} in the first epoch, {loss[-1]:.4g} now, at rate "
            f"{rate:.3g}.",
            "Stop and train at a tenth of the rate.",
            {"first": loss[0], "last": loss[-1], "rate": rate},
            remedy=Remedy("rate", 0.1),
        )

    def _still(self) -> Finding | None:
        """Neither the error nor the weights move."""
        loss, rates = self._history.loss, self._history.learning_rate
        if len(loss) < _PATIENCE or self._start is None or self._began is None or not np.isfinite(loss).all():
            return None
        if rates[-1] < 0.5 * max(rates) or loss[0] <= 0 or 1 - min(loss) / loss[0] > _STILL:
            return None
        length = float(np.linalg.norm(self._start)) or 1.0
        moved = float(np.linalg.norm(self._began.network.theta.astype(np.float64) - self._start)) / length
        if moved > _MOVED * len(loss):
            return None
        return Finding(
            "rate_too_low",
            f"Nothing moves: in {len(loss)} epochs the weights changed by {moved:.2g} of their size and the error by "
            f"{1 - min(loss) / loss[0]:.2%}.",
            "Raise the rate tenfold; if that does not help, look for dead or saturated units with gn.doctor.",
            {"moved": moved, "rate": rates[-1]},
            remedy=Remedy("rate", 10.0),
        )

    def _by_heart(self) -> Finding | None:
        """Held-out rows fare worse for some epochs, while training rows fare better."""
        held, loss = self._history.validation_loss, self._history.loss
        if len(held) != len(loss) or len(held) < _PATIENCE + 2 or not np.isfinite(held).all():
            return None
        smoothed = smooth(np.array(held))
        best = int(np.argmin(smoothed))
        if len(held) - 1 - best < _PATIENCE:
            return None
        rise = min(held[-3:]) - smoothed[best]
        gained = max(smoothed[0] - smoothed[best], 0.05 * smoothed[best])
        if rise < _RISE * smoothed[best] or rise < 0.1 * gained or loss[-1] > 0.9 * loss[best]:
            return None
        return Finding(
            "overfitting",
            f"The network learns its training rows by heart: since epoch {best} the error on held-out rows rose from "
            f"{smoothed[best]:.4g} to {held[-1]:.4g}; on training rows it fell from {loss[best]:.4g} to "
            f"{loss[-1]:.4g}.",
            f"Stop; early_stopping={_PATIENCE} keeps the weights of about epoch {best}.",
            {"best_epoch": best, "lowest": float(smoothed[best]), "last": held[-1]},
            "Prechelt, Early stopping — but when?, 1998",
            Remedy("stop_early", epoch=best),
        )

    def _dead(self) -> Finding | None:
        """Most units of a layer fire for no row; looked at in epochs 1, 2, 4, 8, ..."""
        body, rows = self._look()
        if body is None:
            return None
        worst = max(body.hidden, key=lambda layer: layer.dead_share, default=None)
        if worst is None or worst.units < 4 or worst.dead_share < 0.6:
            return None
        return Finding(
            "dead_units",
            f"{worst.dead:,} of {worst.units:,} units of layer {worst.layer} ({worst.activation}) fire for none of "
            f"{rows:,} training rows.",
            "Stop and start anew with a lower rate or leaky_relu.",
            {"layer": worst.layer, "dead": worst.dead, "units": worst.units},
            remedy=Remedy("rate", 0.1),
        )

    def _saturated(self) -> Finding | None:
        """Nearly all units of a layer stay flat on one side for every row, and the error hardly falls."""
        loss = self._history.loss
        body, rows = self._look()
        if body is None or len(loss) < 2 or not loss[-1] > 0.9 * loss[0]:
            return None
        worst = max(body.hidden, key=lambda layer: layer.stuck / layer.units, default=None)
        if worst is None or worst.units < 4 or worst.stuck < 0.8 * worst.units:
            return None
        return Finding(
            "saturated_units",
            f"{worst.stuck:,} of {worst.units:,} units of layer {worst.layer} ({worst.activation}) are saturated for "
            f"all but all of {rows:,} training rows: their slope is all but 0.",
            "Stop; bring inputs to a scale around 1, and start with smaller weights.",
            {"layer": worst.layer, "stuck": worst.stuck, "units": worst.units},
            remedy=Remedy("start"),
        )

    def _look(self) -> tuple[Body | None, int]:
        """Return what units do, in epochs 1, 2, 4, 8, ..., and on how many rows."""
        e = self._history.epochs
        if self._began is None or e & (e - 1):
            return None, 0
        net, block = self._began.network, sample(self._began.rows, 500)
        objective = net.objective(loss_of(net, None))
        with np.errstate(all="ignore"):
            return look(net, net.theta, objective.loss, block.x.astype(np.float64), block.y), len(block)
