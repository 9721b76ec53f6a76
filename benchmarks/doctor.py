"""What the doctor misses and what it invents: the catalogue of sick and healthy trainings, each trained and examined.

Run as ``python -m benchmarks.doctor``. A sick training counts as told when, of each set of names that it must hear, one
is among the first two findings. Any name that is neither expected nor tolerated is an invention; on a healthy training
nearly every name is one. ``--verify`` asks no doctor: it proves of each case, by retraining, brute force and
scikit-learn's models, that it is as sick or as healthy as it is held to be.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.machine import machine, write
from glassnet.errors import GlassnetError

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "insight" / "doctor"))

from catalogue import Case, Verdict, cases, judge, seed_of, verify


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verify", action="store_true", help="prove the cases, and ask no doctor")
    parser.add_argument("--seeds", type=int, default=1, help="how often each case is made, from other seeds")
    parser.add_argument("--case", default="", help="only cases whose name has this in it")
    parser.add_argument("--kind", choices=("sick", "healthy"), help="only these")
    parser.add_argument("--quick", action="store_true", help="only the cases that the default tests run")
    parser.add_argument("--output", type=Path, help="where the result is written as JSON")
    options = parser.parse_args()
    chosen = [
        (case, seed_of(case, number))
        for number in range(options.seeds)
        for case in cases(quick=options.quick)
        if options.case in case.name and options.kind in (None, "sick" if case.sick else "healthy")
    ]
    if options.verify:
        sys.exit(_verify(chosen))
    _examine(chosen, options.output)


def _verify(chosen: list[tuple[Case, int]]) -> int:
    """Print each proof; return how many do not hold."""
    wrong = 0
    for case, seed in chosen:
        fact = verify(case, seed)
        wrong += not fact.holds
        kind = "sick" if case.sick else "healthy"
        print(f"{'proved' if fact.holds else 'NOT PROVED':10} {kind:7} {case.name} ({seed}): {fact.says}", flush=True)
    print(f"{len(chosen) - wrong} of {len(chosen)} are what they are held to be.")
    return wrong


def _examine(chosen: list[tuple[Case, int]], output: Path | None) -> None:
    verdicts: list[tuple[Verdict, int]] = []
    failures: list[str] = []
    began = time.perf_counter()
    for case, seed in chosen:
        with TemporaryDirectory() as folder:
            try:
                verdict = judge(case, seed, Path(folder) / "run")
            except (GlassnetError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                failures.append(f"{case.name} ({seed}): {type(error).__name__}: {error}")
                continue
        verdicts.append((verdict, seed))
    print(_table(verdicts))
    for failure in failures:
        print(f"The doctor broke down: {failure}")
    print(_totals(verdicts, failures))
    print(f"{len(chosen)} trainings and examinations in {time.perf_counter() - began:.0f} s.")
    if output is not None:
        rows = [_row(verdict, seed) for verdict, seed in verdicts]
        write(output, {"machine": machine(), "cases": rows, "failures": failures})
        print(f"Written to {output}.")


def _row(verdict: Verdict, seed: int) -> dict[str, Any]:
    case = verdict.case
    return {
        "case": case.name,
        "seed": seed,
        "must": [sorted(names) for names in case.must],
        "found": list(verdict.found),
        "missed": [sorted(names) for names in verdict.missed],
        "invented": list(verdict.invented),
        "harmful": list(verdict.harmful),
    }


def _table(verdicts: list[tuple[Verdict, int]]) -> str:
    lines = []
    for verdict, seed in verdicts:
        if verdict.right:
            continue
        told = [f"misses {' or '.join(sorted(names))}" for names in verdict.missed]
        told += [f"invents {', '.join(verdict.invented)}"] if verdict.invented else []
        told += [f"HARMFUL {', '.join(verdict.harmful)}"] if verdict.harmful else []
        kind = "sick" if verdict.case.sick else "healthy"
        said = ", ".join(verdict.found) or "nothing"
        lines.append(f"{kind:7} {verdict.case.name} ({seed}): {'; '.join(told)}\n          said: {said}")
    return "\n".join(lines)


def _totals(verdicts: list[tuple[Verdict, int]], failures: list[str]) -> str:
    sick = [verdict for verdict, _ in verdicts if verdict.case.sick]
    healthy = [verdict for verdict, _ in verdicts if not verdict.case.sick]
    missed = Counter(" or ".join(sorted(names)) for verdict in sick for names in verdict.missed)
    invented = Counter(name for verdict, _ in verdicts for name in verdict.invented)
    besides = sum(bool(v.invented) for v in sick)
    harmful = sum(bool(v.harmful) for v, _ in verdicts)
    silent, invents = sum(not v.found for v in healthy), sum(bool(v.invented) for v in healthy)
    told = sum(not v.missed for v in sick)
    lines = [
        f"sick:    {told} of {len(sick)} told, {besides} with an invention besides",
        f"healthy: {silent} of {len(healthy)} silent, {invents} with an invention",
        f"in the wrong direction: {harmful}; broke down: {len(failures)}",
        "missed:   " + (", ".join(f"{name} {count}×" for name, count in missed.most_common()) or "nothing"),
        "invented: " + (", ".join(f"{name} {count}×" for name, count in invented.most_common()) or "nothing"),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
