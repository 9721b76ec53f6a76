"""The experiments' pages in a real browser, and their pictures against the weights."""

import re

import numpy as np
import pytest

import glassnet as gn
from glassnet.insight.experiments import family_trees as trees
from glassnet.insight.experiments import pictures
from glassnet.insight.experiments.family_data import ENGLISH, ITALIAN
from glassnet.insight.experiments.family_trees import FamilyTrees
from glassnet.insight.experiments.symmetry import Symmetry, study_symmetry, symmetry_network


@pytest.fixture(scope="module")
def pages():
    """Pages of networks before training, and of one solved by hand: they cost nothing."""
    mirrors = tuple(study_symmetry(symmetry_network(seed), seed) for seed in range(3))
    solved = gn.Network(6, [gn.Dense(2, "sigmoid"), gn.Dense(1, "sigmoid")], dtype="float64")
    w = 4.0 * np.array([1, 2, 4, -4, -2, -1])
    solved.theta = [*np.stack([w, -w], axis=1).ravel(), -2, -2, -20, -20, 10]
    mirrors += (study_symmetry(solved, 3, [0.1]),)
    families = tuple(trees.study_family_trees(trees.family_network(seed), seed) for seed in range(3))
    return {
        "symmetry": Symmetry(mirrors, mirrors[3]),
        "unsolved": Symmetry(mirrors[:3], mirrors[0], chosen=True),
        "family-trees": FamilyTrees(families, families, families[1]),
    }


@pytest.mark.parametrize("name", ["symmetry", "unsolved", "family-trees"])
@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("dark", [False, True])
def test_pages_are_whole(pages, tmp_path, see, name, width, dark):
    file = tmp_path / f"{name}.html"
    file.write_text(pages[name].html(), encoding="utf-8")
    seen = see(file, width=width, dark=dark)
    assert seen.troubles() == []
    drawings = seen.page.locator("svg[role=img]")
    assert drawings.count() == (6 if name == "family-trees" else 2)
    assert all(drawings.nth(k).get_attribute("aria-label") for k in range(drawings.count()))
    details = seen.page.locator("summary")
    for k in range(details.count()):
        details.nth(k).focus()
        seen.page.keyboard.press("Enter")
    assert seen.troubles() == []
    assert len(file.read_bytes()) < 100_000


def test_the_area_of_a_square_is_its_weight():
    weights = np.array([1.0, -0.25, 0.5, 0.0, *[0.1] * 8])
    svg = pictures.squares(weights, -weights, (ENGLISH, ITALIAN), 1.0, "a unit")
    drawn = re.findall(r'<rect class="(plus|minus)"[^>]* width="([\d.]+)" height="([\d.]+)">\s*<title>(\w+):', svg)
    assert [name for *_, name in drawn] == [*ENGLISH, *ITALIAN]
    areas = np.array([float(w) * float(h) for _, w, h, _ in drawn])
    np.testing.assert_allclose(areas / areas[0], np.tile(np.abs(weights), 2), atol=0.005)
    assert [sign for sign, *_ in drawn][:3] == ["plus", "minus", "plus"]
    assert [sign for sign, *_ in drawn][12:15] == ["minus", "plus", "minus"]


def test_the_height_of_a_bar_is_its_weight():
    weights = np.array([1.0, -2, 4, -4, 2, -1])
    svg = pictures.mirrored_bars(weights, 4.0, "a unit")
    drawn = re.findall(r'<rect class="(plus|minus)" [^>]*y="([\d.]+)" width="32" height="([\d.]+)"', svg)
    heights = np.array([float(height) for *_, height in drawn])
    np.testing.assert_allclose(heights / heights[2], np.abs(weights) / 4, atol=0.005)
    assert [sign for sign, *_ in drawn] == ["plus", "minus"] * 3
    zero = {round(float(y) + float(h), 1) for sign, y, h in drawn if sign == "plus"}
    assert zero == {round(float(y), 1) for sign, y, _ in drawn if sign == "minus"}  # all stand on one line


def test_weights_of_nothing_are_drawn():
    for svg in (
        pictures.squares(np.zeros(12), np.zeros(12), (ENGLISH, ITALIAN), 0.0, ""),
        pictures.mirrored_bars(np.zeros(6), 0.0, ""),
    ):
        assert "nan" not in svg
