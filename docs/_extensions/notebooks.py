"""Each lesson as notebooks, one for each framework, with links to them on its page.

A notebook has the page's text and code, without output. From tabs it has only its framework's.
"""

from __future__ import annotations

import doctest
import itertools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import nbformat
from nbformat import v4
from sphinx.util.docutils import SphinxDirective

from _extensions.lesson import framework_names, read_parts
from gateparity.backends.catalogue import FRAMEWORKS

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

    from _extensions.lesson import Part

_DRAWN: Final = re.compile(r"```\{(?:bars|curves|beside|drawing)\} .*?```", re.DOTALL)
_TABS: Final = re.compile(r"^:(?:::+.*|sync[\w-]*: .*)\n", re.MULTILINE)
_ONLY_PAGE: Final = re.compile(r"^:::\{only-page\}\n.*?^:::\n", re.MULTILINE | re.DOTALL)
_LINK: Final = '<a href="{page}-{name}.ipynb" download>{title}</a>'
_LINKS: Final = "<p>This lesson as a notebook: {links}</p>\n"


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the extension to Sphinx, which calls this function."""
    app.add_directive("only-page", OnlyPage)
    app.connect("html-page-context", _link)
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class OnlyPage(SphinxDirective):
    """Text of a page that its notebooks don't have: `:::{only-page}`."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the text."""
        return self.parse_content_to_nodes()


def make_notebook(text: str, framework: str) -> nbformat.NotebookNode:
    """Return a page of Markdown as a notebook for one framework, with a cell for each code block.

    A block that ends in an exception on purpose gets the tag that lets a run go on.
    """
    parts = [part for part in read_parts(text) if part.framework in {"", framework}]
    cells: list[nbformat.NotebookNode] = []
    for is_text, group in itertools.groupby(parts, lambda part: part.kind == "text"):
        if not is_text:
            cells += map(_code, group)
        elif prose := _prose("".join(part.text for part in group)).strip():
            cells.append(v4.new_markdown_cell(prose))
    for k, cell in enumerate(cells):
        cell["id"] = f"cell-{k}"  # not at random: the same page is the same file
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def _prose(text: str) -> str:
    """Remove tabs and the build's pictures from a page's Markdown."""
    return _TABS.sub("", _ONLY_PAGE.sub("", _DRAWN.sub("", text)))


def _code(part: Part) -> nbformat.NotebookNode:
    if part.kind == "measured":
        return v4.new_code_cell(part.text.strip())
    examples = doctest.DocTestParser().get_examples(part.text)
    tags = ["raises-exception"] if any(e.exc_msg for e in examples) else []
    source = "".join(example.source for example in examples).strip()
    return v4.new_code_cell(source, metadata={"tags": tags})


def _write(app: Sphinx, exception: Exception | None) -> None:
    for page in () if exception else Path(app.srcdir).glob("lesson-*.md"):
        text = page.read_text("utf-8")
        for name in framework_names(read_parts(text)):
            notebook = make_notebook(text, name)
            nbformat.validate(notebook)
            nbformat.write(notebook, Path(app.outdir) / f"{page.stem}-{name}.ipynb")


def _link(app: Sphinx, page: str, template: str, context: dict[str, Any], _: object) -> None:
    del template
    if page.startswith("lesson-"):
        text = Path(app.srcdir, f"{page}.md").read_text("utf-8")
        links = ", ".join(
            _LINK.format(page=page, name=name, title=FRAMEWORKS[name].title)
            for name in framework_names(read_parts(text))
        )
        context["body"] = _LINKS.format(links=links) + context["body"]
