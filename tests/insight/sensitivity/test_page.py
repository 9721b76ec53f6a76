"""The page of a sensitivity, in a browser."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.insight.sensitivity import sensitivity

RNG = np.random.default_rng(1)


def of_images(row):
    net = gn.Network(64, [gn.Dense(12, "relu"), gn.Dropout(0.1), gn.Dense(10, "softmax")], seed=0)
    x, y = RNG.random((40, 64)), np.arange(40) % 10
    return sensitivity(net, x, y, row=row, image_shape=(8, 8), last_update=RNG.normal(size=net.layout.size))


def of_a_table():
    net = gn.Network(3, [gn.Dense(1)], seed=0)
    names = ["<b>age</b>", "a very long name of a column that somebody wrote & forgot", "rooms"]
    return sensitivity(net, RNG.normal(size=(9, 3)), RNG.normal(size=9), feature_names=names)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("what", ["row", "mean", "table"])
def test_in_a_browser(see, tmp_path, what, width, dark):
    found = of_a_table() if what == "table" else of_images(3 if what == "row" else None)
    (tmp_path / "page.html").write_text(found.html("Of <this>", top=6), encoding="utf-8")
    seen = see(tmp_path / "page.html", width=width, dark=dark)
    assert seen.troubles() == []
    page = seen.page
    assert page.title() == "Of <this>"
    assert page.locator(".pictures > figure").count() == {"row": 3, "mean": 2, "table": 0}[what]
    for details in page.locator("details").all():
        details.locator("summary").press("Enter")
        assert details.evaluate("e => e.open")
    assert seen.troubles() == []
    if what == "table":
        assert page.locator("th", has_text="<b>age</b>").count() == 1
        assert page.locator("main b").count() == 0


PIXELS = """image => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0);
  return [...pen.getImageData(0, 0, canvas.width, canvas.height).data];
}"""


def pixels(picture):
    """Return red, green, blue and alpha of each pixel: (inputs, 4)."""
    return np.array(picture.evaluate(PIXELS)).reshape(-1, 4)


def test_large_images_make_a_small_page():
    net = gn.Network(200 * 200, [gn.Dense(1)], seed=0)
    found = sensitivity(net, RNG.random((2, 40000)), [0.0, 1.0], row=0, image_shape=(200, 200))
    assert len(found.html().encode()) < 400_000


def test_in_a_notebook_it_is_a_named_frame():
    assert '<iframe title="Sensitivity"' in of_a_table()._repr_html_()


def test_the_picture_is_as_bright_as_the_slope_is_large(see, tmp_path):
    found = of_images(3)
    (tmp_path / "page.html").write_text(found.html(), encoding="utf-8")
    page = see(tmp_path / "page.html").page
    low, high = found.x.min(), found.x.max()
    largest = np.abs(found.input_mean).max()
    row, size, signed = (pixels(picture) for picture in page.locator(".pictures img").all())
    np.testing.assert_allclose(row[:, 0] / 255 * (high - low) + low, found.x, atol=(high - low) / 255)
    np.testing.assert_allclose(size[:, 0] / 255, found.input_magnitude / found.input_magnitude.max(), atol=0.002)
    np.testing.assert_allclose(signed[:, 3] / 255, np.abs(found.input_mean) / largest, atol=0.006)
    clear = np.abs(found.input_mean) > 0.1 * largest
    np.testing.assert_array_equal((signed[:, 2] > signed[:, 0])[clear], (found.input_mean > 0)[clear])
    bars = (
        page.locator("table").first.locator(".bar").evaluate_all("all => all.map(b => b.getBoundingClientRect().width)")
    )
    scaled = np.array([each.scaled for each in found.inputs(20)])
    np.testing.assert_allclose(np.array(bars) / bars[0], scaled / scaled[0], atol=0.01)
