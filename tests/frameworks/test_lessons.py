"""A lesson runs, line by line, and prints what it says, where its frameworks are installed."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
LESSONS = dict.fromkeys(
    ("lesson-book", "lesson-cell", "lesson-gates", "lesson-layers", "lesson-linear"), ("torch",)
)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("page", LESSONS)
def test_a_lesson_prints_what_it_says(page, tmp_path, monkeypatch):
    for module in LESSONS[page]:
        pytest.importorskip(module, exc_type=ImportError)
    monkeypatch.chdir(tmp_path)
    text = (DOCS / f"{page}.md").read_text("utf-8")
    code = "\n".join(re.findall(r"```pycon\n(.*?)```", text, re.DOTALL))
    lesson = doctest.DocTestParser().get_doctest(code, {}, page, f"{page}.md", 0)
    found: list[str] = []
    assert lesson.examples
    doctest.DocTestRunner(optionflags=FLAGS).run(lesson, out=found.append)
    assert not found, "".join(found)


def test_every_lesson_is_run():
    assert {page.stem for page in DOCS.glob("lesson-*.md")} == set(LESSONS)
