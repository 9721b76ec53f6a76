"""Rows to train on: small samples of real tables and pictures, and of tables whose truth is known.

Knows scikit-learn, NumPy and the shared folder of data; nothing of the doctor. Every sample is cut by a seed into rows
to train on, rows to validate with, and rows that neither training nor the doctor ever sees.
"""

from __future__ import annotations

import functools
import gzip
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets

Array = NDArray[Any]
SHARED = Path(__file__).parents[4] / "shared" / "data"


@dataclass(frozen=True)
class Rows:
    """Rows to train on, to validate with, and unseen ones to judge by."""

    X: Array
    Y: Array
    Xv: Array
    Yv: Array
    Xt: Array
    Yt: Array

    def mapped(self, inputs: Callable[[Array], Array]) -> Rows:
        return replace(self, X=inputs(self.X), Xv=inputs(self.Xv), Xt=inputs(self.Xt))

    def aimed(self, targets: Callable[[Array], Array]) -> Rows:
        return replace(self, Y=targets(self.Y), Yv=targets(self.Yv), Yt=targets(self.Yt))

    def standard(self) -> Rows:
        """Columns of mean 0 and deviation 1, by the rows to train on."""
        mean, deviation = self.X.mean(axis=0), self.X.std(axis=0)
        return self.mapped(lambda x: (x - mean) / np.where(deviation > 0, deviation, 1))

    def standard_target(self) -> Rows:
        mean, deviation = self.Y.mean(axis=0), self.Y.std(axis=0)
        return self.aimed(lambda y: (y - mean) / deviation)

    def with_column(self, column: Callable[[Array, Array], Array]) -> Rows:
        """One more column, made of inputs and targets."""

        def wider(x: Array, y: Array) -> Array:
            return np.column_stack([x, column(x, y)])

        return replace(self, X=wider(self.X, self.Y), Xv=wider(self.Xv, self.Yv), Xt=wider(self.Xt, self.Yt))

    def permuted(self, seed: int) -> Rows:
        """Targets dealt out anew, so that they have nothing to do with the inputs."""
        rng = np.random.default_rng([seed, 5])
        return self.aimed(lambda y: rng.permutation(y))


def cut(X: Array, Y: Array, seed: int, train: int, held: int) -> Rows:
    """Rows in a new order; what is neither trained on nor held out stays unseen."""
    order = np.random.default_rng([seed, 1]).permutation(len(X))[: train + held + 1500]
    a, b, c = order[:train], order[train : train + held], order[train + held :]
    return Rows(X[a], Y[a], X[b], Y[b], X[c], Y[c])


# --- pictures ----------------------------------------------------------------------------------------------------


def digits(seed: int, train: int = 1000, held: int = 300) -> Rows:
    X, y = datasets.load_digits(return_X_y=True)
    return cut(X / 16, y, seed, train, held)


def three_or_seven(seed: int) -> Rows:
    X, y = datasets.load_digits(return_X_y=True)
    some = (y == 3) | (y == 7)
    return cut(X[some] / 16, (y[some] == 7).astype(int), seed, 200, 80)


@functools.cache
def _mnist() -> tuple[Array, Array]:
    folder = SHARED / "mnist"
    found = []
    for part, skip in (("t10k-images", 16), ("t10k-labels", 8)):
        (file,) = folder.glob(f"*{part}*")
        found.append(np.frombuffer(gzip.decompress(file.read_bytes()), np.uint8, offset=skip))
    return found[0].reshape(-1, 784), found[1].astype(int)


def mnist(seed: int, train: int = 1500, held: int = 400) -> Rows:
    """Pixels as they come, from 0 to 255."""
    X, y = _mnist()
    return cut(X.astype(float), y, seed, train, held)


# --- tables that come with scikit-learn --------------------------------------------------------------------------


def breast_cancer(seed: int, train: int = 350, held: int = 110) -> Rows:
    return cut(*datasets.load_breast_cancer(return_X_y=True), seed, train, held)


def wine(seed: int) -> Rows:
    return cut(*datasets.load_wine(return_X_y=True), seed, 100, 40)


def iris(seed: int, train: int = 80) -> Rows:
    return cut(*datasets.load_iris(return_X_y=True), seed, train, 35)


def diabetes(seed: int, train: int = 260, held: int = 90) -> Rows:
    X, y = datasets.load_diabetes(return_X_y=True, scaled=False)
    return cut(X, y, seed, train, held)


# --- tables of the shared folder ---------------------------------------------------------------------------------


@functools.cache
def _table(name: str) -> Any:
    import duckdb

    return duckdb.sql(f"select * from '{SHARED / name}'").df()


def california(seed: int, train: int = 1200, held: int = 400) -> Rows:
    """Eight numbers as they come; the target is the median price in 100,000 dollars."""
    table = _table("california.parquet")
    y = table["MedHouseVal"].to_numpy(float)
    return cut(table.drop(columns="MedHouseVal").to_numpy(float), y, seed, train, held)


def adult(seed: int, train: int = 1500, held: int = 500) -> Rows:
    """Words one-hot, numbers standardised; whether the income is above 50,000."""
    import pandas as pd

    table = _table("adult.parquet").sample(6000, random_state=seed)
    y = table["income"].astype(str).str.contains(">").to_numpy(int)
    table = table.drop(columns=["income"])
    words = [name for name in table.columns if not pd.api.types.is_numeric_dtype(table[name])]
    numbers = table.drop(columns=words)
    numbers = (numbers - numbers.mean()) / numbers.std()
    X = np.column_stack([numbers.to_numpy(float), pd.get_dummies(table[words].astype(str)).to_numpy(float)])
    return cut(X, y, seed, train, held)


# --- tables whose truth is known ---------------------------------------------------------------------------------


def table(seed: int, train: int = 800, held: int = 300, **settings: Any) -> Rows:
    """`make_classification`, with columns of about deviation 1 to 2."""
    settings = {"n_features": 12, "n_informative": 6, "n_redundant": 2, "class_sep": 1.2, "flip_y": 0.0} | settings
    X, y = datasets.make_classification(train + held + 1500, random_state=seed, **settings)
    return cut(X, y, seed, train, held)


def moons(seed: int, noise: float, train: int = 400, held: int = 200) -> Rows:
    return cut(*datasets.make_moons(train + held + 1500, noise=noise, random_state=seed), seed, train, held)


def circles(seed: int, train: int = 500, held: int = 200) -> Rows:
    X, y = datasets.make_circles(train + held + 1500, noise=0.08, factor=0.5, random_state=seed)
    return cut(X, y, seed, train, held)


def blobs(seed: int, classes: int, train: int = 800, held: int = 300) -> Rows:
    X, y = datasets.make_blobs(train + held + 1500, 5, centers=classes, cluster_std=1.5, random_state=seed)
    return cut(X, y, seed, train, held).standard()


def friedman(seed: int, noise: float = 1.0, train: int = 600, held: int = 250, columns: int = 10) -> Rows:
    X, y = datasets.make_friedman1(train + held + 1500, columns, noise=noise, random_state=seed)
    return cut(X, y, seed, train, held)


def line(seed: int, noise: float, train: int = 500, held: int = 200, columns: int = 8) -> Rows:
    """A linear truth of variance 1 and noise of the deviation given."""
    rng = np.random.default_rng([seed, 2])
    X = rng.normal(size=(train + held + 1500, columns))
    way = rng.normal(size=columns)
    y = X @ (way / np.linalg.norm(way)) + noise * rng.normal(size=len(X))
    return cut(X, y, seed, train, held)


def unbalanced(seed: int, share: float, apart: float, train: int = 1000, held: int = 500, columns: int = 6) -> Rows:
    """Two clouds, of which the second is rare; `apart` is the distance of their centres in deviations."""
    rng = np.random.default_rng([seed, 3])
    n = train + held + 1500
    y = (rng.random(n) < share).astype(int)
    y[np.random.default_rng([seed, 1]).permutation(n)[:2]] = 1  # however rare, the first rows to train on have some
    way = np.ones(columns) / np.sqrt(columns)
    return cut(rng.normal(size=(n, columns)) + apart * y[:, None] * way, y, seed, train, held)


def noise_only(seed: int, classes: int = 2, train: int = 500, held: int = 300, columns: int = 10) -> Rows:
    rng = np.random.default_rng([seed, 4])
    n = train + held + 1500
    return cut(rng.normal(size=(n, columns)), rng.integers(0, classes, n), seed, train, held)
