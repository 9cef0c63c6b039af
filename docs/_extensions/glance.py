"""All frameworks side by side, on one sheet: ` ```{glance} NAME ` and a caption.

The first rows are facts of gateparity's own layouts. All other rows are the `LABEL: WORDS` lines
that blocks of this name printed, each in its framework.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.conformance.reports.layouts import facts
from gateparity.layouts import LAYOUTS

if TYPE_CHECKING:
    from sphinx.application import Sphinx

SHOWN: Final = {
    "numpy": "d2l",
    "torch": "torch",
    "tensorflow": "keras",
    "jax": "flax",
    "mxnet": "mxnet",
}
FACTS: Final = (
    *("class", "gate order", "input kernel", "recurrent kernel", "biases"),
    *("bias count", "forget offset", "states", "checked against"),
)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the extension to Sphinx, which calls this function."""
    app.add_directive("glance", Glance)
    app.add_css_file("glance.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class Glance(SphinxDirective):
    """A table with a column for each framework, which is printed on one sheet."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the table and its caption."""
        name, page = self.arguments[0], self.env.docname
        measured = {
            done.framework: dict(line.split(": ", 1) for line in done.measured[name])
            for done in self.env.gateparity_executed  # type: ignore[attr-defined]
            if done.page == page and name in done.measured
        }
        text = f"{table(measured)}\n\n*{' '.join(self.content)}*"
        return [nodes.container("", *self.parse_text_to_nodes(text), classes=["glance"])]


def table(measured: dict[str, dict[str, str]]) -> str:
    """Return the Markdown table of layouts' facts and of what each framework measured."""
    columns = {
        framework: {name: _cell(facts(LAYOUTS[layout])[name]) for name in FACTS}
        | measured.get(framework, {})
        for framework, layout in SHOWN.items()
    }
    labels = dict.fromkeys(label for column in columns.values() for label in column)
    titles = " | ".join(FRAMEWORKS[framework].title for framework in columns)
    rows = [
        f"| {label} | {' | '.join(column.get(label, '-') for column in columns.values())} |"
        for label in labels
    ]
    return "\n".join((f"| | {titles} |", "|---" * (len(columns) + 1) + "|", *rows))


def _cell(fact: str) -> str:
    """Return a fact as the contents of a cell: an array's name as code, and then its axes."""
    pairs = [line.rpartition(": ") for line in fact.splitlines()]
    return "<br>".join(f"`{name}`: {words}" if name else words for name, _, words in pairs)
