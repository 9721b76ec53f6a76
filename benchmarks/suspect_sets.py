"""Data for `benchmarks.suspects`: rows as a network reads them, with classes or numbers."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

DATA = Path(__file__).parents[2] / "shared" / "data"

SETS: dict[str, int | None] = {
    "digits": None,
    "mnist": 5000,
    "adult": 5000,
    "wine": None,
    "breast_cancer": None,
    "blobs": None,
    "rare": None,
    "california": 5000,
    "diabetes": None,
    "friedman": None,
}
"""The sets, and how many rows of the large ones are taken where not all are asked for."""

NUMBERS = ("california", "diabetes", "friedman")


def rows_of(name: str, m: int | None, seed: int) -> tuple[Array, Array, bool]:
    """Return X (float32), the truth, int64 classes or float32 numbers, and whether rows are images."""
    from sklearn import datasets

    if name == "digits":
        x, y = datasets.load_digits(return_X_y=True)
        x = x / 16
    elif name == "mnist":
        x, y = _idx("images", 16).reshape(-1, 784) / np.float32(255), _idx("labels", 8)
    elif name in ("adult", "california"):
        x, y = _parquet(name)
    elif name == "blobs":
        x, y = datasets.make_classification(
            3000, 20, n_informative=8, n_classes=5, class_sep=1.5, flip_y=0, random_state=seed
        )
    elif name == "rare":
        x, y = datasets.make_classification(
            3000,
            20,
            n_informative=8,
            n_classes=3,
            weights=[0.85, 0.1, 0.05],
            class_sep=1.5,
            flip_y=0,
            random_state=seed,
        )
    elif name == "friedman":
        x, y = datasets.make_friedman1(1500, noise=1.0, random_state=seed)
    else:
        x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    if m is not None and m < len(x):
        some = np.random.default_rng(seed).permutation(len(x))[:m]
        x, y = x[some], y[some]
    image = name in ("digits", "mnist")
    if not image:
        deviation = x.std(axis=0)
        x = (x - x.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    truth = ((y - y.mean()) / y.std()).astype(np.float32) if name in NUMBERS else y.astype(np.int64)
    return np.ascontiguousarray(x, np.float32), truth, image


def confused(x: Array, y: Array) -> Array:
    """Return for each class the one that a logistic regression takes it for most, cross-validated on some rows."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    some = np.random.default_rng(0).permutation(len(x))[:2000]
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    chance = cross_val_predict(model, x[some], y[some], cv=3, method="predict_proba")
    taken = np.stack([chance[y[some] == c].mean(axis=0) for c in range(chance.shape[1])])
    np.fill_diagonal(taken, -1)
    nearest: Array = taken.argmax(axis=1)
    return nearest


def _idx(what: str, offset: int) -> Array:
    with gzip.open(DATA / "mnist" / f"train-{what}-idx{3 if what == 'images' else 1}-ubyte.gz") as file:
        return np.frombuffer(file.read(), np.uint8, offset=offset)


def _parquet(name: str) -> tuple[Array, Array]:
    """Return a table with text columns as one column for each word."""
    import duckdb
    import pandas as pd

    frame: Any = duckdb.connect().execute(f"select * from '{DATA / name}.parquet'").df()
    target = "income" if name == "adult" else "MedHouseVal"
    truth = frame.pop(target)
    y = truth.astype(str).str.contains(">50K").to_numpy() if name == "adult" else truth.to_numpy(np.float64)
    return pd.get_dummies(frame).to_numpy(np.float64), y
