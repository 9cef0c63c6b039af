"""Examples that the build runs: it shows what they measured, and says what it could not run.

An example that prints anything but what its page shows is a warning with its line, and a warning
fails the build. A framework that isn't installed fails nothing. The build and the pages with code
for it say that it is missing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from _extensions.execution import execute_pages
from _extensions.figures import FIGURES
from _extensions.lesson import measurements, read_parts
from _extensions.pycon import output_block
from gateparity.backends.catalogue import FRAMEWORKS

if TYPE_CHECKING:
    from sphinx.application import Sphinx

    from _extensions.execution import Executed
    from _extensions.lesson import Part

_LOG: Final = logging.getLogger(__name__)
_NOBODY: Final = "No framework was there to measure this in this build."
_LACKS: Final = """
:::{{note}}
Built without {names}: {its} lines on this page were not run.
:::
"""


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the extension to Sphinx, which calls this function."""
    app.connect("builder-inited", _execute)
    app.connect("source-read", _say_what_is_missing)
    app.add_directive("measured", Measured)
    app.add_directive("beside", Beside)
    for kind in FIGURES:
        app.add_directive(kind, Drawn)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class Measured(SphinxDirective):
    """Code, and what it printed in this build: ` ```{measured} NAME ` in a framework's tab."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the code as a block, and its output as another."""
        code = nodes.literal_block("\n".join(self.content), "\n".join(self.content))
        code["language"] = "python"
        code["classes"] = ["example-code"]
        framework, printed = self._framework(), _printed(self)
        if not framework and "" not in printed:
            return [code]  # frameworks measure it, each another number; a picture shows them
        lines = printed.get(framework, ["not run in this build"])
        shown = nodes.container("", code, output_block("\n".join(lines)), classes=["example"])
        return [shown]

    def _framework(self) -> str:
        """Return the framework whose tab has this block, by counting blocks down the page."""
        nth = self.env.temp_data.get("gateparity_measured", 0)
        self.env.temp_data["gateparity_measured"] = nth + 1
        return _measured(self)[nth].framework


class Drawn(SphinxDirective):
    """A picture of what every framework measured: ` ```{bars} NAME ` or curves, and a caption.

    Bars have their numbers below, in a table.
    """

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the picture, its caption, and the numbers."""
        found = _numbers(self)
        if not found:
            return [nodes.paragraph("", _NOBODY)]
        caption = " ".join(self.content)
        words = f"*{caption} Measured by the build of this page.*"
        numbers = f"\n\n{_table(found)}" if self.name == "bars" else ""
        picture = nodes.raw("", FIGURES[self.name](found, caption), format="html")
        return [picture, *self.parse_text_to_nodes(words + numbers)]


class Beside(SphinxDirective):
    """A table with a column for each framework, of the `LABEL: WORDS` lines that it printed.

    ` ```{beside} NAME ` and a caption. Lines on which the frameworks differ are marked.
    """

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the caption and the table."""
        printed = _printed(self)
        if not printed:
            return [nodes.paragraph("", _NOBODY)]
        found = {
            _title(name): dict(line.split(": ", 1) for line in lines)
            for name, lines in printed.items()
        }
        caption, legend = " ".join(self.content), "Frameworks differ on a line with a star."
        return self.parse_text_to_nodes(f"*{caption} {legend}*\n\n{_words_table(found)}")


def _numbers(directive: SphinxDirective) -> dict[str, dict[str, float]]:
    """Return what was measured, by the framework's title and the label."""
    printed = _printed(directive)
    return {_title(name): measurements(lines) for name, lines in printed.items()}


def _title(framework: str) -> str:
    return FRAMEWORKS[framework or "numpy"].title


def _table(found: dict[str, dict[str, float]]) -> str:
    rounded = {
        name: {label: f"{number:.2f}" for label, number in numbers.items()}
        for name, numbers in found.items()
    }
    return _rows(rounded, _labels(rounded))


def _words_table(found: dict[str, dict[str, str]]) -> str:
    """Return a table whose labels have a star where columns differ."""
    starred = {
        label: label + r" \*" * (len({words.get(label) for words in found.values()}) > 1)
        for label in _labels(found)
    }
    return _rows(found, starred)


def _rows(found: dict[str, dict[str, str]], labels: dict[str, str]) -> str:
    rows = [
        f"| {shown} | {' | '.join(words.get(label, '') for words in found.values())} |"
        for label, shown in labels.items()
    ]
    return "\n".join((f"| | {' | '.join(found)} |", "|---" * (len(found) + 1) + "|", *rows))


def _labels(found: dict[str, dict[str, str]]) -> dict[str, str]:
    return {label: label for words in found.values() for label in words}


def _printed(directive: SphinxDirective) -> dict[str, list[str]]:
    """Return what each framework's block of this name printed, on the page of a directive.

    A block outside the tabs that prints the same in all frameworks is none's: its key is empty.
    """
    name, page = directive.arguments[0], directive.env.docname
    found = {
        done.framework: list(done.measured[name])
        for done in directive.env.gateparity_executed  # type: ignore[attr-defined]
        if done.page == page and name in done.measured
    }
    first = next(iter(found.values()), [])
    is_common = all(part.framework == "" for part in _measured(directive) if part.name == name)
    return {"": first} if found and is_common and all(v == first for v in found.values()) else found


def _measured(directive: SphinxDirective) -> list[Part]:
    """Return the measured blocks of the page of a directive."""
    page = Path(directive.get_source_info()[0]).read_text("utf-8")
    return [part for part in read_parts(page) if part.kind == "measured"]


def _execute(app: Sphinx) -> None:
    found = execute_pages(sorted(Path(app.srcdir).glob("*.md")), progress=_report)
    app.env.gateparity_executed = found  # type: ignore[attr-defined]
    for done in found:
        for line, text in done.failures:
            _LOG.warning("in %s: %s", _title(done.framework), text, location=(done.page, line))
    for page, names in _missing(found).items():
        _LOG.info("%s was not run in %s", page, ", ".join(names))
    for name, why in {d.framework: d.missing for d in found if d.missing}.items():
        _LOG.info("%s: %s", _title(name), why)


def _report(page: str, outcomes: list[Executed]) -> None:
    """Log a line for a page whose code has run, since that takes minutes for all pages."""
    times = (
        f"{_title(done.framework)} {done.seconds:.0f} s" for done in outcomes if not done.missing
    )
    _LOG.info("%s ran: %s", page, ", ".join(times) or "nowhere")


def _say_what_is_missing(app: Sphinx, page: str, source: list[str]) -> None:
    missing = _missing(app.env.gateparity_executed).get(page)  # type: ignore[attr-defined]
    if missing:
        title, _, rest = source[0].partition("\n")
        its = "its" if len(missing) == 1 else "their"
        source[0] = title + "\n" + _LACKS.format(names=_list(missing), its=its) + rest


def _missing(found: list[Executed]) -> dict[str, list[str]]:
    """Return, by page, the titles of frameworks that have code there and couldn't be run."""
    pages: dict[str, list[str]] = {}
    for done in found:
        if done.missing:
            pages.setdefault(done.page, []).append(_title(done.framework))
    return pages


def _list(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
