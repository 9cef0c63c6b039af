"""A lesson's notebooks have its text and its lines, in their order, and what these printed."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import nbformat
import pytest

from _extensions.execution import Executed
from _extensions.lesson import framework_names, program, read_parts, split_examples
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
    parts = read_parts(text)
    for name in framework_names(parts):
        notebook = make_notebook(text, Executed(page.stem, name))
        nbformat.validate(notebook)
        sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        assert sources == [
            code for part in program(parts, name) for code in _codes(part.kind, part.text)
        ]
        for source in sources:
            compile(source, page.name, "exec")
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                assert ":::" not in cell.source
                assert "```{" not in cell.source
                assert not re.search(r"\]\([^)]*\.md", cell.source)


def _codes(kind, text):
    return [c.code for c in split_examples(text)] if kind == "pycon" else [text.strip()]


def cells(text, framework="numpy", **found):
    """The cells of a page's notebook, without the first, which is about the environment."""
    notebook = make_notebook(text, Executed("page", framework, **found))
    nbformat.validate(notebook)
    return notebook.cells[1:]


def test_the_first_cell_says_how_to_get_the_environment():
    first = make_notebook("# Title\n", Executed("lesson-x", "tensorflow")).cells[0].source
    assert "needs Python 3.11 and TensorFlow" in first
    assert "lesson/bin/python -m pip install notebook 'tensorflow-cpu==" in first
    assert "-m notebook lesson-x-tensorflow.ipynb" in first


def test_prose_and_code_take_turns_as_on_the_page():
    found = cells("# Title\n\n```pycon\n>>> 1 + 1\n2\n```\n\nMore.\n")
    assert [(c.cell_type, c.source) for c in found] == [
        ("markdown", "# Title"),
        ("code", "1 + 1"),
        ("markdown", "More."),
    ]


def test_of_the_tabs_a_notebook_has_its_frameworks_alone():
    assert [(c.cell_type, c.source) for c in cells(TABS, "torch")] == [
        ("markdown", "# Title\n\nIn PyTorch."),
        ("code", "2"),
        ("markdown", "More."),
    ]


def test_a_cell_has_what_its_framework_printed():
    text = """```pycon
>>> a = 1
>>> a
1
>>> print(a)
1
>>> 1 / 0
Traceback (most recent call last):
ZeroDivisionError: by zero
```
```{measured} cost
print("b", 3)
```
"""
    raised = "Traceback (most recent call last):\nZeroDivisionError: by zero\n"
    value, printed, error, measured = cells(
        text, outputs={3: "1\n", 5: "1\n", 7: raised}, measured={"cost": ["b 3"]}
    )
    assert (value.source, value.outputs[0].data["text/plain"]) == ("a = 1\na", "1")
    assert value.execution_count == value.outputs[0].execution_count == 1
    assert (printed.outputs[0].output_type, printed.outputs[0].text) == ("stream", "1\n")
    assert (error.outputs[0].ename, error.outputs[0].evalue) == ("ZeroDivisionError", "by zero")
    assert error.metadata["tags"] == ["raises-exception"]
    assert measured.outputs[0].text == "b 3\n"


def test_what_is_for_the_page_alone_is_left_out_and_what_is_folded_is_not():
    text = """# T

:::{only-page}
Choose a tab.
:::

See [the page](errata.md#x) and [this](https://a.b/).

:::{dropdown} Solution
It is 2.
:::
"""
    [cell] = cells(text)
    assert cell.source.split("\n\n") == [
        "# T",
        "See the page and [this](https://a.b/).",
        "**Solution**",
        "It is 2.",
    ]


def test_a_drawing_is_attached():
    [cell] = cells("```{drawing} cell\nCaption: Notice.\n```\n")
    assert cell.source == "![cell](attachment:cell.svg)\n\n*Notice.*"
    svg = base64.b64decode(cell.attachments["cell.svg"]["image/svg+xml"])
    assert ET.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"


def test_what_a_framework_measured_is_drawn_for_it_alone():
    text = "```{bars} cost\nThe cost.\n```\n"
    [cell] = cells(text, "torch", measured={"cost": ["a 2", "b 3"]})
    assert cell.source == "![cost](attachment:cost.svg)\n\n*The cost.*"
    svg = base64.b64decode(cell.attachments["cost.svg"]["image/svg+xml"]).decode()
    assert ET.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
    assert "PyTorch" in svg
    assert cells(text) == []  # nothing was measured


def test_the_same_page_makes_the_same_file():
    text = LESSONS[0].read_text("utf-8")
    one, other = (make_notebook(text, Executed("lesson", "jax")) for _ in range(2))
    assert nbformat.writes(one) == nbformat.writes(other)
