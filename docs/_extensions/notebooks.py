"""Each lesson as a notebook too, without what its lines print, and a link to it on its page."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import nbformat
from nbformat import v4

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_CODE: Final = re.compile(r"```pycon\n(.*?)```", re.DOTALL)
_LINK: Final = '<p><a href="{name}" download>This lesson as a notebook</a></p>\n'


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls it."""
    app.connect("html-page-context", _link)
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def make_notebook(text: str) -> nbformat.NotebookNode:
    """A page of Markdown, its Python as code to run: a cell for each block.

    A block that ends in an exception on purpose has the tag that lets a run go on.
    """
    cells = []
    for k, part in enumerate(_CODE.split(text)):
        if k % 2:
            examples = doctest.DocTestParser().get_examples(part)
            tags = ["raises-exception"] if any(e.exc_msg for e in examples) else []
            source = "".join(example.source for example in examples).strip()
            cells.append(v4.new_code_cell(source, metadata={"tags": tags}))
        elif part.strip():
            cells.append(v4.new_markdown_cell(part.strip()))
    for k, cell in enumerate(cells):
        cell["id"] = f"cell-{k}"  # not at random: the same page is the same file
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def _write(app: Sphinx, exception: Exception | None) -> None:
    for page in () if exception else Path(app.srcdir).glob("lesson-*.md"):
        notebook = make_notebook(page.read_text("utf-8"))
        nbformat.validate(notebook)
        nbformat.write(notebook, Path(app.outdir) / f"{page.stem}.ipynb")


def _link(app: Sphinx, page: str, template: str, context: dict[str, Any], _: object) -> None:
    del app, template
    if page.startswith("lesson-"):
        context["body"] = _LINK.format(name=f"{page}.ipynb") + context["body"]
