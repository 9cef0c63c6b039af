"""The lessons of the built site in a real browser, at two widths, in light and in dark."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.browser import open_browser, resize

DOCS = Path(__file__).parents[2] / "docs"
LESSONS = sorted(page.stem for page in DOCS.glob("lesson-*.md"))
PAGES = [*LESSONS, "at-a-glance", "differences", "glossary", "index"]
SHOW_ALL = """
for (const folded of document.querySelectorAll("details")) folded.open = true;
const style = document.createElement("style");
style.textContent = ".sd-tab-content { display: block !important }";
document.head.append(style);
"""
# What a formula paints are its leaves; of a table, those of each row.
EQUATIONS = """
function span(element) {
  const leaves = [...element.querySelectorAll("mi, mo, mn, mtext")].filter((e) => e.textContent);
  const boxes = leaves.map((leaf) => leaf.getBoundingClientRect());
  return [Math.min(...boxes.map((b) => b.top)), Math.max(...boxes.map((b) => b.bottom))];
}
return [...document.querySelectorAll("div.math")].flatMap((equation) => {
  const rows = [...equation.querySelectorAll("math > mrow > mtable > mtr")];
  return (rows.length ? rows : [equation]).map((row) => [row.textContent, ...span(row)]);
});
"""
WIDE_CODE = """
return [...document.querySelectorAll("pre")].filter((e) => e.scrollWidth > e.clientWidth)
  .map((e) => e.textContent);
"""
BESIDE = """
const right = document.documentElement.clientWidth;
return [...document.querySelectorAll("article svg, article math, article pre, article table")]
  .filter((e) => !e.closest(".sheet, div.math, div.highlight, .table-wrapper"))
  .filter((e) => e.getBoundingClientRect().right > right + 1).map((e) => e.outerHTML.slice(0, 90));
"""
CONTRAST = """
function light(colour) {
  const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((c) => c / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
}
const paper = light(getComputedStyle(document.body).backgroundColor);
return [paper, ...[...document.querySelectorAll(".sheet text")].map((words) => {
  const ink = light(getComputedStyle(words).fill);
  return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
})];
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with open_browser(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture(params=["light", "dark"])
def show(browser, site, request):
    """Open a page of the site in one scheme, with all its tabs and solutions unfolded."""

    def show(page, width):
        resize(browser, width)
        scheme = {"name": "prefers-color-scheme", "value": request.param}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        browser.get((site / f"{page}.html").as_uri())
        browser.execute_script(SHOW_ALL)
        return browser

    show.scheme = request.param
    return show


@pytest.mark.parametrize("page", PAGES)
def test_a_page_on_a_screen(show, page):
    shown = show(page, 1280)
    if page != "differences":  # it shows lines of the adapters, which have up to 100 columns
        assert shown.execute_script(WIDE_CODE) == []
    assert_apart(shown)
    paper, *contrasts = shown.execute_script(CONTRAST)
    assert (paper > 0.5) == (show.scheme == "light")
    assert min(contrasts, default=21) >= 4.5


@pytest.mark.parametrize("page", PAGES)
def test_a_page_on_a_phone(show, page):
    shown = show(page, 390)
    assert_apart(shown)
    assert shown.execute_script(BESIDE) == []
    assert shown.execute_script("return document.documentElement.scrollWidth") <= 390


def assert_apart(shown):
    """Nothing of an equation, or of a line of one, is painted on what comes before it."""
    rows = shown.execute_script(EQUATIONS)
    for (before, _, bottom), (after, top, _) in itertools.pairwise(rows):
        assert bottom + 2 <= top, (before, after)
