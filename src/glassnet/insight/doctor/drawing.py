"""A diagnosis as a page: findings with their cures, the run's curves, and those of the cures that were run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glassnet.insight.doctor import words
from glassnet.insight.doctor.diagnosis import Diagnosis, Trial
from glassnet.insight.pages import chart, escape, page, prose

if TYPE_CHECKING:
    import plotly.graph_objects as go

_AS_IT_WAS, _CURED = "217, 119, 60", "47, 129, 247"

_STYLE = """
.finding { border-left: 4px solid var(--accent); padding-left: 1rem; margin: 1.5rem 0; }
.finding .source { color: var(--faint); font-size: .9rem; }
"""


def diagnosis_page(found: Diagnosis, title: str) -> str:
    """Return the whole page."""
    body, charts = "", 0
    if found.healthy:
        body += prose(words.healthy_line(found))
    for number, finding in enumerate(found.findings, 1):
        source = f'<p class="source">Source: {escape(finding.source)}</p>\n' if finding.source else ""
        name = finding.name.replace("_", " ")
        body += (
            f'<section class="finding"><h2>{number}. {escape(name[0].upper() + name[1:])}</h2>\n'
            f"{prose(finding.says, f'Cure: {finding.cure}')}{source}</section>\n"
        )
        for trial in found.trials:
            if trial.finding != finding.name:
                continue
            body += prose(f"Tried: {trial.tried}. {trial.says}")
            if trial.loss_after:
                body += chart(_figure(trial), _caption(trial), first=charts == 0, height=380)
                charts += 1
    curve = None if found.signs is None else found.signs.curve
    if curve is not None and curve.finite and not charts:
        body += "<h2>The run</h2>\n"
        losses = tuple(curve.loss.tolist())
        held = () if curve.held_out is None else tuple(curve.held_out.tolist())
        alone = Trial("", "", None, "", losses, (), held, ())
        body += chart(_figure(alone), _caption(alone), first=charts == 0, height=380)
    if found.unseen:
        body += "<h2>Not looked at</h2>\n" + prose(*(f"{each[0].upper()}{each[1:]}." for each in found.unseen))
    lead = "What ails this training, most important first, and the cure."
    return page(title, body, lead=lead, style=_STYLE)


def _caption(trial: Trial) -> str:
    parts = []
    for called, before, after in (
        ("training rows", trial.loss_before, trial.loss_after),
        ("held-out rows", trial.validation_before, trial.validation_after),
    ):
        if before:
            parts.append(f"as it was, {called} end at {before[-1]:.3g}")
        if after:
            parts.append(f"with the cure, {called} end at {after[-1]:.3g}")
    sentence = "; ".join(parts)
    return f"Error of each epoch over that of guessing: {sentence}." if parts else "No curve was kept."


def _figure(trial: Trial) -> go.Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    for name, values, colour, dash in (
        ("as it was, training rows", trial.loss_before, _AS_IT_WAS, "solid"),
        ("as it was, held-out rows", trial.validation_before, _AS_IT_WAS, "dash"),
        ("cured, training rows", trial.loss_after, _CURED, "solid"),
        ("cured, held-out rows", trial.validation_after, _CURED, "dash"),
    ):
        if values:
            figure.add_scatter(
                x=list(range(len(values))),
                y=[value if value > 0 else None for value in values],
                name=name,
                mode="lines+markers" if len(values) < 3 else "lines",
                line={"color": f"rgb({colour})", "dash": dash},
            )
    figure.update_xaxes(title="epoch")
    figure.update_yaxes(title="error over that of guessing", type="log", dtick=1, exponentformat="power")
    figure.update_layout(legend={"orientation": "h", "y": -0.25}, hovermode="x")
    return figure
