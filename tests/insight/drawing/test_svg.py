"""The SVG as a file: well-formed, widths in proportion, text escaped, the image's pixels."""

import base64
import re
import struct
import time
import zlib
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassnet as gn
from glassnet.insight.drawing import look, look_at_company

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def seen():
    net = gn.Network(6, [gn.Dense(20, "tanh"), gn.Dense(3, "softmax")], seed=3)
    rng = np.random.default_rng(1)
    return look(net, rng.normal(size=(4, 6)), rng.integers(0, 3, 4), 2, neurons=7, bias=True)


def inline(seen):
    """The drawing of a page, which has a place for its script to take hold of."""
    return ElementTree.fromstring(re.search(r"<svg.*</svg>", seen.html(), flags=re.DOTALL)[0])


def test_line_widths_are_in_proportion_to_weights_and_arrows_to_shares(seen):
    root, drawing = inline(seen), seen.drawing
    lines = {(e.get("data-f"), e.get("data-t")): e for e in root.iter(f"{SVG}line") if e.get("data-f")}
    arrows = {(e.get("data-f"), e.get("data-t")): e for e in root.iter(f"{SVG}path") if e.get("data-f")}
    assert len(lines) == sum(len(gap.links) + len(gap.biases) for gap in drawing.gaps)
    largest = max(abs(link.weight) for gap in drawing.gaps for link in (*gap.links, *gap.biases))
    for c, gap in enumerate(drawing.gaps):
        most = max(abs(link.share) for link in gap.links)
        for link in (*gap.links, *gap.biases):
            key = f"{c}-{'b' if link.source < 0 else link.source}", f"{c + 1}-{link.target}"
            line = lines[key]
            assert float(line.get("stroke-width")) == pytest.approx(8 * abs(link.weight) / largest, rel=1e-3)
            assert line.get("class") == ("minus" if link.weight < 0 else "plus")
            if link.share:
                assert float(arrows[key].get("stroke-width")) == pytest.approx(5 * abs(link.share) / most, rel=1e-3)
                assert arrows[key].get("class") == ("minus" if link.share < 0 else "plus")
            else:
                assert key not in arrows


def test_lines_lead_from_neuron_to_neuron(seen):
    root = inline(seen)
    centres = {}
    for group in root.iter(f"{SVG}g"):
        body = group.find(f"{SVG}circle[@class='body']")
        if body is not None:
            centres[group.get("data-n")] = (body.get("cx"), body.get("cy"))
    assert len(set(centres.values())) == len(centres) == 6 + 7 + 3
    for line in root.iter(f"{SVG}line"):
        if line.get("data-f") in centres:
            assert (line.get("x1"), line.get("y1")) == centres[line.get("data-f")]
            assert (line.get("x2"), line.get("y2")) == centres[line.get("data-t")]


def test_a_picture_of_its_own_describes_itself_and_brings_its_colours(seen):
    root = ElementTree.fromstring(seen.svg())
    assert root.get("role") == "img"
    assert root.find(f"{SVG}desc").text == seen.text()
    style = root.find(f"{SVG}style").text
    assert "prefers-color-scheme: dark" in style
    assert "html {" not in style
    assert set(re.findall(r"var\((--\w+)\)", style)) <= set(re.findall(r"(--\w+):", style))
    assert "show-blame" in root.get("class")
    assert "show-bias" in root.get("class")


@settings(max_examples=30)
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_name_can_stand_in_the_picture(name, other):
    net = gn.Network(1, [gn.Dense(1, "tanh"), gn.Dense(1)])
    seen = look(
        net, [[1.0]], [[0.5]], feature_names=[name], class_names=[other], neuron_names={0: [name]}, title=other or "t"
    )
    ElementTree.fromstring(seen.svg())
    label = inline(seen).find(f".//{SVG}g[@data-n='0-0']").get("aria-label")
    printable = "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in name)
    assert label.startswith(f"{printable}: input 0; x 1")
    seen.html().encode()


def test_markup_in_names_stays_text():
    evil = '<script>alert("1")</script>&'
    net = gn.Network(1, [gn.Dense(1)])
    for text in (
        look(net, [[1.0]], [[0.5]], feature_names=[evil], class_names=[evil], title=evil).html(),
        look(net, [[1.0]], [[0.5]], feature_names=[evil], class_names=[evil], title=evil).svg(),
        look(net, title=evil)._repr_html_(),
    ):
        assert "<script>alert" not in text
        assert "alert(" in text


def test_the_image_has_the_rows_pixels():
    net = gn.Network(12, [gn.Dense(2, "softmax")])
    row = np.array([[0, 0.25, 0.5, 1, 0.75, 0, 0, 0, 1, 1, 0, 0.1]])
    root = inline(look(net, row, [1], image_shape=(3, 4)))
    png = base64.b64decode(root.find(f"{SVG}image").get("href").removeprefix("data:image/png;base64,"))
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        name, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        assert struct.unpack(">I", png[at + 8 + size : at + 12 + size])[0] == zlib.crc32(name + data)
        chunks[name], at = data, at + 12 + size
    assert struct.unpack(">II", chunks[b"IHDR"][:8]) == (4, 3)
    pixels = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(3, 5)[:, 1:]
    np.testing.assert_allclose(pixels, 255 * row.reshape(3, 4), atol=0.5)


def test_a_pixel_stands_where_it_is_in_the_image():
    net = gn.Network(12, [gn.Dense(2, "softmax")])
    root = inline(look(net, np.ones((1, 12)), [1], image_shape=(3, 4)))
    image = root.find(f"{SVG}image")
    x, y, width, height = (float(image.get(name)) for name in ("x", "y", "width", "height"))
    for index in range(12):
        body = root.find(f".//{SVG}g[@data-n='0-{index}']/{SVG}circle[@class='body']")
        assert int((float(body.get("cx")) - x) / width * 4) == index % 4
        assert int((float(body.get("cy")) - y) / height * 3) == index // 4


@pytest.mark.parametrize("neurons", [16, 100])
def test_900_000_weights_make_a_small_page_in_little_time(neurons):
    net = gn.Network(784, [gn.Dense(1000, "relu"), gn.Dense(100, "relu"), gn.Dense(10, "softmax")], seed=0)
    rng = np.random.default_rng(0)
    X, Y = rng.random((30, 784), np.float32), rng.integers(0, 10, 30)
    start = time.process_time()
    seen = look(net, X, Y, 17, image_shape=(28, 28), neurons=neurons)
    html = seen.html()
    assert time.process_time() - start < 20  # about 1; so wide that a busy machine passes
    assert len(html.encode()) < (500_000 if neurons == 16 else 2_000_000)
    assert seen.drawing.gaps[0].count.total == 784_000


def test_the_company_draws_its_people():
    text = look_at_company().svg()
    for name in ("Amara", "Bruno", "Carla", "Deniz", "Emeka", "Freya", "Salespeople", "Managers", "Chief"):
        assert f">{name}</text>" in text
