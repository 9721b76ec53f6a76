"""Compare suspect rows with cleanlab and Captum on planted errors: the same fitted networks, the same rows.

Run as ``python -m benchmarks.suspects``; a few minutes. ``--all`` takes MNIST, adult and california whole. Labels are
flipped at random or between classes that a logistic regression confuses; targets are shifted by 1 to 3 deviations.
Precision is of as many of the most suspect rows as were planted, where recall is the same number.

cleanlab judges by the probabilities of the same fitted network, as glassnet does without its ledger; for reference also
by those of five networks that were trained anew, each on four fifths of the rows, with the time that this takes, where
there are at most 2,000 and a tenth has errors.
Captum's self-influence is summed over the snapshots of the same run: of the last layer, as TracInCPFast has it, and
with ``--all-layers`` of all of them, which takes longer.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import glassnet as gn
from benchmarks.machine import machine, write
from benchmarks.processes import LeftOutError, Peer, Process
from benchmarks.suspect_sets import NUMBERS, SETS, confused, rows_of
from glassnet.cli.recipe import recipe
from glassnet.training import RunFolder

Array = NDArray[Any]

RESULTS = Path(__file__).parent / "results"
PEERS: dict[str, bool | str] = {
    "cleanlab": True,
    "cleanlab, margin": "classes",
    "cleanlab, outre": "numbers",
    "Captum, last layer": True,
}
"""The peers, and of which truth they judge."""

OF_CLASSES, OF_NUMBERS = ("uniform", "similar"), ("shifted",)
CROSS_VALIDATED = 2000
FOLDS, THREADS = 5, 1  # of small networks, two threads take the peers longer


@dataclass(frozen=True)
class Kind:
    """A kind of network; None leaves what glassnet's command takes."""

    hidden: tuple[int, ...] | None = None
    dropout: float | None = None
    times: float = 1.0
    schedule: str = "cosine"


KINDS = {
    "default": Kind(),
    "wide": Kind(hidden=(512, 256), dropout=0.0, times=2.0, schedule="constant"),
    "small": Kind(hidden=(16,), dropout=0.0, times=0.35),
}


def plant(x: Array, y: Array, how: str, share: float, seed: int) -> tuple[Array, Array]:
    """Return the truth with errors, and which rows they are in."""
    rng = np.random.default_rng([seed, 17])
    bad = np.zeros(len(y), bool)
    bad[rng.permutation(len(y))[: round(share * len(y))]] = True
    if how == "shifted":
        moved = y + rng.choice([-1, 1], len(y)) * rng.uniform(1, 3, len(y)) * y.std()
    elif how == "uniform":
        classes = int(y.max()) + 1
        moved = (y + rng.integers(1, classes, len(y))) % classes
    else:
        moved = confused(x, y)[y]
    return np.where(bad, moved, y), bad


@dataclass(frozen=True)
class Run:
    """A fitted network, its history and the arrays that the peers need."""

    net: gn.Network
    ledger: Any
    seconds: float
    case: dict[str, Any]


def fit(x: Array, y: Array, kind: Kind, *, image: bool, seed: int, folder: str | None) -> Run:
    """Train a network as the command does."""
    numbers = y.dtype.kind == "f"
    plain = recipe(len(x), image, "regression" if numbers else "classification")
    hidden = plain.hidden if kind.hidden is None else kind.hidden
    dropout = plain.dropout if kind.dropout is None else kind.dropout
    layers: list[Any] = []
    for units in hidden:
        layers += [gn.Dense(units, "relu")] + ([gn.Dropout(dropout)] if dropout else [])
    classes = 1 if numbers else int(y.max()) + 1
    layers.append(gn.Dense(1) if numbers else gn.Dense(classes, "softmax"))
    net = gn.Network(x.shape[1], layers, seed=seed)
    start = time.perf_counter()
    history = gn.train(
        net,
        x,
        y,
        plain.loss,
        optimizer=gn.Adam(plain.learning_rate),
        schedule=kind.schedule,
        epochs=max(3, round(kind.times * plain.epochs)),
        batch_size=plain.batch_size,
        checkpoint=folder,
        checkpoint_every=1e9,
        seed=seed,
    )
    seconds = time.perf_counter() - start
    thetas = [] if folder is None else [arrays["theta"] for _, arrays in RunFolder(folder).moments()]
    case = {
        "X": x,
        "y": y,
        "classes": np.array(not numbers),
        "sizes": np.array([x.shape[1], *hidden, classes]),
        "activation": np.array("relu"),
        "thetas": np.array(thetas),
        "prediction": net.predict(x),
    }
    return Run(net, history.ledger, seconds, case)


def measures(scores: Array, bad: Array) -> dict[str, float]:
    """Return precision at the number planted, and the area under the ROC curve."""
    from sklearn.metrics import roc_auc_score

    first = np.argsort(-scores, kind="stable")[: int(bad.sum())]
    return {"precision": float(bad[first].mean()), "auroc": float(roc_auc_score(bad, scores))}


def judge(
    name: str, how: str, share: float, kind: str, seed: int, m: int | None, peers: Process | None
) -> dict[str, Any]:
    """Return what each found in one data set."""
    x, truth, image = rows_of(name, m, seed)
    y, bad = plant(x, truth, how, share, seed)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        run = fit(x, y, KINDS[kind], image=image, seed=seed, folder=f"{folder}/a.run")
        for called, ledger in (("glassnet", run.ledger), ("glassnet, no ledger", None)):
            times = []
            for _ in range(3):
                start = time.perf_counter()
                answer = gn.blame(run.net, x, y, ledger)
                times.append(time.perf_counter() - start)
            found[called] = measures(answer.scores, bad) | {"seconds": min(times), "says": answer.probably_wrong}
            if called == "glassnet" and how != "shifted":
                hits = [each for each in gn.blame(run.net, x, y, ledger, top=int(bad.sum())).suspects if bad[each.row]]
                right = [int(each.suggested) == truth[each.row] for each in hits]
                found[called]["suggested"] = float(np.mean(right)) if right else None
        found["training"] = {"seconds": run.seconds, "planted": int(bad.sum()), "rows": len(x)}
        if peers is not None:
            np.savez(f"{folder}/case.npz", **run.case)
            for peer, judges in PEERS.items():
                if judges in (True, "numbers" if how == "shifted" else "classes"):
                    found[peer] = _ask(peers, peer, folder, bad)
            if kind == "default" and share == 0.1 and len(x) <= CROSS_VALIDATED:
                start = time.perf_counter()
                run.case["prediction"] = cross_validated(x, y, KINDS[kind], image=image, seed=seed)
                seconds = time.perf_counter() - start
                np.savez(f"{folder}/case.npz", **run.case)
                found["cleanlab, five more networks"] = _ask(peers, "cleanlab", folder, bad)
                found["cleanlab, five more networks"]["seconds"] += seconds
    return found


def _ask(peers: Process, peer: str, folder: str, bad: Array) -> dict[str, float]:
    answer = peers.ask(peer, case=f"{folder}/case.npz", into=f"{folder}/scores.npy", threads=THREADS)
    return measures(np.load(f"{folder}/scores.npy"), bad) | {"seconds": answer["seconds"]}


def cross_validated(x: Array, y: Array, kind: Kind, *, image: bool, seed: int) -> Array:
    """Return for each row what a network says that was trained without it."""
    fold = np.random.default_rng(seed).permutation(len(x)) % FOLDS
    out: Array | None = None
    for k in range(FOLDS):
        prediction = fit(x[fold != k], y[fold != k], kind, image=image, seed=seed, folder=None).net.predict(
            x[fold == k]
        )
        out = np.zeros((len(x), prediction.shape[1]), prediction.dtype) if out is None else out
        out[fold == k] = prediction
    assert out is not None
    return out


def middle(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the medians over seeds."""
    return {
        who: {
            what: statistics.median(values)
            for what in runs[0][who]
            if (values := [run[who][what] for run in runs if run[who][what] is not None])
        }
        for who in runs[0]
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--shares", default="0.05,0.1,0.2")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--all", action="store_true", help="MNIST, adult and california whole; hours with --kinds wide")
    parser.add_argument("--all-layers", action="store_true", help="Captum's TracInCP too, which takes long")
    parser.add_argument("--peers", default="/tmp/suspects-env/bin/python", help="interpreter with cleanlab and captum")
    parser.add_argument("--output", type=Path, default=RESULTS / "suspects.json")
    parser.add_argument("--add", action="store_true", help="keep what the file already has of other cases")
    options = parser.parse_args()
    if options.all_layers:
        PEERS["Captum, all layers"] = True
    peer = Peer("peers", "benchmarks.participants.suspect_peers", options.peers, "torch==2.13.0 cleanlab captum")
    cases: list[dict[str, Any]] = []
    if options.add and options.output.exists():
        cases = json.loads(options.output.read_text())["cases"]
    versions = None
    process: Process | None = None
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as running:
        try:
            process = Process(peer, THREADS, scratch)
            running.enter_context(process)
            versions = process.ask("version")["version"]
        except LeftOutError as reason:
            print(f"The peers are left out: {reason}")
            process = None
        warm = np.zeros((40, 2), np.float32)
        gn.blame(gn.Network(2, [gn.Dense(2, "softmax")]), warm, np.arange(40) % 2)  # compiled before it is timed
        for name in options.sets.split(","):
            for kind in options.kinds.split(","):
                for how in OF_NUMBERS if name in NUMBERS else OF_CLASSES:
                    for share in map(float, options.shares.split(",")):
                        m = None if options.all else SETS[name]
                        runs = [judge(name, how, share, kind, seed, m, process) for seed in range(options.seeds)]
                        key = {"set": name, "network": kind, "errors": how, "share": share}
                        case = {**key, "seeds": options.seeds, "found": middle(runs)}
                        cases = [old for old in cases if any(old[k] != key[k] for k in key)] + [case]
                        _print(case)
                        write(options.output, {"machine": machine(), "peers": versions, "cases": cases})
    _conclude(cases)
    print(f"Written to {options.output}.")


def _print(case: dict[str, Any]) -> None:
    found = case["found"]
    rows = f"{found['training']['rows']:,.0f} rows, {found['training']['planted']:,.0f} planted"
    print(f"{case['set']}, {case['network']} network, {case['share']:.0%} {case['errors']}; {rows}")
    for who, values in found.items():
        if "auroc" in values:
            more = f"  labels suggested right {values['suggested']:.0%}" if "suggested" in values else ""
            more += f"  says {values['says']:.0f}" if values.get("says") is not None else ""
            line = f"{values['precision']:.3f}  AUROC {values['auroc']:.3f}  {1e3 * values['seconds']:10.1f} ms{more}"
            print(f"  {who:29s} precision {line}", flush=True)


def _conclude(cases: list[dict[str, Any]]) -> None:
    """Print means over all cases that everybody judged."""
    for errors in sorted({case["errors"] for case in cases}):
        some = [case["found"] for case in cases if case["errors"] == errors]
        print(f"Means over {len(some)} cases of {errors} errors:")
        for who in some[0]:
            values = [found[who] for found in some if who in found and "auroc" in found[who]]
            if len(values) == len(some):
                means = {what: statistics.fmean(v[what] for v in values) for what in ("precision", "auroc", "seconds")}
                figures = f"{means['precision']:.3f}  AUROC {means['auroc']:.3f}  {1e3 * means['seconds']:10.1f} ms"
                print(f"  {who:29s} precision {figures}")


if __name__ == "__main__":
    main()
