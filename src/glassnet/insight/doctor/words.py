"""What a diagnosis says, in few words for a terminal."""

from __future__ import annotations

from glassnet.insight.doctor.diagnosis import Diagnosis, Trial

_BLOCKS = "▁▂▃▄▅▆▇█"


def text(found: Diagnosis) -> str:
    """Return the findings with their cures, or the one line of a healthy training."""
    lines = [healthy_line(found)] if found.healthy else []
    for number, finding in enumerate(found.findings, 1):
        lines.append(f"{number}. {finding.says}")
        lines.append(f"   Cure: {finding.cure}")
        for trial in found.trials:
            if trial.finding == finding.name:
                lines += [f"   {line}" for line in trial_lines(trial)]
    if found.caveat:
        lines.append(f"Note: {found.caveat}")
    return "\n".join(lines)


def healthy_line(found: Diagnosis) -> str:
    """Return the line of a training that nothing ails, with the numbers behind it."""
    parts = []
    for key, called in (("training", "of the training rows"), ("held_out", "of the held-out rows")):
        if f"{key}_accuracy" in found.figures:
            parts.append(f"{found.figures[f'{key}_accuracy']:.1%} {called} right")
        elif f"{key}_skill" in found.figures:
            parts.append(f"{found.figures[f'{key}_skill']:.1%} of the error of guessing gone on {called[3:]}")
    dead = found.figures.get("dead_units", 0)
    parts.append("no dead units" if not dead else f"{dead} dead unit{'s' * (dead > 1)}")
    return f"Nothing ails this training: {', '.join(parts)}."


def trial_lines(trial: Trial) -> list[str]:
    """Return what a cure brought, with small drawings of the curves."""
    lines = [f"Tried: {trial.tried}. {trial.says}"]
    top = max([value for value in (*trial.loss_before, *trial.loss_after) if value == value], default=1.0)
    for called, before, after in (
        ("training rows", trial.loss_before, trial.loss_after),
        ("held-out rows", trial.validation_before, trial.validation_after),
    ):
        if before or after:
            if called == "held-out rows":
                top = max([value for value in (*before, *after) if value == value], default=1.0)
            lines.append(f"  {called:<14} as it was  {spark(before, top)} {last(before)}")
            lines.append(f"  {'':<14} cured      {spark(after, top)} {last(after)}")
    return lines


def spark(values: tuple[float, ...], top: float, width: int = 30) -> str:
    """Return a curve as a line of blocks, evened to a width."""
    if not values:
        return "–"
    n = min(width, len(values))
    picked = [values[round(i * (len(values) - 1) / max(1, n - 1))] for i in range(n)]
    drawn = []
    for value in picked:
        share = value / top if top > 0 else 0.0
        drawn.append("×" if not share < float("inf") else _BLOCKS[min(7, max(0, int(share * 8)))])
    return "".join(drawn)


def last(values: tuple[float, ...]) -> str:
    """Return the last value in a few digits."""
    return f"{values[-1]:.4g}" if values else "–"
