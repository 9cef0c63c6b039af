"""A report in a real browser, headless Chromium: what a reader sees and does.

Skipped where there is no browser: on Debian, `apt-get install chromium chromium-driver`.
"""

from __future__ import annotations

import shutil

import pytest

from gateparity.conformance.reports.html.run import run_page
from gateparity.conformance.runs.plan import Source

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium isn't installed")
BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
if not BROWSER or not DRIVER:
    pytest.skip("no chromium and chromedriver on PATH", allow_module_level=True)

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS.split(), f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.implicitly_wait(0)
    yield driver
    driver.quit()


@pytest.fixture
def show(browser, tmp_path):
    """Open the page of a run as a file, and see that the browser has nothing against it."""

    def show(run, width=1200, height=900, *, scripts=True):
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not scripts})
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        (tmp_path / "run.html").write_text(run_page(run, Source()), "utf-8")
        browser.get((tmp_path / "run.html").as_uri())
        assert browser.get_log("browser") == []
        return browser

    yield show
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def find(browser, selector):
    return browser.find_elements("css selector", selector)


def choose(browser, name, words):
    from selenium.webdriver.support.ui import Select

    Select(find(browser, f"#filters [name={name}]")[0]).select_by_visible_text(words)


def visible(browser, selector):
    return [element.text for element in find(browser, selector) if element.is_displayed()]


def test_a_failing_cell_is_one_click_from_where_it_begins_and_its_diagnosis(show, broken):
    page = show(broken)
    cell = next(e for e in find(page, "td.s-fail a") if "gates-float32" in e.get_attribute("href"))
    cell.click()
    section = find(page, ":target")[0]
    top = page.execute_script("return arguments[0].getBoundingClientRect().top", section)
    assert 0 <= top < 200  # it is what the reader looks at
    assert section.find_element("css selector", ".begins").text == (
        "z: layer 0, step 0, gate i, pre-activation, sequence 1, unit 3"
    )
    assert "as if the gates were packed f, i, g, o" in section.text
    assert page.get_log("browser") == []


def test_the_cell_of_a_passing_check_opens_what_is_folded(show, broken):
    page = show(broken)
    cell = next(
        e for e in find(page, "td.s-pass a") if "0-layout-float64" in e.get_attribute("href")
    )
    assert "--check layout" not in find(page, "#cells")[0].text
    cell.click()
    assert (
        "gateparity check --backend numpy:scratch --check layout" in find(page, ":target")[0].text
    )


def test_filters(show, broken):
    page = show(broken)
    assert visible(page, "#filters output") == ["2 of 2 backends shown"]
    choose(page, "status", "fail")
    assert visible(page, "tbody[data-row] th") == [
        "broken:Swapped\n" + broken.versions["broken:Swapped"]
    ]
    choose(page, "check", "layout")
    assert visible(page, ".matrix th[data-column]") == ["layout"]
    assert visible(page, ".failure") == []
    find(page, "#filters [type=reset]")[0].click()
    choose(page, "row", "numpy:scratch")
    assert visible(page, "#filters output") == ["1 of 2 backends shown"]
    assert visible(page, ".failing") == []
    find(page, "#filters [type=reset]")[0].click()
    assert len(visible(page, "tbody[data-row] th")) == 2
    assert page.get_log("browser") == []


def test_everything_can_be_reached_by_keyboard(show, broken):
    page = show(broken)
    page.switch_to.active_element.send_keys("\ue004")  # Tab
    assert page.switch_to.active_element.text == "Skip to the report"
    reached = set()
    for _ in range(30):
        page.switch_to.active_element.send_keys("\ue004")
        reached.add(page.switch_to.active_element.tag_name)
        style = page.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
        assert style != "none"
    assert {"a", "select", "button", "div"} <= reached  # div: a table that scrolls


@pytest.mark.parametrize("width", [320, 390, 800])
def test_a_narrow_page_does_not_scroll_sideways(show, broken, run, width):
    for found in (broken, run):
        page = show(found, width)
        wide = page.execute_script("return document.documentElement.scrollWidth")
        assert wide <= width


def test_without_a_script_tables_are_there_and_buttons_that_need_one_are_not(show, broken):
    page = show(broken, scripts=False)
    assert len(visible(page, "tbody[data-row] th")) == 2
    assert len(visible(page, ".failure .heat")) > 3
    assert visible(page, "#filters") == visible(page, "button") == []


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
