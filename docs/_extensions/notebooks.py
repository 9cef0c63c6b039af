"""Each lesson as notebooks, one for each framework, with links to them on its page.

A notebook has the page's text, code and drawings, and what the code printed in this build. From
tabs it has only its framework's. Its first cell says how to get the environment.
"""

from __future__ import annotations

import ast
import base64
import itertools
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import nbformat
from nbformat import v4
from sphinx.util.docutils import SphinxDirective

from _extensions.drawings import draw_alone
from _extensions.figures import FIGURES, on_white
from _extensions.lesson import framework_names, measurements, read_parts, split_examples
from gateparity.backends.catalogue import FRAMEWORKS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from docutils import nodes
    from sphinx.application import Sphinx

    from _extensions.execution import Executed
    from _extensions.lesson import Chunk, Part

_BESIDE: Final = re.compile(r"```\{beside\} .*?```", re.DOTALL)  # all frameworks, beside each other
_PICTURE: Final = re.compile(
    r"```\{(drawing|bars|curves)\} (\w+)\n(?:Caption: )?(.*?)\n```", re.DOTALL
)
_ONLY_PAGE: Final = re.compile(r"^(:::+)\{only-page\}\n.*?^\1\n", re.MULTILINE | re.DOTALL)
_FOLDED: Final = re.compile(r"^:::+\{dropdown\} (.*)\n", re.MULTILINE)
_TABS: Final = re.compile(r"^:(?:::+.*|sync[\w-]*: .*)\n", re.MULTILINE)
_BLANK: Final = re.compile(r"\n{3,}")
_PAGE_LINK: Final = re.compile(r"\[((?:`[^`]*`|[^`\]])+)\]\((?!https?:|attachment:)[^)]*\)")
_LINK: Final = '<a href="{page}-{name}.ipynb" download>{title}</a>'
_LINKS: Final = "<p>This lesson as a notebook: {links}</p>\n"
_START: Final = """\
This notebook needs Python {python} and {title}. To make an environment for both, and to open the
notebook in it:

```console
$ python{python} -m venv lesson
$ lesson/bin/python -m pip install notebook {pins}
$ lesson/bin/python -m notebook {file}
```"""


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
        """Return the text as the page shows it."""
        return self.parse_content_to_nodes()


def make_notebook(text: str, done: Executed) -> nbformat.NotebookNode:
    """Return a page of Markdown as a notebook for one framework, with what the code printed there.

    Code has a cell up to each output. A cell that ends in an exception on purpose gets the tag that
    lets a run go on.
    """
    parts = [part for part in read_parts(text) if part.framework in {"", done.framework}]
    cells = [v4.new_markdown_cell(_start(done))]
    for is_text, group in itertools.groupby(parts, lambda part: part.kind == "text"):
        if is_text:
            cells += _prose("".join(part.text for part in group), done)
        else:
            cells += itertools.chain.from_iterable(_code(part, done) for part in group)
    for k, cell in enumerate(cells):
        cell["id"] = f"cell-{k}"  # not at random: the same page is the same file
    _count(cells)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def _start(done: Executed) -> str:
    framework = FRAMEWORKS[done.framework]
    lines = framework.requirements.read_text("utf-8").splitlines()
    pins = " ".join(shlex.quote(line) for line in lines if line and not line.startswith("#"))
    python = ".".join(map(str, framework.pythons[0]))
    file = f"{done.page}-{done.framework}.ipynb"
    return _START.format(python=python, title=framework.title, pins=pins, file=file)


def _prose(text: str, done: Executed) -> list[nbformat.NotebookNode]:
    """Return text as a cell without the page's tabs and links; pictures are attached to it."""
    pictures: dict[str, str] = {}

    def attach(found: re.Match[str]) -> str:
        kind, name, caption = found.groups()
        if not (svg := _picture(kind, name, caption, done)):
            return ""
        pictures[f"{name}.svg"] = base64.b64encode(svg.encode()).decode()
        return f"![{name}](attachment:{name}.svg)\n\n*{caption}*"

    text = _PICTURE.sub(attach, _ONLY_PAGE.sub("", _BESIDE.sub("", text)))
    text = _PAGE_LINK.sub(r"\1", _TABS.sub("", _FOLDED.sub(r"**\1**\n\n", text)))
    text = _BLANK.sub("\n\n", text).strip()
    if not text:
        return []
    cell = v4.new_markdown_cell(text)
    if pictures:
        cell["attachments"] = {name: {"image/svg+xml": svg} for name, svg in pictures.items()}
    return [cell]


def _picture(kind: str, name: str, caption: str, done: Executed) -> str:
    """Return a picture as a file; of what was measured it has this framework's numbers alone."""
    if kind == "drawing":
        return draw_alone(name)
    if not (lines := done.measured.get(name)):
        return ""
    numbers = {FRAMEWORKS[done.framework].title: measurements(lines)}
    return on_white(FIGURES[kind](numbers, caption))


def _code(part: Part, done: Executed) -> Iterable[nbformat.NotebookNode]:
    if part.kind == "measured":
        lines = done.measured.get(part.name, ())
        printed = [v4.new_output("stream", text="\n".join(lines) + "\n")] if lines else []
        tags = {"tags": ["measured"]}  # its numbers are those of one run
        return [v4.new_code_cell(part.text.strip(), outputs=printed, metadata=tags)]
    return [
        v4.new_code_cell(
            chunk.code,
            outputs=_outputs(chunk, done.outputs.get(chunk.line, "")),
            metadata={"tags": ["raises-exception"] * chunk.raises},
        )
        for chunk in split_examples(part.text, part.line)
    ]


def _outputs(chunk: Chunk, printed: str) -> list[nbformat.NotebookNode]:
    """Return what a kernel shows of a cell: an error, the value of its last line, or a stream."""
    if not printed:
        return []
    if chunk.raises:
        lines = printed.rstrip("\n").splitlines()
        name, _, value = lines[-1].partition(": ")
        return [v4.new_output("error", ename=name, evalue=value, traceback=lines)]
    if _ends_in_a_value(chunk.code):
        return [v4.new_output("execute_result", data={"text/plain": printed.rstrip("\n")})]
    return [v4.new_output("stream", text=printed)]


def _ends_in_a_value(code: str) -> bool:
    last = ast.parse(code).body[-1]
    call = last.value if isinstance(last, ast.Expr) else None
    return call is not None and not (
        isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "print"
    )


def _count(cells: Iterable[nbformat.NotebookNode]) -> None:
    """Give numbers to the cells with code in their order, as a kernel does."""
    for number, cell in enumerate((c for c in cells if c.cell_type == "code"), 1):
        cell["execution_count"] = number
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output["execution_count"] = number


def _write(app: Sphinx, exception: Exception | None) -> None:
    found = {(d.page, d.framework): d for d in app.env.gateparity_executed}  # type: ignore[attr-defined]
    for page in () if exception else Path(app.srcdir).glob("lesson-*.md"):
        text = page.read_text("utf-8")
        for name in framework_names(read_parts(text)):
            notebook = make_notebook(text, found[page.stem, name])
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
