"""The pictures of reports: `make pictures`, with Chromium, its driver, and selenium.

`pictures.py REPORT BROKEN`: that of the whole suite, and one with a row whose gates are packed
f, i, g, o, of which the place where it begins is shown.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

DOCS: Final = Path(__file__).parent
FLAGS: Final = "--headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1300,1080"


def main(report: str, broken: str) -> None:
    """Write both beside this file."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in FLAGS.split():
        options.add_argument(flag)
    browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        browser.get(Path(report).absolute().as_uri())
        browser.save_screenshot(str(DOCS / "report.png"))
        browser.get(Path(broken).absolute().as_uri())
        failure = browser.find_element(By.ID, "cell-1-gates-float32")
        browser.set_window_size(1300, 4000)  # what isn't in the window isn't drawn
        browser.execute_script("arguments[0].scrollIntoView()", failure)
        failure.screenshot(str(DOCS / "report-failure.png"))
    finally:
        browser.quit()


if __name__ == "__main__":
    main(*sys.argv[1:])
