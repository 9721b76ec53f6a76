"""The page in a browser: seen, pointed at by mouse and finger, walked with keys, printed."""

import re

import numpy as np
import pytest

import glassnet as gn
from glassnet.insight.drawing import look, look_at_company


def wide():
    net = gn.Network(64, [gn.Dense(40, "relu"), gn.Dropout(0.4), gn.Dense(30, "leaky_relu"), gn.Dense(10, "softmax")])
    rng = np.random.default_rng(0)
    X = rng.random((5, 64))
    return look(net, X, [1, 2, 3, 4, 5], 3, training=True, image_shape=(8, 8), bias=True)


def long_names():
    net = gn.Network(3, [gn.Dense(2, "tanh"), *(gn.Dense(3, "tanh") for _ in range(4)), gn.Dense(2, "sigmoid")], seed=2)
    names = [
        "a name so long that no picture has room for it, whatever its width",
        '<script>alert("1")</script>',
        "幅広い列の名前は難しい、とても長いから",
    ]
    classes = ["yes, without any doubt whatsoever", "WWWWWWWWWWWWWWWWWWWWWW"]
    hidden = {0: ["WWWWWWWWWWWWWWWWWWWWWWWW", "b"], 2: ["first of three", "second of three", "third of three"]}
    X, Y = np.ones((1, 3)), np.ones((1, 2))
    return look(net, X, Y, feature_names=names, class_names=classes, neuron_names=hidden, title=names[1])


def weights_only():
    return look(gn.Network(200, [gn.Dense(1, "identity", bias=False)]))


PAGES = {"company": look_at_company, "wide": wide, "long_names": long_names, "weights_only": weights_only}


@pytest.fixture
def opened(see, tmp_path):
    def opened(seen, **window):
        file = tmp_path / "look.html"
        file.write_text(seen.html(), encoding="utf-8")
        return see(file, **window)

    return opened


def told(seen):
    return seen.page.locator(".told").inner_text()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_overlaps_or_is_cut_off(opened, name, width, dark):
    seen = opened(
        PAGES[name](), width=width, height=2400, dark=dark
    )  # the panel lies over the foot of a taller picture
    assert seen.troubles() == []
    for control in seen.page.locator(".controls button, .controls input").all():
        control.click()
        assert seen.troubles() == []
    if name in ("company", "long_names"):  # tables of a wide network are longer, no other
        seen.page.locator("details summary").first.click()
        assert seen.troubles() == []


def test_a_picture_of_its_own_in_a_browser(see, tmp_path):
    file = tmp_path / "look.svg"
    for name, make in PAGES.items():
        file.write_text(make().svg(), encoding="utf-8")
        seen = see(file, dark=name == "wide")
        assert seen.complaints == []
        paper = seen.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert paper == ("rgb(18, 21, 26)" if name == "wide" else "rgb(255, 255, 255)")


def test_hover_names_a_neuron_and_lights_its_own_links(opened):
    seen = opened(look_at_company(), height=1600)
    page = seen.page
    page.hover('[data-n="1-0"] .reach')
    text = told(seen)
    chief, carla = 0.06040, 0.02252  # by hand: 0.5825 · 0.8825 · 0.1175; 2.5 · 0.0604 · 0.8176 · 0.1824
    assert "Carla (layer 0, neuron 0)" in text
    assert f"{carla:.4g}" in re.search(r"blame ∂E/∂z\s+(\S+)", text)[1]
    assert re.search(r"z \(weighted sum\)\s+1\.500", text)
    assert re.search(r"slope g′\(z\)\s+0\.1491", text)
    links = page.locator(".weights line.mine, .blame path.mine")
    assert links.count() == 2 * 3 + 1  # two salespeople and a chief, each with a weight and a share; and a bias
    assert page.locator(".weights line:not(.mine)").first.evaluate("e => +getComputedStyle(e).opacity") < 0.1
    page.mouse.move(5, 5)
    assert page.locator(".told").is_hidden()
    assert page.locator(".mine").count() == 0
    page.hover('[data-n="2-0"] .reach')
    assert f"{chief:.4g}" in told(seen)
    assert seen.troubles() == []


def test_a_tap_keeps_a_neuron_until_another_place_is_tapped(opened):
    for seen in (opened(look_at_company(), width=360, touch=True), opened(wide(), width=360, touch=True)):
        page = seen.page
        page.locator("[role=option] .reach").nth(1).tap()
        page.locator('[data-n^="1-"] .reach').nth(1).tap()
        assert page.locator("[aria-selected=true]").count() == 1
        assert page.locator(".neuron.mine").count() == 1
        tapped, panel = page.locator(".mine .reach").bounding_box(), page.locator(".told").bounding_box()
        assert tapped["y"] + tapped["height"] <= panel["y"], "the panel hides what was tapped"
        assert seen.complaints == []
        page.locator("svg.network text.title").first.tap()
        assert page.locator("[aria-selected=true], .mine").count() == 0
        assert page.locator(".told").is_hidden()


def test_keys_walk_from_neuron_to_neuron(opened):
    seen = opened(look_at_company())
    page = seen.page
    here = lambda: page.evaluate("document.activeElement.dataset.n")  # noqa: E731
    for _ in range(3):  # the button, the box, the drawing
        page.keyboard.press("Tab")
    assert here() == "0-0"
    assert "Amara (input 0)" in told(seen)
    walk = [("ArrowDown", "0-1"), ("ArrowDown", "0-1"), ("ArrowUp", "0-0"), ("ArrowLeft", "0-0"), ("ArrowRight", "1-1")]
    walk += [("End", "1-2"), ("Home", "1-0"), ("ArrowRight", "2-0"), ("ArrowRight", "2-0"), ("ArrowLeft", "1-1")]
    for key, expected in walk:
        page.keyboard.press(key)
        assert here() == expected, key
    assert page.locator("[aria-selected=true]").get_attribute("aria-label").startswith("Deniz: layer 0, neuron 1")
    assert page.locator('[role=option][tabindex="0"]').count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("Shift+Tab")
    assert here() == "1-1"
    page.keyboard.press("Escape")
    assert page.locator(".told").is_hidden()
    assert seen.complaints == []


def test_every_neuron_can_be_reached_with_keys(opened):
    seen = opened(wide())
    page = seen.page
    page.locator("[role=option]").first.focus()
    reached = set()
    columns = {n.split("-")[0] for n in page.eval_on_selector_all("[role=option]", "all => all.map(e => e.dataset.n)")}
    for _ in columns:
        page.keyboard.press("Home")
        for _ in range(20):
            reached.add(page.evaluate("document.activeElement.dataset.n"))
            page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
    assert len(reached) == page.locator("[role=option]").count() == 13 * 3 + 10


def test_what_is_walked_to_comes_into_view_on_a_small_screen(opened):
    seen = opened(wide(), width=360, height=640)
    page = seen.page
    page.locator("[role=option]").first.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "End", "Home"):
        page.keyboard.press(key)
        box = page.evaluate(
            "() => {const r = document.activeElement.querySelector('.body').getBoundingClientRect();"
            " const t = document.querySelector('.told').getBoundingClientRect();"
            " return [r.left, r.right, r.top, t.top - r.bottom]}"
        )
        assert box[0] >= 0
        assert box[1] <= 360
        assert box[2] >= 0
        assert box[3] >= 0, "the panel hides it"


def test_blame_and_biases_are_switched(opened):
    page = opened(look_at_company()).page
    arrow, bias = page.locator(".blame path").first, page.locator(".biases rect").first
    button, box = page.get_by_role("button", name="Show blame flowing back"), page.get_by_role("checkbox")
    assert (arrow.is_visible(), button.get_attribute("aria-pressed")) == (True, "true")
    button.click()
    assert (arrow.is_visible(), button.get_attribute("aria-pressed")) == (False, "false")
    assert page.get_by_text("Arrow width is").is_hidden()
    button.click()
    assert (arrow.is_visible(), button.get_attribute("aria-pressed")) == (True, "true")
    assert not bias.is_visible()
    box.check()
    assert bias.is_visible()
    assert opened(look_at_company(bias=True)).page.get_by_role("checkbox").is_checked()
    assert opened(weights_only()).page.locator(".controls button, .controls input").count() == 0


def test_nothing_moves_for_those_who_asked_for_it(opened):
    for motion, moves in (("reduce", False), ("no-preference", True)):
        page = opened(look_at_company()).page
        page.emulate_media(reduced_motion=motion)
        button = page.get_by_role("button")
        button.click()
        button.click()
        names = page.eval_on_selector_all(".blame > g", "all => all.map(e => getComputedStyle(e).animationName)")
        assert set(names) == ({"arrive"} if moves else {"none"})


def test_on_paper_the_whole_picture_and_no_buttons(opened):
    page = opened(wide()).page
    page.emulate_media(media="print")
    assert page.locator(".controls").is_hidden()
    assert page.locator(".told").is_hidden()
    frame = page.locator("main").bounding_box()
    picture = page.locator("svg.network").bounding_box()
    assert picture["x"] >= frame["x"]
    assert picture["x"] + picture["width"] <= frame["x"] + frame["width"]


def test_without_scripts_the_picture_and_its_numbers_are_there(chromium, tmp_path):
    file = tmp_path / "look.html"
    file.write_text(look_at_company().html(), encoding="utf-8")
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"file://{file}")
    assert page.locator("svg.network .blame path").first.is_visible()
    assert page.locator(".controls").is_hidden()
    assert page.locator("details table").count() == 5
    context.close()


def test_a_notebook_shows_it_in_a_frame(see, tmp_path):
    file = tmp_path / "notebook.html"
    text = f"<!doctype html><title>n</title><body>{look_at_company()._repr_html_()}"
    file.write_text(text, encoding="utf-8")
    page = see(file).page
    page.frame_locator("iframe").locator('[data-n="2-0"] .reach').hover()
    assert "Freya" in page.frame_locator("iframe").locator(".told").inner_text()
