"""A run as GitHub-flavoured Markdown: the summary page of a CI job.

A backend's texts are escaped, so that none is read as Markdown or HTML.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final

from gateparity.conformance.reports.summary import (
    TITLE,
    cell_words,
    describe_counts,
    describe_failure,
    describe_saved,
    describe_verdict,
    empty_cells,
    find_cells,
    shown_checks,
    shown_dtypes,
)
from gateparity.conformance.runs.result import repeat_command

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateparity.conformance.runs.result import Run

_SPECIAL: Final = re.compile(r"([\\`*_\[\]|~$])")


def to_markdown(run: Run, source: str = "") -> str:
    """Return the Markdown. `source` is the option that named a file of the user's, if any."""
    parts = [
        f"### gateparity: {escape(describe_verdict(run))}",
        f"{describe_counts(run)}.",
        f"{TITLE}.",
        "\n".join(_table(run)),
        "\n".join(_notes(run)),
        *_failures(run, source),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def escape(text: str) -> str:
    """Escape a text for Markdown and HTML, on one line."""
    return _SPECIAL.sub(r"\\\1", html.escape(" ".join(text.split()), quote=False))


def _table(run: Run) -> Iterator[str]:
    checks = shown_checks(run)
    dtypes = shown_dtypes(run)
    found = find_cells(run)
    yield to_row(["backend", "version", "dtype", *checks])
    yield to_row(["---"] * 3 + ["---:"] * len(checks))
    for backend in run.backends:
        head = [escape(backend.label), escape(run.versions.get(backend.label, ""))]
        for dtype in dtypes:
            cells = [_cell(*cell_words(found.get((backend.label, c, dtype), ()))) for c in checks]
            yield to_row([*head, dtype, *cells])


def _cell(words: str, status: str) -> str:
    return f"**{words}**" if status in ("fail", "error") else words


def to_row(cells: Sequence[str]) -> str:
    """Return a table line from cells that are Markdown already."""
    return f"| {' | '.join(cells)} |"


def _notes(run: Run) -> Iterator[str]:
    for label, status, checks, reason in empty_cells(run):
        yield f"- {escape(label)} {_cell(status, status)}: {checks}: {escape(reason)}"


def _failures(run: Run, source: str) -> Iterator[str]:
    for result in run.results:
        if result.status == "fail":
            yield f"**{escape(describe_failure(result))}**: {escape(result.reason)}"
            yield _code(repeat_command(result, run.seed, source))
            yield escape(describe_saved(result))
    for label, words in run.explanations.items():
        yield f"**{escape(label)}**: {escape(words)}"
    for pair in run.pairs:
        if pair.status == "fail":
            what = escape(f"{pair.a} and {pair.b} differ, {pair.dtype}")
            yield f"**{what}**: {escape(pair.reason)}"


def _code(text: str) -> str:
    """Return a code block in a fence that is longer than any in the text."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}console\n$ {text}\n{fence}"
