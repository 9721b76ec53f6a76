"""What a race says: conclusions that follow its numbers, whoever wins, and a page that a browser likes."""

import dataclasses

import numpy as np
import pytest

import glassnet as gn
from glassnet.racing import Cost, Entry, Point, Race, Run, race
from glassnet.racing.lesson import pieces
from glassnet.racing.pictures import race_page
from glassnet.racing.words import count, duration, mid, times

COST = Cost((9, 300, 10_000), (5,) * 3, (0.1,) * 3, (2.0, 2.1, 2.2), (10.0, 301.0, 10_001.0), (9, 300, 40))


def entry(name, ends, *, spent=1000, title=None, steps=5):
    """A method that comes down from 1 to its end, for each start, half way down after half of what it spends."""
    runs = []
    for seed, end in enumerate(ends):
        points = (
            Point(0, 0.0, 1.0, float("nan")),
            Point(spent // 2, 0.1, (1 + end) / 2, 40.0),
            Point(spent, 0.2, end, 50.0),
        )
        runs.append(Run(seed, points, steps, "evaluations", end, None, end, None))
    return Entry(name, name, title or name.capitalize(), "Idea.", "Source", tuple(runs))


def contest(*entries, **changes):
    r = Race("rows", (2, 3, 1), 13, 50, 10, 50, "squared_error", "error", 1000, None, (0, 1), tuple(entries))
    return dataclasses.replace(r, **changes)


def test_the_winner_is_who_ended_lowest():
    won = contest(entry("backprop", [0.1, 0.2]), entry("tweaking", [0.5, 0.6])).text()
    assert (
        "Backprop ended best, with an error of 0.15 on the held-out rows; next came tweaking with an error of 0.55."
        in won
    )
    assert "overlap" not in won
    lost = contest(entry("backprop", [0.3, 0.4]), entry("tweaking", [0.1, 0.35])).text()
    assert "Tweaking ended best" in lost
    assert "overlap" in lost
    assert "Lower than backpropagation on the training rows in the end: tweaking." in lost


def test_prices_are_compared_at_an_error_that_both_reached():
    ours, other = entry("backprop", [0.0, 0.0], spent=100), entry("tweaking", [0.5, 0.5], spent=9000)
    said = contest(ours, other).text()
    assert "tweaking 180 times" in said  # 9,000 evaluations against 50, to 0.5
    assert "an error of 0.5 after 50 evaluations; tweaking took 9,000" in said
    said = contest(entry("backprop", [0.5, 0.5], spent=9000), entry("tweaking", [0.0, 0.0], spent=100)).text()
    assert "tweaking 0.0056 times" in said


def test_who_got_nowhere_is_named():
    stuck = dataclasses.replace(entry("numerical", [1.0, 1.0], steps=0), title="Numerical derivative")
    said = contest(entry("backprop", [0.1, 0.2]), entry("guessing", [1.0, 2.0]), stuck).text()
    assert "no lower than at the start: guessing." in said
    assert "too small for a single step of numerical derivative." in said


def test_one_start_says_nothing_of_chance():
    said = contest(entry("backprop", [0.1]), entry("tweaking", [0.2]), seeds=(0,)).text()
    assert "nothing is said of chance" in said


def test_who_ends_alike_is_no_winner():
    said = contest(entry("backprop", [0.1, 0.1]), entry("tweaking", [0.1, 0.1]), entry("guessing", [0.3, 0.3])).text()
    assert "alike with an error of 0.1 on the held-out rows: backprop and tweaking." in said


def test_by_accuracy_the_highest_wins():
    def scored(name, ends, accuracies):
        given = entry(name, ends)
        runs = [dataclasses.replace(r, held_out_accuracy=a) for r, a in zip(given.runs, accuracies, strict=True)]
        return dataclasses.replace(given, runs=tuple(runs))

    said = contest(
        scored("backprop", [0.1, 0.1], [0.7, 0.7]), scored("tweaking", [0.5, 0.5], [0.8, 0.9]), score="accuracy"
    )
    assert "Tweaking ended best, with an accuracy of 85.0%" in said.text()
    assert "overlap" not in said.text()


def test_the_same_method_twice_is_told_apart():
    x = np.random.default_rng(0).standard_normal((20, 2))
    net = gn.Network(2, [gn.Dense(1)], seed=1)
    r = race(net, x, x[:, 0], ["backprop", "backprop('sgd(1e9)')"], evaluations=2000, seeds=1)
    assert [e.title for e in r.entries] == ["Backpropagation", "Backpropagation ('sgd(1e9)')"]
    assert "Ran off to infinity from some start" in r.text()


def test_the_cost_names_its_sample():
    said = contest(entry("backprop", [0.1, 0.2]), cost=COST).text()
    assert "timed on 40 of them" in said
    assert "exponent 0.01 for backpropagation, 0.98 for the numerical derivative" in said


def test_numbers_in_words():
    assert [count(x) for x in (999, 12_345, 1.2e6, 3e9)] == ["999", "12,345", "1.2 million", "3 billion"]
    assert [times(x) for x in (0.5, 3.21, 123.4)] == ["0.5 times", "3.2 times", "123 times"]
    assert [duration(x) for x in (0.2, 90, 600, 7200)] == ["0.2 s", "90 s", "10 minutes", "2 hours"]
    assert [mid(x) for x in ("Random tweaking", "CMA-ES", "Hebbian learning")] == [
        "random tweaking",
        "CMA-ES",
        "Hebbian learning",
    ]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 2))
    net = gn.Network(2, [gn.Dense(3, "tanh"), gn.Dense(2, "softmax")], seed=1)
    r = race(net, x, (x[:, 0] > 0).astype(int), evaluations=20_000, seeds=2, title="<b>rows</b> & more")
    path = tmp_path_factory.mktemp("race") / "race.html"
    both = [r, dataclasses.replace(r, cost=COST, title="second")]
    path.write_text(race_page(both, introductions=["First <i>piece</i>.", "Second."]), encoding="utf-8")
    return path


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 360])
def test_a_browser_has_nothing_to_complain_of(see, page, width, dark):
    seen = see(page, width=width, dark=dark)
    assert seen.troubles() == []
    assert seen.page.locator(".plotly-graph-div").count() == 7
    assert seen.page.locator("h2", has_text="<b>rows</b> & more").count() == 1


def test_a_method_is_hidden_in_all_charts_of_its_race_by_the_keyboard(see, page):
    seen = see(page)
    hidden_lines = "c => c.data.filter(line => line.visible === false).length"
    shown = f"() => [...document.querySelectorAll('.plotly-graph-div')].map({hidden_lines})"
    button = seen.page.locator("ul.key").first.locator("button", has_text="Backpropagation")
    button.focus()
    seen.page.keyboard.press("Enter")
    hidden = seen.page.evaluate(shown)
    assert hidden[:3] == [3, 3, 1]
    assert hidden[3:] == [0, 0, 0, 0]
    assert seen.page.locator('ul.key[data-race="0"] button[aria-pressed="false"]').count() == 3
    seen.page.keyboard.press("Enter")
    assert sum(seen.page.evaluate(shown)) == 0
    assert seen.troubles() == []


def test_the_lesson_s_four_networks():
    found = pieces()
    assert [piece.network.layout.parameters for piece in found] == [12, 9, 1074, 901_275]
    assert sum(piece.share for piece in found) == pytest.approx(1)
    first = found[0]
    p = first.network.backprop(first.x, first.y, first.loss)
    assert p.loss == pytest.approx(0.298371109, abs=1e-9)  # as published
