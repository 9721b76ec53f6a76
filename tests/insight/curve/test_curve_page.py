"""The page of a learning curve, in a browser."""

import dataclasses

import numpy as np
import pytest

from glassnet.insight.curve.curve import LearningCurve, Measure
from glassnet.insight.curve.power_law import LEVEL, project
from glassnet.insight.curve.resampling import resampled_means

N = (20, 40, 80, 160, 320)


def measure(name, is_share, scale, c, training):
    chance = np.random.default_rng(0)
    truth = scale * (0.02 + 3 * np.array(N, float) ** -c)
    errors = truth[:, None, None] * chance.gamma(100, 0.01, (5, 6, 1)) * chance.gamma(50, 0.02, (5, 6, 200))
    resampled = resampled_means(errors, np.ones(200), root=False, seed=0, level=LEVEL)
    figures = errors.mean(axis=-1)
    return Measure(name, is_share, figures, figures * training, project(np.array(N), figures, resampled))


def curve(**changes):
    made = LearningCurve(
        sizes=N,
        seeds=tuple(range(6)),
        epochs=(60, 30, 20, 20, 20),
        rows_held_out=200,
        loss=measure("cross_entropy", False, 2.0, 0.7, 0.1),
        error=measure("share of rows mistaken", True, 0.3, 0.6, 0.0),
        r2_scale=None,
        diverged=(),
        interrupted=False,
        seconds=12.3,
    )
    return dataclasses.replace(made, **changes)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1280])
def test_in_a_browser(see, tmp_path, width, dark):
    found = curve(diverged=((40, 2, "<b>inf</b>"),))
    (tmp_path / "page.html").write_text(found.html("Curve of <file> & more"), encoding="utf-8")
    seen = see(tmp_path / "page.html", width=width, dark=dark)
    page = seen.page
    page.wait_for_selector(".plotly-graph-div .main-svg")
    assert seen.troubles() == []
    assert page.title() == "Curve of <file> & more"
    assert page.locator(".plotly-graph-div").count() == 2
    assert page.locator("tbody tr").count() == len(N)
    assert page.locator("main b").count() == 0
    says = page.locator(".says p")
    assert says.count() == 2
    assert "twice the rows would bring" in says.nth(1).inner_text()
    label = page.locator("figure [role=img]").first.get_attribute("aria-label")
    assert label == page.locator("figcaption").first.inner_text()
    assert f"at {N[0]} rows" in label
    assert "drawn at its lower edge" in label  # the training error is 0


def test_what_is_drawn_is_what_was_measured(see, tmp_path):
    found = curve()
    (tmp_path / "page.html").write_text(found.html(), encoding="utf-8")
    page = see(tmp_path / "page.html", width=1280).page
    page.wait_for_selector(".plotly-graph-div .main-svg")
    traces = page.evaluate(
        """() => [...document.querySelectorAll('.plotly-graph-div')].map(chart => Object.fromEntries(
            chart.data.filter(t => t.name).map(t => [t.name, {x: [...t.x], y: [...t.y]}])))"""
    )
    for drawn, measured in zip(traces, (found.error, found.loss), strict=True):
        assert drawn["held-out rows"]["x"] == list(N)
        np.testing.assert_allclose(drawn["held-out rows"]["y"], measured.held_out.mean(axis=1))
        expected = measured.projection.trusted
        assert drawn["expected of more rows"]["x"] == [each.rows for each in expected]
        np.testing.assert_allclose(drawn["expected of more rows"]["y"], [each.value for each in expected])


def test_a_curve_with_holes_and_without_a_law(see, tmp_path):
    found = curve(interrupted=True)
    hollow = found.error.held_out.copy()
    hollow[0] = hollow[2, 1:] = np.nan
    error = dataclasses.replace(
        found.error, held_out=hollow, projection=project(np.array(N), hollow[:, :0], np.empty((0, 5)))
    )
    found = dataclasses.replace(found, error=error)
    (tmp_path / "page.html").write_text(found.html(), encoding="utf-8")
    seen = see(tmp_path / "page.html", width=360)
    seen.page.wait_for_selector(".plotly-graph-div .main-svg")
    assert seen.troubles() == []
    assert "cannot be told" in seen.page.locator(".says").inner_text()
    assert "Interrupted:" in seen.page.locator("main").inner_text()


def test_in_a_notebook_it_is_a_named_frame():
    assert '<iframe title="Learning curve"' in curve()._repr_html_()
