"""A lesson's notebook has its text and its lines, in their order, and nothing that they print."""

from __future__ import annotations

import doctest
import importlib.util
import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")

DOCS = Path(__file__).parents[2] / "docs"
LESSONS = sorted(DOCS.glob("lesson-*.md"))


@pytest.fixture(scope="module")
def make_notebook():
    spec = importlib.util.spec_from_file_location(
        "notebooks", DOCS / "_extensions" / "notebooks.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make_notebook


@pytest.mark.parametrize("page", LESSONS, ids=lambda page: page.stem)
def test_a_notebook_runs_the_lines_of_its_page(page, make_notebook):
    text = page.read_text("utf-8")
    notebook = make_notebook(text)
    nbformat.validate(notebook)
    blocks = re.findall(r"```pycon\n(.*?)```", text, re.DOTALL)
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    parse = doctest.DocTestParser().get_examples
    assert sources == ["".join(e.source for e in parse(block)).strip() for block in blocks]
    assert not any(">>>" in source for source in sources)
    for source in sources:
        compile(source, page.name, "exec")


def test_prose_and_code_take_turns_as_on_the_page(make_notebook):
    notebook = make_notebook("# Title\n\n```pycon\n>>> 1 + 1\n2\n```\n\nMore.\n")
    assert [(c.cell_type, c.source) for c in notebook.cells] == [
        ("markdown", "# Title"),
        ("code", "1 + 1"),
        ("markdown", "More."),
    ]


def test_an_exception_on_purpose_lets_a_run_go_on(make_notebook):
    text = "```pycon\n>>> 1 / 0\nTraceback (most recent call last):\nZeroDivisionError: by 0\n```"
    assert make_notebook(text).cells[0].metadata["tags"] == ["raises-exception"]


def test_the_same_page_makes_the_same_file(make_notebook):
    text = LESSONS[0].read_text("utf-8")
    assert nbformat.writes(make_notebook(text)) == nbformat.writes(make_notebook(text))
