"""The page of hidden units in a real browser: light and dark, wide and narrow, sorted, filtered, by keyboard."""

import re

import numpy as np
import pytest

import glassnet as gn
from glassnet.insight.features import features


@pytest.fixture(scope="module")
def images(planted):
    return features(*planted, image_shape=(3, 3), class_names=["none", "<some>", "lit & bright"])


@pytest.fixture(scope="module")
def table():
    net = gn.Network(3, [gn.Dense(5, "tanh"), gn.Dense(4, "relu"), gn.Dense(1)], seed=0, dtype="float64")
    x = np.random.default_rng(0).normal(size=(50, 3))
    names = ["a very long name of a column that somebody once called <b>so</b>", "area", "rooms_and_other_things" * 2]
    return features(net, x, x @ [1.0, -2.0, 0.5], feature_names=names, class_names=["price & more"])


@pytest.fixture
def show(see, tmp_path):
    def show(text, **how):
        file = tmp_path / "features.html"
        file.write_text(text, encoding="utf-8")
        return see(file, **how)

    return show


BROKEN_NUMBERS = """() => [...document.querySelectorAll("td.number")].filter(cell => {
  const range = document.createRange();
  range.selectNodeContents(cell.firstChild);
  return range.getClientRects().length > 1;
}).map(cell => cell.innerText)"""


def names(page):
    """Return the units whose cards are seen, in their order."""
    texts = page.locator(".unit:visible h3").all_inner_texts()
    return [text.split()[0] for text in texts]


WINDOWS = [(360, False), (360, True), (1280, False), (1280, True)]
PAGES = [
    *(("images", *w) for w in WINDOWS),
    *(("table", *w) for w in WINDOWS),
    ("one", 360, True),
    ("class", 1280, False),
]


@pytest.mark.parametrize(("kind", "width", "dark"), PAGES)
def test_nothing_is_cut_off_or_in_the_way(request, show, kind, width, dark):
    found = request.getfixturevalue("table" if kind == "table" else "images")
    how = {"one": {"unit": (0, 5)}, "class": {"of": 2}}.get(kind, {})
    seen = show(found.html(**how), width=width, dark=dark)
    assert seen.troubles() == []
    seen.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    assert seen.troubles() == []
    assert seen.page.evaluate(BROKEN_NUMBERS) == []


def test_pictures_hold_the_numbers_and_say_what_they_are(images, show):
    page = show(images.html()).page
    drawn = """async (element) => {
      const style = getComputedStyle(element), image = new Image();
      image.src = style.backgroundImage.slice(5, -2);
      await image.decode();
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [image.width, image.height];
      const pen = canvas.getContext("2d");
      pen.drawImage(image, 0, 0);
      const scale = image.width / parseFloat(style.backgroundSize), place = style.backgroundPosition.split(" ");
      const [x, y] = place.map(each => Math.round(-parseFloat(each) * scale));
      const [w, h] = [style.width, style.height].map(each => Math.round(parseFloat(each) * scale));
      return [w, h, ...pen.getImageData(x, y, w, h).data];
    }"""
    low, high = images.low.min(), images.high.max()
    for unit in (images.units[0], images.units[5]):
        card = page.locator(f"#u-0-{unit.index}")
        w, h, *data = card.get_by_role("img", name=f"weights of {unit.name}").evaluate(drawn)
        assert (w, h) == (3, 3)
        colours = np.array(data).reshape(9, 4)
        np.testing.assert_array_equal(colours[:, 3] > 0, unit.weights != 0)
        assert colours[unit.weights > 0, 2].min() > 200
        for name, expected in ((f"best input of {unit.name}", unit.best_input), ("mean of the 8 rows", unit.row_mean)):
            _, _, *data = card.get_by_role("img", name=name).evaluate(drawn)
            grey = np.array(data).reshape(9, 4)[:, 0] / 255 * (high - low) + low
            np.testing.assert_allclose(grey, expected, atol=(high - low) / 255 / 2 + 1e-9)
        row = int(unit.rows[2])
        _, _, *data = card.get_by_role("img", name=f"row {row}:").evaluate(drawn)
        grey = np.array(data).reshape(9, 4)[:, 0] / 255 * (high - low) + low
        np.testing.assert_allclose(grey, images.shown[row], atol=(high - low) / 255 / 2 + 1e-9)
    assert page.locator("#u-0-4 .px").count() == 2  # a dead unit has no rows
    assert "Dead" in page.locator("#u-0-4").inner_text()


def test_sorting_and_filtering_by_class(images, show):
    seen = show(images.html())
    page = seen.page
    assert names(page) == [f"0:{i}" for i in range(7)]
    assert page.locator("#status").inner_text() == "7 of 7 units shown: by layer and number."
    assert page.locator("option[value=sees]").is_disabled()
    assert page.get_by_label("Only units that see it best of all").is_disabled()
    page.get_by_label("Class", exact=True).select_option("lit & bright")
    expected = [unit.name for unit in images.seeing("lit & bright")]
    assert names(page)[:5] == expected
    assert set(names(page)[5:]) == {"0:4", "0:6"}
    assert "lit & bright: AUROC 1.000" in page.locator("#u-0-5 h3").inner_text()
    page.get_by_label("Only units that see it best of all").check()
    best = [unit.name for unit in images.seeing("lit & bright") if unit.sees == 2]
    assert names(page) == best
    page.get_by_label("Only units that see it best of all").uncheck()
    page.get_by_label("Units", exact=True).select_option("silent")
    by_silence = sorted(images.seeing(2), key=lambda unit: (unit.auroc[2], -unit.effect[2]))
    assert names(page)[:5] == [unit.name for unit in by_silence]
    page.get_by_label("Units", exact=True).select_option("lifts")
    effects = sorted(images.units, key=lambda unit: -unit.effect[2])
    assert names(page) == [unit.name for unit in effects]
    page.get_by_label("Class", exact=True).select_option("Any")
    assert names(page) == [f"0:{i}" for i in range(7)]
    assert page.locator("#u-0-5 h3").inner_text() == "0:5 sees lit & bright, AUROC 1.000"
    assert seen.troubles() == []


def test_a_page_that_begins_with_a_class_is_in_order_without_javascript(images):
    cards = re.findall(r'<li class="unit" id="u-0-(\d)"', images.html(of="lit & bright"))
    assert [f"0:{i}" for i in cards][:5] == [unit.name for unit in images.seeing(2)]


def test_the_keyboard_reaches_figures_and_links(images, show):
    page = show(images.html()).page
    summary = page.locator("#u-0-0 summary")
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator("#u-0-0 details").get_attribute("open") is not None
    link = page.locator("table a", has_text="0:5").first
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.id === 'u-0-5'")


def test_a_link_shows_a_unit_that_was_filtered_away(table, show):
    page = show(table.html()).page
    page.get_by_label("Layer", exact=True).select_option("Layer 1")
    assert names(page) == [f"1:{i}" for i in range(4)]
    page.locator("table a[href^='#u-0-']").first.click()
    page.wait_for_function("document.activeElement.id.startsWith('u-0-')")
    assert len(names(page)) == 9


def test_bars_say_the_weights_and_names_are_escaped(table, show):
    page = show(table.html()).page
    unit = table.unit(0, 1)
    rows = page.locator("#u-0-1 .inputs tbody tr")
    order = np.argsort(-np.abs(unit.weights))
    assert rows.count() == 3
    for at, j in enumerate(order):
        assert rows.nth(at).locator("th").inner_text() == table.inputs[j]
        assert float(rows.nth(at).locator("td").first.inner_text()) == pytest.approx(unit.weights[j], rel=6e-3)
    widths = [rows.nth(at).locator(".bar").bounding_box()["width"] for at in range(3)]
    np.testing.assert_allclose(widths, 48 * np.abs(unit.weights[order]) / np.abs(unit.weights).max(), atol=1)
    assert "goes with price & more" in page.locator("#u-0-1 h3").inner_text()
    assert "Mean ∂z/∂x" in page.locator("#u-1-0").inner_text()


def test_wide_layers_are_summarised_and_shown_in_parts(show):
    net = gn.Network(4, [gn.Dense(150, "tanh"), gn.Dense(3, "softmax")], seed=0)
    x = np.random.default_rng(0).normal(size=(90, 4))
    found = features(net, x, x[:, :3].argmax(axis=1), image_shape=(2, 2))
    text = found.html(per_layer=100)
    telling = sorted(found.units, key=lambda unit: -unit.telling)
    cards = {f"0:{i}" for i in re.findall(r'<li class="unit" id="u-0-(\d+)"', text)}
    assert len(cards) == 100
    named = {unit.name for c in range(3) for unit in found.seeing(c)[:4]}
    assert named <= cards
    assert {unit.name for unit in telling[: 100 - len(named)]} <= cards
    seen = show(text, width=360)
    page = seen.page
    assert "Of layer 0's 150 units, the 100 are shown that tell most of any class" in page.inner_text("main")
    assert len(names(page)) == 60
    page.get_by_role("button", name="Show 40 more").click()
    assert len(names(page)) == 100
    assert not page.locator("#more").is_visible()
    assert page.evaluate("document.activeElement.className") == "unit"


def test_a_page_of_a_large_network_stays_small():
    net = gn.Network(784, [gn.Dense(1000, "relu"), gn.Dense(10, "softmax")], seed=0)
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, (100, 784)) * (rng.uniform(0, 1, (100, 784)) < 0.2)
    found = features(net, x, np.arange(100) % 10, image_shape=(28, 28))
    assert 1_000_000 < len(found.html().encode()) < 5_000_000
