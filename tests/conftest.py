"""What all tests share: hypothesis without a clock, as two shared cores are no measure of a formula; and a browser.

The browser is the system's Chromium, driven by Playwright. Tests of pages skip, and say so, where there is none.
"""

import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))  # autodiff, which tests of several rooms take as oracle

settings.register_profile("glassnet", deadline=None, print_blob=True)
settings.load_profile("glassnet")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

# Finds texts that lie over each other, and texts that are cut off, in what is visible now.
LOOK = """
() => {
  const visible = element => {
    for (let e = element; e; e = e.parentElement) {
      const s = getComputedStyle(e);
      if (s.display === "none" || s.visibility === "hidden" || +s.opacity === 0) return false;
      if (e.tagName === "DETAILS" && !e.open && !element.closest("summary")) return false;
    }
    return true;
  };
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, parent = node.parentElement;
    if (!node.textContent.trim() || parent.closest("script, style, title, desc, math, .visually-hidden")) continue;
    if (!visible(parent)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const r of range.getClientRects())
      if (r.width > 1 && r.height > 1) texts.push({text: node.textContent.trim().slice(0, 40), parent, r});
  }
  const overlaps = [];
  for (let i = 0; i < texts.length; i++)
    for (let j = i + 1; j < texts.length; j++) {
      const a = texts[i], b = texts[j];
      if (a.parent === b.parent || a.parent.contains(b.parent) || b.parent.contains(a.parent)) continue;
      const w = Math.min(a.r.right, b.r.right) - Math.max(a.r.left, b.r.left);
      const h = Math.min(a.r.bottom, b.r.bottom) - Math.max(a.r.top, b.r.top);
      if (w > 2 && h > 4) overlaps.push(`${a.text} | ${b.text}`);
    }
  const cut = [];
  for (const {text, parent, r} of texts) {
    const svg = parent.closest("svg");
    if (svg) {
      const frame = svg.getBoundingClientRect();
      if (r.left < frame.left - 1 || r.right > frame.right + 1 || r.top < frame.top - 1 || r.bottom > frame.bottom + 1)
        cut.push(text);
      continue;
    }
    for (let e = parent; e && e !== document.body; e = e.parentElement) {
      const s = getComputedStyle(e);
      if (s.overflowX === "hidden" || s.overflowY === "hidden") {
        const frame = e.getBoundingClientRect();
        const out = r.right > frame.right + 1 || r.bottom > frame.bottom + 1 || r.left < frame.left - 1;
        if (out) { cut.push(text); break; }
      }
      if (s.overflowX === "auto" || s.overflowX === "scroll") break;
    }
  }
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide > 1) cut.push(`the page is ${wide} pixels wider than the window`);
  return {overlaps, cut};
}
"""


@dataclass
class Seen:
    """A page in the browser; `page` is Playwright's, for clicks, keys and screenshots."""

    page: object
    complaints: list = field(default_factory=list)

    def troubles(self):
        """Console errors, failed requests, texts over each other and texts cut off, right now."""
        found = self.page.evaluate(LOOK)
        overlaps = [f"overlap: {pair}" for pair in found["overlaps"]]
        return [*self.complaints, *overlaps, *(f"cut off: {text}" for text in found["cut"])]


@pytest.fixture(scope="session")
def chromium():
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    flags += ["--disable-component-update", "--disable-sync", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def see(chromium):
    """Return a function that opens a file, or HTML, in a window of its own: see(path, width=1280, dark=False)."""
    contexts = []

    def see(file, *, width=1280, height=900, dark=False, touch=False):
        scheme = "dark" if dark else "light"
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, has_touch=touch, offline=True
        )
        contexts.append(context)
        seen = Seen(context.new_page())
        seen.page.on(
            "console", lambda m: m.type in ("error", "warning") and seen.complaints.append(f"console: {m.text}")
        )
        seen.page.on("pageerror", lambda error: seen.complaints.append(f"error: {error}"))
        seen.page.on("requestfailed", lambda request: seen.complaints.append(f"request: {request.url[:200]}"))
        seen.page.goto(f"file://{file}")
        seen.page.wait_for_load_state("load")
        return seen

    yield see
    for context in contexts:
        context.close()
