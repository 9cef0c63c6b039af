"""A lesson's notebooks have its text and its lines, in their order, and nothing that they print."""

from __future__ import annotations

import doctest
from pathlib import Path

import nbformat
import pytest

from _extensions.lesson import framework_names, program, read_parts
from _extensions.notebooks import make_notebook

LESSONS = sorted((Path(__file__).parents[2] / "docs").glob("lesson-*.md"))
TABS = """# Title

::::{tab-set}
:sync-group: framework

:::{tab-item} NumPy
:sync: numpy
In NumPy.
```pycon
>>> 1 + 1
2
```
:::
:::{tab-item} PyTorch
:sync: torch
In PyTorch.
```pycon
>>> 2
2
```
:::
::::

```{bars} cost
Drawn.
```

More.
"""


@pytest.mark.parametrize("page", LESSONS, ids=lambda page: page.stem)
def test_a_notebook_runs_the_lines_of_its_page(page):
    text = page.read_text("utf-8")
    parse = doctest.DocTestParser().get_examples
    parts = read_parts(text)
    for name in framework_names(parts):
        notebook = make_notebook(text, name)
        nbformat.validate(notebook)
        sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        assert sources == [
            ("".join(e.source for e in parse(p.text)) if p.kind == "pycon" else p.text).strip()
            for p in program(parts, name)
        ]
        for source in sources:
            compile(source, page.name, "exec")
        prose = "".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        assert ":::" not in prose
        assert "{" + "bars}" not in prose


def test_prose_and_code_take_turns_as_on_the_page():
    notebook = make_notebook("# Title\n\n```pycon\n>>> 1 + 1\n2\n```\n\nMore.\n", "numpy")
    assert [(c.cell_type, c.source) for c in notebook.cells] == [
        ("markdown", "# Title"),
        ("code", "1 + 1"),
        ("markdown", "More."),
    ]


def test_of_the_tabs_a_notebook_has_its_frameworks_alone():
    notebook = make_notebook(TABS, "torch")
    assert [(c.cell_type, c.source) for c in notebook.cells] == [
        ("markdown", "# Title\n\n\nIn PyTorch."),
        ("code", "2"),
        ("markdown", "More."),
    ]


def test_an_exception_on_purpose_lets_a_run_go_on():
    text = "```pycon\n>>> 1 / 0\nTraceback (most recent call last):\nZeroDivisionError: by 0\n```"
    assert make_notebook(text, "numpy").cells[0].metadata["tags"] == ["raises-exception"]


def test_the_same_page_makes_the_same_file():
    text = LESSONS[0].read_text("utf-8")
    assert nbformat.writes(make_notebook(text, "jax")) == nbformat.writes(
        make_notebook(text, "jax")
    )
