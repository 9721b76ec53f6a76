"""The frame of all pages, seen in a browser."""

import plotly.graph_objects as go
import pytest

from glassnet.insight.pages import chart, escape, frame, page, prose, scrolling


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1280])
def test_a_page_with_two_charts(see, tmp_path, dark, width):
    figure = go.Figure(go.Scatter(x=[1, 2, 3], y=[3, 1, 2]), layout={"xaxis_title": "epoch", "yaxis_title": "error"})
    body = (
        chart(figure, "A line that falls and rises <again>.") + prose("Second.") + chart(figure, "Same.", first=False)
    )
    file = tmp_path / "page.html"
    file.write_text(page("Two <charts>", body, lead="Of nothing & all."), encoding="utf-8")
    seen = see(file, width=width, dark=dark)
    seen.page.wait_for_selector(".plotly-graph-div .main-svg")
    assert seen.troubles() == []
    assert seen.page.title() == "Two <charts>"
    assert seen.page.locator("figcaption").first.inner_text() == "A line that falls and rises <again>."
    ink = seen.page.evaluate("getComputedStyle(document.body).color")
    label = seen.page.locator(".xtick text").first
    assert label.evaluate("e => getComputedStyle(e).fill") == ink


def test_what_is_wrong_is_seen(see, tmp_path):
    wrong = (
        '<div style="position:relative;height:3em"><p style="position:absolute">left text</p>'
        '<p style="position:absolute">over it</p></div>'
        '<div style="overflow:hidden;width:3em;white-space:nowrap">a long text that is cut off</div>'
        '<script>console.error("trouble")</script><img src="missing.png" alt="">'
    )
    file = tmp_path / "wrong.html"
    file.write_text(page("Wrong", wrong), encoding="utf-8")
    found = " ".join(see(file).troubles())
    assert "overlap: left text | over it" in found
    assert "cut off: a long text" in found
    assert "console: trouble" in found
    assert "request: file://" in found


def test_a_frame_shows_a_page_within_a_notebook(see, tmp_path):
    inner = page("Inner", '<p title="a &amp; b">"Quoted" &lt;text&gt;</p>')
    (tmp_path / "notebook.html").write_text(page("Notebook", frame('Of <this> & "that"', inner)), encoding="utf-8")
    seen = see(tmp_path / "notebook.html")
    within = seen.page.frame_locator("iframe")
    assert within.locator("p").inner_text() == '"Quoted" <text>'
    assert seen.page.locator("iframe").get_attribute("title") == 'Of <this> & "that"'


def test_what_scrolls_is_reached_by_keyboard_and_has_a_name(see, tmp_path):
    table = "<table><tr>" + "<td>a_long_word</td>" * 60 + "</tr></table>"
    (tmp_path / "page.html").write_text(page("Wide", scrolling("A <wide> table", table)), encoding="utf-8")
    seen = see(tmp_path / "page.html", width=360)
    seen.page.keyboard.press("Tab")
    here = seen.page.get_by_role("region", name="A <wide> table")
    assert here.evaluate("e => e === document.activeElement && e.scrollWidth > e.clientWidth")
    assert seen.troubles() == []


def test_text_is_escaped():
    assert escape('<b a="1">&') == "&lt;b a=&quot;1&quot;&gt;&amp;"
