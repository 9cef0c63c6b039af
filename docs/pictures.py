"""The pictures of the README and of docs/report.md: `make pictures`.

`pictures.py PRINTED REPORT BROKEN` takes what `gateparity check` printed to a terminal, of which it
shows all before the table of pairs; the report of the whole suite; and a report of an LSTM whose
gates are packed f, i, g, o, of which it shows the section that explains it. The pictures of reports
need Chromium and its driver.
"""

from __future__ import annotations

import io
import re
import shutil
import sys
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

DOCS: Final = Path(__file__).parent
FLAGS: Final = "--headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1300,1080"
FONTS: Final = re.compile(r"@font-face \{.*?\}\n", re.DOTALL)  # which rich's picture would fetch


def main(printed: str, report: str, broken: str) -> None:
    """Write the pictures beside this file."""
    draw_table(Path(printed).read_text("utf-8"))
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in FLAGS.split():
        options.add_argument(flag)
    browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        browser.set_window_size(1560, 1500)
        browser.get(Path(report).absolute().as_uri())
        browser.save_screenshot(str(DOCS / "report.png"))
        browser.get(Path(broken).absolute().as_uri())
        failure = browser.find_element(By.ID, "backend-2")
        browser.set_window_size(1300, 4000)  # what isn't in the window isn't drawn
        browser.execute_script("arguments[0].scrollIntoView()", failure)
        failure.screenshot(str(DOCS / "report-failure.png"))
    finally:
        browser.quit()


def draw_table(printed: str) -> None:
    """Draw what comes before the pairs, as a terminal shows it."""
    lines = [Text.from_ansi(line) for line in printed.splitlines()]
    end = next(k for k, line in enumerate(lines) if line.plain.startswith("Every pair"))
    shown = lines[: end - 1]
    width = max(line.cell_len for line in shown)
    console = Console(file=io.StringIO(), record=True, width=width, force_terminal=True)
    for line in shown:
        console.print(line)
    svg = console.export_svg(title="gateparity check, six of its checks", unique_id="table")
    (DOCS / "table.svg").write_text(FONTS.sub("", svg).replace("Fira Code, ", ""), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
