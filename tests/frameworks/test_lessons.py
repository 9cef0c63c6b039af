"""A page runs, line by line, and prints what it says, where its frameworks are installed."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {
    "differences": (),
    "lesson-book": ("torch",),
    "lesson-cell": ("torch",),
    "lesson-gates": ("torch",),
    "lesson-layers": ("torch",),
    "lesson-linear": ("torch",),
}
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("page", PAGES)
def test_a_page_prints_what_it_says(page, tmp_path, monkeypatch):
    for module in PAGES[page]:
        pytest.importorskip(module, exc_type=ImportError)
    monkeypatch.chdir(tmp_path)
    text = (DOCS / f"{page}.md").read_text("utf-8")
    code = "\n".join(re.findall(r"```pycon\n(.*?)```", text, re.DOTALL))
    lines = doctest.DocTestParser().get_doctest(code, {}, page, f"{page}.md", 0)
    found: list[str] = []
    assert lines.examples
    doctest.DocTestRunner(optionflags=FLAGS).run(lines, out=found.append)
    assert not found, "".join(found)


def test_every_page_with_lines_to_type_is_run():
    found = {page.stem for page in DOCS.glob("*.md") if "```pycon" in page.read_text("utf-8")}
    assert found == set(PAGES)
