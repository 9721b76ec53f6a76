"""The pages in a real browser, in light and dark, wide and narrow."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.insight.landscape import hill, landscape, many_starts
from glassnet.insight.landscape.pictures import Scale, contour, depths
from glassnet.insight.landscape.report import landscape_page

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
Y = np.array([0, 1, 1, 0])

# the software graphics of a headless Chromium grumble about speed; a page can do nothing about it
ABOUT_SPEED = ("willReadFrequently", "GPU stall due to ReadPixels")

SHOWN = [(1280, False), (360, True)]


def troubles(seen):
    seen.page.wait_for_function("() => !document.querySelector('.plotly-graph-div:not(.js-plotly-plot)')")
    return [trouble for trouble in seen.troubles() if not any(words in trouble for words in ABOUT_SPEED)]


@pytest.fixture(scope="module")
def xor():
    net = gn.Network(2, [gn.Dense(2, "tanh"), gn.Dense(1, "sigmoid")], seed=2)
    path = [net.theta.copy()]
    gn.train(
        net,
        X,
        Y,
        "binary_cross_entropy",
        optimizer="adam(0.05)",
        epochs=200,
        callbacks=[lambda event: path.append(event.network.theta.copy())],
    )
    return net, np.array(path)[::10]


@pytest.fixture(scope="module")
def starts(xor):
    return many_starts(xor[0], X, Y, starts=30, epochs=800)


@pytest.mark.parametrize(("width", "dark"), SHOWN)
def test_the_page_of_a_landscape_with_starts(see, tmp_path, xor, starts, width, dark):
    net, path = xor
    land = landscape(net, X, Y, directions="path", path=path, points=15)
    file = tmp_path / "hills.html"
    file.write_text(landscape_page(land, 'Hills of <b>"mine"</b>', starts), encoding="utf-8")
    seen = see(file, width=width, dark=dark)
    assert troubles(seen) == []
    page = seen.page
    assert page.title() == 'Hills of <b>"mine"</b>'
    assert page.locator("figure").count() == 4
    labels = [f.get_attribute("aria-label") for f in page.locator("figure [role=img]").all()]
    assert all(label and len(label) > 40 for label in labels)
    # what Plotly drew are the numbers that were computed
    drawn = page.evaluate("() => document.querySelector('.plotly-graph-div')._fullData[0].z.length")
    assert drawn == 15
    rows = page.locator("table").last.locator("tbody tr")
    assert rows.count() == min(20, len(starts.valleys))
    page.locator("summary").click()
    assert page.locator("details table tbody tr").count() == len(path)
    assert troubles(seen) == []


@pytest.mark.parametrize(("width", "dark"), SHOWN)
def test_the_page_of_the_hill(see, tmp_path, width, dark):
    file = tmp_path / "hill.html"
    file.write_text(hill(points=31).html(), encoding="utf-8")
    seen = see(file, width=width, dark=dark)
    assert troubles(seen) == []
    assert "local basin" in seen.page.locator("main").inner_text()
    names = seen.page.evaluate("() => document.querySelector('.plotly-graph-div')._fullData.map(t => t.name)")
    assert {"descent from the left", "descent from the right"} <= set(names)
    assert seen.page.locator("figure canvas").count() > 0  # the surface came up


@pytest.mark.parametrize(("width", "dark"), SHOWN)
def test_the_page_of_starts_alone(see, tmp_path, starts, width, dark):
    file = tmp_path / "starts.html"
    file.write_text(starts.html(), encoding="utf-8")
    seen = see(file, width=width, dark=dark)
    assert troubles(seen) == []
    assert seen.page.locator("figure").count() == 2


def test_colours_go_by_the_logarithm_where_the_errors_span_much():
    wide, narrow = Scale(np.array([1e-4, 0.1, 10.0])), Scale(np.array([1.0, 2.0, np.inf, np.nan]))
    assert wide.is_log
    np.testing.assert_allclose(wide.height(np.array([1e-4, 10.0])), [-4, 1])
    assert wide.ticks()["ticktext"] == [f"{10.0**k:.3g}" for k in range(-4, 2)]
    assert not narrow.is_log
    assert narrow.ticks() == {}
    assert np.isnan(narrow.height(np.array([np.inf]))).all()
    assert not Scale(np.array([-5.0, 1000.0])).is_log  # an error below 0, as poisson's, has no logarithm
    zero = Scale(np.array([0.0, 1.0]))
    assert zero.height(np.array([0.0, 1.0])).tolist() == [-9, 0]


def test_the_map_shows_weights_at_their_values(xor):
    net, path = xor
    land = landscape(net, X, Y, directions=("0:0,0", "1:1,0"), path=path, points=5)
    figure = contour(land)
    star = next(trace for trace in figure.data if trace.name == "trained weights")
    assert star.x[0] == pytest.approx(float(net.weights[0][0, 0]))
    assert star.y[0] == pytest.approx(float(net.weights[1][1, 0]))
    heat = figure.data[0]
    assert heat.z[1][3] == pytest.approx(Scale(np.append(land.loss, land.walks[0].loss)).height(land.loss)[3, 1])


def test_the_bars_hold_every_start_once(starts):
    assert sum(sum(bar.y) for bar in depths(starts).data) == len(starts.seeds)
