"""A report in a real browser: what a reader sees and does."""

from __future__ import annotations

import re

import pytest

from gateparity.conformance.reports.html.page import to_html
from gateparity.conformance.reports.run import run_report
from gateparity.conformance.runs.plan import Source
from tests.browser import open_browser, resize


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with open_browser(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def show(browser, tmp_path):
    """Open the page of a run as a file, and see that the browser has nothing against it."""

    def show(run, width=1200, height=900, *, scripts=True):
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not scripts})
        resize(browser, width, height)
        (tmp_path / "run.html").write_text(to_html(run_report(run, Source())), "utf-8")
        browser.get((tmp_path / "run.html").as_uri())
        assert browser.get_log("browser") == []
        return browser

    yield show
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def find(browser, selector):
    return browser.find_elements("css selector", selector)


def visible(browser, selector):
    return [element.text for element in find(browser, selector) if element.is_displayed()]


def test_a_failing_cell_is_one_click_from_its_diagnosis(show, broken):
    page = show(broken)
    next(e for e in find(page, "#matrix td.s-fail a")).click()
    section = find(page, ":target")[0]
    top = page.execute_script("return arguments[0].getBoundingClientRect().top", section)
    assert 0 <= top < 200  # it is what the reader looks at
    assert "as if the gates were packed f, i, g, o" in section.text
    assert re.search(r"y\[0, 0, \d\] \(layer 0, step 0, h", section.text)
    assert page.get_log("browser") == []


def test_the_cell_of_a_passing_backend_opens_what_is_folded(show, broken):
    page = show(broken)
    cell = next(e for e in find(page, "#matrix td.s-pass a") if "-1" in e.get_attribute("href"))
    assert "--check layout" not in find(page, "#numbers")[0].text
    cell.click()
    assert (
        "gateparity check --backend numpy:scratch --check layout" in find(page, ":target")[0].text
    )


def test_the_filter_shows_the_rows_that_have_its_words(show, broken):
    page = show(broken)
    box = find(page, "#filter input")[0]
    box.send_keys("GRADIENTS")
    assert visible(page, "#matrix tbody th") == ["gradients"]
    assert len(visible(page, "#filter output")[0]) > 5
    box.clear()
    box.send_keys(" ")
    assert len(visible(page, "#matrix tbody th")) == 4
    assert page.get_log("browser") == []


def test_one_mistake_is_not_a_long_page(show, broken):
    page = show(broken, 1280)
    assert page.execute_script("return document.documentElement.scrollHeight") <= 6000


def test_the_first_column_of_a_wide_table_stays_in_view(show, broken):
    page = show(broken, 390)
    script = """
    const table = document.querySelector("#backend-2 .scroll");
    table.scrollLeft = 200;
    const left = table.querySelector("tbody th").getBoundingClientRect().left;
    return [table.scrollLeft, left - table.getBoundingClientRect().left];
    """
    scrolled, left = page.execute_script(script)
    assert scrolled > 50
    assert 0 <= left <= 2


def test_everything_can_be_reached_by_keyboard(show, broken):
    page = show(broken)
    page.switch_to.active_element.send_keys("\ue004")  # Tab
    assert page.switch_to.active_element.text == "Skip to the report"
    reached = set()
    for _ in range(30):
        page.switch_to.active_element.send_keys("\ue004")
        if page.switch_to.active_element.tag_name == "body":
            break  # the end of the page
        reached.add(page.switch_to.active_element.tag_name)
        style = page.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
        assert style != "none"
    assert {"a", "input", "button", "div"} <= reached  # div: a table that scrolls


@pytest.mark.parametrize("width", [320, 390, 800])
def test_a_narrow_page_does_not_scroll_sideways(show, broken, run, width):
    for found in (broken, run):
        page = show(found, width)
        wide = page.execute_script("return document.documentElement.scrollWidth")
        assert wide <= width


def test_without_a_script_tables_are_there_and_buttons_that_need_one_are_not(show, broken):
    page = show(broken, scripts=False)
    assert len(visible(page, "#matrix tbody th")) == 4
    assert len(visible(page, "#backend-2 .heat")) >= 1
    assert visible(page, "#filter") == visible(page, "button") == []


def test_light_and_dark_are_both_readable(show, broken):
    """Text against its background, by the contrast ratio of WCAG 2, level AA."""
    for scheme in ("light", "dark"):
        page = show(broken)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        poor = page.execute_script(CONTRAST)
        assert poor == [], scheme


CONTRAST = """
const parse = (c) => (c.match(/[\\d.]+/g) || []).map(Number);
const light = (c) => c.slice(0, 3).map((v) => v / 255)
  .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
const ground = (e) => {
  for (; e; e = e.parentElement) {
    const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] > 0) return c;
  }
  return [255, 255, 255];
};
const poor = new Set();
for (const e of document.querySelectorAll("main *, header *")) {
  if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
  if (e.closest("svg, select, .none, [hidden]")) continue;
  const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const words = e.textContent.trim().slice(0, 20);
  if (ratio < 4.5) poor.add(`${e.className} ${words} ${ratio.toFixed(2)}`);
}
return [...poor];
"""
