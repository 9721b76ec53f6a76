"""The page, looked at in a browser."""

import dataclasses

import numpy as np
import pytest
from sklearn.datasets import load_digits

import glassnet as gn

from .runs import blobs, run_of

EVIL = '<script>alert("x")</script>&\0'


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    X, y = load_digits(return_X_y=True)
    X, y = X[:400] / 16, y[:400]
    folder = tmp_path_factory.mktemp("images") / "a.run"
    layers = [gn.Dense(8, "relu"), gn.Dense(10, "softmax")]
    replay, _ = run_of(folder, layers, X[:300], y[:300], epochs=3, batch_size=32, validation=(X[300:], y[300:]))
    return gn.influence(replay, validation_row=1, prove=10, draws=10, image_shape=(8, 8))


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (360, True)])
def test_images_and_receipts(images, see, tmp_path, width, dark):
    place = tmp_path / "page.html"
    place.write_text(images.html("Influence on row 1", 10), encoding="utf-8")
    seen = see(place, width=width, dark=dark)
    assert seen.troubles() == []
    page = seen.page
    assert page.title() == "Influence on row 1"
    assert page.locator("h2").all_inner_texts() == ["Helpful", "Harmful", "Receipts", "How it was computed"]
    assert page.locator("ul.rows").count() == 2
    assert page.locator("ul.rows img").count() == 20
    alts = page.locator("img").evaluate_all("all => all.map(one => one.alt)")
    assert all(alts)
    first = images.helpful(1)[0]
    assert alts[1] == f"Row {first.row}, {first.truth}"
    assert page.locator("tbody tr").count() == 20 + 12
    for region in page.locator("[role=region]").all():
        assert region.get_attribute("tabindex") == "0"
        assert region.get_attribute("aria-label")


def test_names_from_the_data_are_only_text(tmp_path, see):
    X, y = blobs(40)
    replay, _ = run_of(tmp_path / "a.run", [gn.Dense(3, "softmax")], X, y, epochs=2, batch_size=8)
    found = gn.influence(replay, row=1, class_names=[EVIL, "b", "c"])
    place = tmp_path / "page.html"
    place.write_text(found.html(EVIL), encoding="utf-8")
    assert "<script>alert" not in place.read_text(encoding="utf-8")
    assert "\0" not in str(found)
    assert see(place).troubles() == []
    assert "srcdoc" in found._repr_html_()


def test_nothing_did_anything(tmp_path):
    X, y = blobs(40)
    replay, _ = run_of(tmp_path / "a.run", [gn.Dense(3, "softmax")], X, y, epochs=1, batch_size=8)
    found = dataclasses.replace(gn.influence(replay, row=1), without=np.zeros(40))
    assert "No training row did anything" in str(found)
    assert "None." in found.html()
