"""Proofs that a training is sick or healthy, by other means than the doctor's: retraining, brute force, other models.

Each function makes a proof: of a finished training and its seed, a `Fact`. Knows scikit-learn and `catalogue_case`.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from catalogue_case import Fact, Proof, Setting, Trained, train
from catalogue_rows import Array

import glassnet as gn


def both(*proofs: Proof) -> Proof:
    """All of them hold."""

    def proof(trained: Trained, seed: int) -> Fact:
        facts = [p(trained, seed) for p in proofs]
        return Fact(all(f.holds for f in facts), "; ".join(f.says for f in facts))

    return proof


def either(*proofs: Proof) -> Proof:
    """One of them holds."""

    def proof(trained: Trained, seed: int) -> Fact:
        facts = [p(trained, seed) for p in proofs]
        return Fact(any(f.holds for f in facts), " or ".join(f.says for f in facts))

    return proof


# --- cures -------------------------------------------------------------------------------------------------------


def _again(trained: Trained, **changes: Any) -> Setting:
    """The same training from the same start, some settings changed."""
    return trained.setting.with_net(trained.start.copy()).changed(**changes)


def _better(before: float, after: float, what: str) -> Fact:
    """A cure counts if it takes a quarter of what is missing to 1, and two hundredths at least."""
    holds = after - before >= max(0.02, 0.25 * (1 - before))
    return Fact(holds, f"{what}: unseen rows {before:.3f} → {after:.3f}")


def cured(**changes: Any) -> Proof:
    """Another setting of the training, from the same weights, is much better on unseen rows."""

    def proof(trained: Trained, seed: int) -> Fact:
        told = ", ".join(f"{key}={value}" for key, value in changes.items())
        return _better(trained.test_score, train(_again(trained, **changes)).test_score, told)

    return proof


def cured_by(make: Callable[[int], Setting], what: str = "cure") -> Proof:
    """Another set-up is much better on its unseen rows."""

    def proof(trained: Trained, seed: int) -> Fact:
        return _better(trained.test_score, train(make(seed)).test_score, what)

    return proof


# --- what happens inside the network -----------------------------------------------------------------------------


def activations(net: gn.Network, X: Array) -> list[tuple[str, Array]]:
    """What each hidden layer puts out, without dropout, by NumPy alone."""
    a, found = np.asarray(X, float), []
    for k, layer in enumerate(net.layers[:-1]):
        if net.weights[k] is None:
            continue
        z = a @ net.weights[k].astype(float) + net.biases[k]
        name = layer.activation.name
        with np.errstate(all="ignore"):
            if name == "relu":
                a = np.maximum(z, 0)
            elif name == "sigmoid":
                a = 1 / (1 + np.exp(-z))
            elif name == "tanh":
                a = np.tanh(z)
            else:
                raise ValueError(name)
        found.append((name, a))
    return found


def _relus(trained: Trained) -> list[Array]:
    """Return what layers of relus put out, if all before them can be followed."""
    names = {
        layer.activation.name for k, layer in enumerate(trained.net.layers[:-1]) if trained.net.weights[k] is not None
    }
    if not names <= {"relu", "sigmoid", "tanh"}:
        return []
    return [a for name, a in activations(trained.net, trained.setting.X) if name == "relu"]


def dead(share: float) -> Proof:
    """In some hidden layer so many relu units are 0 for each row."""

    def proof(trained: Trained, seed: int) -> Fact:
        shares = [float((a <= 0).all(axis=0).mean()) for _, a in activations(trained.net, trained.setting.X)]
        return Fact(max(shares) >= share, "dead " + ", ".join(f"{s:.0%}" for s in shares))

    return proof


def saturated(share: float) -> Proof:
    """In some hidden layer so many activations have under a twentieth of the steepest slope."""

    def proof(trained: Trained, seed: int) -> Fact:
        shares = []
        for name, a in activations(trained.net, trained.setting.X):
            slope = 4 * a * (1 - a) if name == "sigmoid" else 1 - a**2
            shares.append(float((slope < 0.05).mean()))
        return Fact(max(shares) >= share, "saturated " + ", ".join(f"{s:.0%}" for s in shares))

    return proof


def _blame(trained: Trained, net: gn.Network) -> list[float]:
    """Root mean square of blame, layer by layer."""
    setting = trained.setting
    net = net.astype("float64")
    p = net.backprop(setting.X[:200], setting.Y[:200], setting.loss, reduction="sum")
    return [float(np.sqrt(np.mean(p.blame[k] ** 2))) for k in range(len(net.layers)) if net.weights[k] is not None]


def blame_fades(factor: float, *, at_end: bool = True) -> Proof:
    """The first layer's blame is so many times smaller than the last's, at the start (and at the end)."""

    def proof(trained: Trained, seed: int) -> Fact:
        nets = (trained.start, trained.net) if at_end else (trained.start,)
        ratios = [b[-1] / max(b[0], 1e-300) for b in (_blame(trained, net) for net in nets)]
        return Fact(min(ratios) >= factor, "blame fades " + ", ".join(f"{r:.3g}×" for r in ratios))

    return proof


def blame_grows(factor: float) -> Proof:
    """At the start, the first layer's blame is so many times larger than the last's."""

    def proof(trained: Trained, seed: int) -> Fact:
        b = _blame(trained, trained.start)
        return Fact(b[0] / b[-1] >= factor, f"blame grows {b[0] / b[-1]:.3g}×")

    return proof


def hardly_moved(share: float) -> Proof:
    """All steps together moved θ by less than this share of its length."""

    def proof(trained: Trained, seed: int) -> Fact:
        start, end = trained.start.theta.astype(float), trained.net.theta.astype(float)
        moved = float(np.linalg.norm(end - start) / np.linalg.norm(start))
        return Fact(moved < share, f"θ moved {moved:.2%}")

    return proof


def broke() -> Proof:
    """Training met a NaN or an infinity."""

    def proof(trained: Trained, seed: int) -> Fact:
        return Fact(trained.error is not None, f"stopped: {trained.error is not None}")

    return proof


# --- what happens to the scores ----------------------------------------------------------------------------------


@functools.cache
def _models(classes: bool) -> tuple[Any, ...]:
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC, SVR

    if classes:
        return (
            DummyClassifier(),
            make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
            make_pipeline(StandardScaler(), SVC()),
            RandomForestClassifier(100, min_samples_leaf=2, random_state=0),
        )
    return (
        DummyRegressor(),
        make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 3, 11))),
        make_pipeline(StandardScaler(), SVR(C=3)),
        RandomForestRegressor(100, min_samples_leaf=2, random_state=0),
    )


def simple_scores(setting: Setting, *, only: Array | None = None) -> dict[str, float]:
    """Scores of scikit-learn's simple models, fitted to the same rows, on the unseen ones."""
    from sklearn.base import clone

    X, Y = setting.X, setting.Y
    Xt, Yt = setting.test
    if only is not None:
        X, Xt = X[:, only], Xt[:, only]
    found = {}
    for model in _models(Y.dtype.kind == "i"):
        if X.shape[1] > 300 and "SV" in str(model):
            continue  # half a minute
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if Y.ndim == 1:
                mean, deviation = (0, 1) if Y.dtype.kind == "i" else (Y.mean(), Y.std())
                fitted = clone(model).fit(X, (Y - mean) / deviation if deviation != 1 else Y)
                said = fitted.predict(Xt) * deviation + mean if deviation != 1 else fitted.predict(Xt)
            else:
                if "SV" in str(model):
                    continue  # tells one number only
                said = clone(model).fit(X, Y).predict(Xt)
        name = str(model).split("(")[0] if not hasattr(model, "steps") else model.steps[-1][0]
        found[name] = (
            float(np.mean(said == Yt))
            if Y.dtype.kind == "i"
            else float(1 - np.sum((said - Yt) ** 2) / np.sum((Yt - Yt.mean(axis=0)) ** 2))
        )
    return found


def _best(scores: dict[str, float]) -> tuple[str, float]:
    name = max(scores, key=scores.__getitem__)
    return name, scores[name]


def worse_than_simple(by: float = 0.05) -> Proof:
    """A simple model, fitted to the same rows, is much better on unseen ones."""

    def proof(trained: Trained, seed: int) -> Fact:
        name, best = _best(simple_scores(trained.setting))
        ours = trained.test_score
        return Fact(best - ours >= by, f"unseen rows {ours:.3f}, {name} {best:.3f}")

    return proof


def overfits() -> Proof:
    """Training rows are told far better than unseen ones, and stopping earlier or a simple model is better on these."""

    def proof(trained: Trained, seed: int) -> Fact:
        losses = trained.history.validation_loss or _losses_after_epochs(trained)
        best = int(np.argmin(losses))
        rise = losses[-1] / losses[best]
        gap = trained.training_score - trained.test_score
        early = train(_again(trained, epochs=best + 1))
        with_loss = gn.evaluate(early.net, *trained.setting.test, trained.setting.loss).loss
        without = gn.evaluate(trained.net, *trained.setting.test, trained.setting.loss).loss
        says = f"validation loss ×{rise:.2f} since epoch {best}, training rows {gap:+.3f} above unseen, "
        says += f"unseen loss {without:.3g} → {with_loss:.3g} with {best + 1} epochs"
        rose = rise > 1.15 and gap > 0.03 and with_loss < 0.9 * without
        name, simple = _best(simple_scores(trained.setting))
        says += f", unseen score {trained.test_score:.3f}, {name} {simple:.3f}"
        return Fact(rose or (gap > 0.15 and simple - trained.test_score >= 0.05), says)

    return proof


def _losses_after_epochs(trained: Trained) -> list[float]:
    """Validation losses of the same training, had it watched the unseen rows."""
    setting = replace(trained.setting, validation=trained.setting.test).with_net(trained.start.copy())
    return train(setting).history.validation_loss


def underfits(by: float = 0.05) -> Proof:
    """Not even the rows trained on are told, though a simple model tells unseen ones."""

    def proof(trained: Trained, seed: int) -> Fact:
        name, best = _best(simple_scores(trained.setting))
        on_training, ours = trained.training_score, trained.test_score
        says = f"training rows {on_training:.3f}, unseen {ours:.3f}, {name} {best:.3f}"
        return Fact(best - on_training >= by and best - ours >= by, says)

    return proof


def ignores_a_class() -> Proof:
    """A class is hardly ever found on unseen rows, though a balanced linear model finds it without guessing."""

    def proof(trained: Trained, seed: int) -> Fact:
        from sklearn.linear_model import LogisticRegression
        from sklearn.metrics import balanced_accuracy_score, recall_score
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        setting = trained.setting
        prediction = trained.net.predict(setting.test[0])
        chosen = prediction.argmax(axis=1) if prediction.shape[1] > 1 else (prediction[:, 0] > 0.5).astype(int)
        truth = setting.test[1]
        model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000))
        theirs = model.fit(setting.X, setting.Y).predict(setting.test[0])
        recalls = recall_score(truth, chosen, average=None)
        worst = int(np.argmin(recalls))
        found = float(recall_score(truth, theirs, average=None)[worst])
        ours, balanced = balanced_accuracy_score(truth, chosen), balanced_accuracy_score(truth, theirs)
        says = f"worst class: recall {recalls[worst]:.2f}, balanced model {found:.2f}; "
        says += f"balanced accuracy {ours:.3f}, balanced model {balanced:.3f}"
        return Fact(recalls[worst] < 0.35 and found > recalls[worst] + 0.3 and balanced > ours + 0.02, says)

    return proof


# --- rows --------------------------------------------------------------------------------------------------------


def _shared(X: Array, others: Array) -> float:
    known = {row.tobytes() for row in np.ascontiguousarray(X)}
    return float(np.mean([row.tobytes() in known for row in np.ascontiguousarray(others)]))


def shares_rows(share: float) -> Proof:
    """So many validation rows are rows trained on as well."""

    def proof(trained: Trained, seed: int) -> Fact:
        validation = trained.setting.validation
        found = _shared(trained.setting.X, validation[0]) if isinstance(validation, tuple) else float("nan")
        return Fact(found >= share, f"{found:.1%} of validation rows are trained on")

    return proof


def a_column_leaks() -> Proof:
    """The last column alone tells the target of unseen rows; the others together do not."""

    def proof(trained: Trained, seed: int) -> Fact:
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        setting = trained.setting
        tree = DecisionTreeClassifier() if trained.classes else DecisionTreeRegressor()
        alone = float(tree.fit(setting.X[:, -1:], setting.Y).score(setting.test[0][:, -1:], setting.test[1]))
        _, rest = _best(simple_scores(setting, only=np.arange(setting.X.shape[1] - 1)))
        says = f"the column alone {alone:.4f}, the others {rest:.3f}"
        return Fact(alone >= 0.99 and rest <= alone - 0.01, says)

    return proof


def tells_nothing() -> Proof:
    """No simple model is better on unseen rows than one that looks at no input, by two standard errors."""

    def proof(trained: Trained, seed: int) -> Fact:
        scores = simple_scores(trained.setting)
        truth = trained.setting.test[1]
        chance = float(np.bincount(truth).max() / len(truth)) if trained.classes else 0.0
        _, best = _best(scores)
        error = 2 * np.sqrt(max(chance * (1 - chance), 0.05) / len(truth))
        says = f"unseen rows: without inputs {chance:.3f}, best model {best:.3f}, ours {trained.test_score:.3f}"
        return Fact(best <= chance + error, says)

    return proof


# --- health ------------------------------------------------------------------------------------------------------


def healthy(*, slack: float = 0.03, chance_allowed: bool = False) -> Proof:
    """About as good as the best simple model, no better by cures that come to mind, no overfitting, few dead."""

    def proof(trained: Trained, seed: int) -> Fact:
        setting, ours = trained.setting, trained.test_score
        error = np.sqrt(max(ours * (1 - ours), 0.01) / len(setting.test[1]))
        scores = simple_scores(setting)
        name, best = _best(scores)
        troubles = []
        if ours < best - slack - error:
            troubles.append(f"{name} reaches {best:.3f}")
        if not chance_allowed and best - min(scores.values()) < 0.03:
            troubles.append(f"the best simple model, {best:.3f}, is hardly above chance, {min(scores.values()):.3f}")
        losses = trained.history.validation_loss
        kept = trained.history.best_epoch
        if losses and losses[kept if kept is not None else -1] > 1.15 * min(losses) + 0.01:
            troubles.append(f"validation loss {losses[-1]:.3g}, at best {min(losses):.3g}")
        dead_share = max((float((a <= 0).all(axis=0).mean()) for a in _relus(trained)), default=0.0)
        if dead_share >= 0.5:
            troubles.append(f"{dead_share:.0%} of a layer's units are dead")
        for told, cure in _cures(trained).items():
            after = train(cure).test_score
            if _better(ours, after, told).holds and after - ours > 2 * error:
                troubles.append(f"{told}: {after:.3f}")
        return Fact(not troubles, f"unseen rows {ours:.3f}, {name} {best:.3f}" + "".join(f"; {t}" for t in troubles))

    return proof


def _cures(trained: Trained) -> dict[str, Setting]:
    """Three times the epochs, a third and three times the rate."""
    from glassnet.maths.optimizers import OPTIMIZERS

    given = trained.setting.train
    cures = {"epochs × 3": _again(trained, epochs=3 * given.get("epochs", 20))}
    optimizer = OPTIMIZERS.resolve(given.get("optimizer", "adam"))
    if getattr(optimizer, "learning_rate", None) and not isinstance(optimizer, gn.LBFGS):
        for factor, told in ((3.0, "rate × 3"), (1 / 3, "rate / 3")):
            cures[told] = _again(trained, optimizer=replace(optimizer, learning_rate=optimizer.learning_rate * factor))
    return cures
