"""Influence receipts: what each method predicts for removed rows beside what retraining without them gives.

Run as ``python -m benchmarks.influence``. For each data set, network and optimizer, some held-out rows are questioned
(by the size of their error: the second largest, the 95th and the 80th percentile). For each, the most helpful rows, the
most harmful ones and random draws are taken out and the run is taken again. ``over_rows`` is Spearman's correlation of
predicted and actual change of error over all held-out rows, for one removal of chosen rows; ``by_chance`` is the same
prediction against what removing random rows did; ``over_removals`` is the correlation over all removals for the
questioned row, and ``over_draws`` that over the random draws alone: means over the questions. ``chosen_ratio`` is the
actual over the predicted change for the chosen rows, the median. Seconds are those of one question without receipts.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import glassnet as gn
from benchmarks.machine import machine, write

Array = NDArray[Any]
Rows = tuple[Array, Array, Array, Array]

RESULTS = Path(__file__).parent / "results"
SHARED = Path(__file__).parents[2] / "shared" / "data"
METHODS = ("unrolled", "exact", "tracin", "last_layer")


def digits() -> Rows:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return _divided(X / 16, y, 1438)


def made() -> Rows:
    from sklearn.datasets import make_classification

    X, y = make_classification(3000, 20, n_informative=8, n_classes=3, flip_y=0.1, random_state=0)
    return _divided((X - X.mean(axis=0)) / X.std(axis=0), y, 2000)


def california() -> Rows:
    table = gn.open_source(str(SHARED / "california.parquet"), target="MedHouseVal")
    X, y = table.inputs.astype(float), table.targets.astype(float)
    return _divided((X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std(), 2000, 3000)


def mnist() -> Rows:
    def read(name: str, skip: int) -> Array:
        (file,) = (SHARED / "mnist").glob(f"*{name}*")
        return np.frombuffer(gzip.decompress(file.read_bytes()), np.uint8, offset=skip)

    X, y = read("train-images", 16).reshape(-1, 784) / 255, read("train-labels", 8).astype(int)
    return _divided(X, y, 10_000, 12_000)


def _divided(X: Array, y: Array, m: int, n: int | None = None) -> Rows:
    order = np.random.default_rng(5).permutation(len(X))[:n]
    X, y = X[order], y[order]
    return X[:m], y[:m], X[m:], y[m:]


SOFTMAX, NUMBER = [gn.Dense(10, "softmax")], [gn.Dense(1)]
RUNS: dict[str, dict[str, Any]] = {
    "digits 64-32-10 tanh, adam": {
        "rows": digits,
        "layers": [gn.Dense(32, "tanh"), *SOFTMAX],
        "train": {"optimizer": gn.Adam(2e-3), "schedule": "cosine", "epochs": 10, "batch_size": 32},
    },
    "digits 64-32-10 relu, sgd with momentum": {
        "rows": digits,
        "layers": [gn.Dense(32, "relu"), *SOFTMAX],
        "train": {"optimizer": gn.SGD(0.05, momentum=0.9), "schedule": "cosine", "epochs": 20, "batch_size": 32},
    },
    "digits 64-64-32-10 relu, dropout 0.3, adam": {
        "rows": digits,
        "layers": [gn.Dense(64, "relu"), gn.Dropout(0.3), gn.Dense(32, "relu"), gn.Dropout(0.3), *SOFTMAX],
        "train": {"optimizer": gn.Adam(2e-3), "schedule": "cosine", "epochs": 20, "batch_size": 32},
    },
    "made table 20-64-64-3 relu, adam": {
        "rows": made,
        "layers": [gn.Dense(64, "relu"), gn.Dense(64, "relu"), gn.Dense(3, "softmax")],
        "train": {"optimizer": gn.Adam(1e-3), "schedule": "cosine", "epochs": 10, "batch_size": 32},
    },
    "california 8-32-1 tanh, adamw": {
        "rows": california,
        "layers": [gn.Dense(32, "tanh"), *NUMBER],
        "loss": "squared_error",
        "train": {"optimizer": gn.AdamW(3e-3), "epochs": 10, "batch_size": 32},
    },
    "mnist 10,000 rows 784-64-10 relu, adam": {
        "rows": mnist,
        "layers": [gn.Dense(64, "relu"), *SOFTMAX],
        "train": {"optimizer": gn.Adam(1e-3), "schedule": "cosine", "epochs": 3, "batch_size": 64},
        "count": 100,
    },
}


def measure(name: str, questions: int, draws: int, methods: tuple[str, ...], folder: Path) -> dict[str, Any]:
    """Return what each method achieves on one run."""
    plan = RUNS[name]
    X, y, Xv, yv = plan["rows"]()
    net = gn.Network(X.shape[1], plan["layers"], seed=0)
    loss, place = plan.get("loss", "cross_entropy"), folder / f"{abs(hash(name))}.run"
    began = time.perf_counter()
    gn.train(net, X, y, loss, validation=(Xv, yv), checkpoint=place, ledger=False, **plan["train"])
    seconds = time.perf_counter() - began
    replay = gn.Replay(place, X, y, validation=(Xv, yv))
    errors = np.array([float(net.backprop(Xv[[i]], yv[[i]], loss).loss) for i in range(len(Xv))])
    at = np.argsort(-errors)[[1, len(errors) // 20, len(errors) // 5]][:questions]
    found = {}
    for method in methods:
        proofs, times = [], []
        for row in at:
            began = time.perf_counter()
            gn.influence(replay, validation_row=int(row), method=method)
            times.append(time.perf_counter() - began)
            prove = plan.get("count", 50)
            proofs.append(gn.influence(replay, validation_row=int(row), method=method, prove=prove, draws=draws).proof)
        found[method] = _summary(proofs) | {"seconds": round(float(np.median(times)), 2)}
        print(f"{name:45s} {method:11s}", found[method], flush=True)
    about = {"run": name, "questions": len(at), "draws": draws, "steps": replay.steps}
    return {**about, "training_seconds": round(seconds, 2), "methods": found}


def _summary(proofs: list[Any]) -> dict[str, float]:
    chosen = [each for proof in proofs for each in proof.removals if each.kind != "random"]
    random = [abs(each.actual) for proof in proofs for each in proof.removals if each.kind == "random"]
    return {
        "over_rows": _mean([each.rank for each in chosen]),
        "by_chance": _mean([each.chance for each in chosen]),
        "over_removals": _mean([proof.rank for proof in proofs]),
        "over_draws": _mean([proof.rank_of_draws for proof in proofs]),
        "chosen_over_random": round(float(np.mean([abs(each.actual) for each in chosen]) / np.mean(random)), 1),
        "chosen_ratio": round(float(np.median([each.actual / each.predicted for each in chosen])), 3),
    }


def _mean(values: list[float | None]) -> float:
    return round(float(np.mean([value for value in values if value is not None])), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=3)
    parser.add_argument("--draws", type=int, default=12)
    parser.add_argument("--only", nargs="*", default=[], help="words that the runs' names must contain")
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--output", type=Path, default=RESULTS / "influence.json")
    options = parser.parse_args()
    names = [name for name in RUNS if all(word in name for word in options.only)]
    with tempfile.TemporaryDirectory() as folder:
        plan = (options.questions, options.draws, tuple(options.methods), Path(folder))
        for name in names:
            found = measure(name, *plan)
            kept = json.loads(options.output.read_text(encoding="utf-8"))["results"] if options.output.exists() else []
            others = [each for each in kept if each["run"] != name]
            write(options.output, {"machine": machine(), "results": [*others, found]})


if __name__ == "__main__":
    main()
