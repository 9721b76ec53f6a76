"""The page of suspect rows, in a browser."""

import numpy as np
import pytest

import glassnet as gn

RNG = np.random.default_rng(1)


def of_images():
    x, y = RNG.random((60, 64)), np.arange(60) % 10
    net = gn.Network(64, [gn.Dense(12, "relu"), gn.Dense(10, "softmax")], seed=0)
    ledger = gn.train(net, x, y, "cross_entropy", epochs=4).ledger
    return gn.blame(net, x, y, ledger, held_out=(x[:9], y[::-1][:9]), image_shape=(8, 8), top=6), x


def of_a_table():
    x, y = RNG.normal(size=(60, 3)), np.arange(60) % 2
    net = gn.Network(3, [gn.Dense(2, "softmax")], seed=0)
    names = ["<b>age</b>", "a very long name of a column that somebody wrote & forgot", "rooms"]
    ledger = gn.train(net, x, y, "cross_entropy", epochs=4).ledger
    return gn.blame(net, x, y, ledger, feature_names=names, class_names=["<i>yes</i>", "no" * 40], top=6), x


def of_numbers():
    x, y = RNG.normal(size=(60, 3)), RNG.normal(size=60) * 1e6
    net = gn.Network(3, [gn.Dense(1)], seed=0)
    return gn.blame(net, x, y, gn.train(net, x, y, "squared_error", epochs=2).ledger, top=6), x


CASES = {"images": of_images, "table": of_a_table, "numbers": of_numbers}


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("what", CASES)
def test_in_a_browser(see, tmp_path, what, width, dark):
    found, _ = CASES[what]()
    (tmp_path / "page.html").write_text(found.html("Of <this>"), encoding="utf-8")
    seen = see(tmp_path / "page.html", width=width, dark=dark)
    assert seen.troubles() == []
    page = seen.page
    assert page.title() == "Of <this>"
    cards = page.locator(".cards").first.locator(".card")
    assert cards.count() == len(found.suspects) == 6
    assert [h.inner_text() for h in cards.locator("h3").all()] == [f"Row {each.row}" for each in found.suspects]
    assert page.locator("main i").count() == 0
    for each in page.locator("img").all():
        assert "as an image; it says" in each.get_attribute("alt")
    assert (page.locator("img").count() > 0) == (what == "images")


def test_other_lists_are_folded_and_repeat_no_picture(see, tmp_path):
    found, _ = of_images()
    (tmp_path / "page.html").write_text(found.html(), encoding="utf-8")
    page = see(tmp_path / "page.html", width=360).page
    assert page.locator("img").count() == len(found.suspects) + len(found.held_out)
    folded = page.locator("details:not([open])")
    assert folded.count() >= 2
    folded.first.locator("summary").click()
    assert page.locator("details[open] table").first.is_visible()


PIXELS = """image => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0);
  return [...pen.getImageData(0, 0, canvas.width, canvas.height).data].filter((_, i) => i % 4 === 0);
}"""


def test_the_picture_is_the_row(see, tmp_path):
    found, x = of_images()
    (tmp_path / "page.html").write_text(found.html(), encoding="utf-8")
    page = see(tmp_path / "page.html").page
    row = x[found.suspects[0].row]
    shown = np.array(page.locator("img").first.evaluate(PIXELS)) / 255
    np.testing.assert_allclose(shown, row / row.max(), atol=0.003)
