"""Reports of how recordings differ, for people, programs and a CI's page."""

from __future__ import annotations

import dataclasses
import importlib.metadata
from typing import TYPE_CHECKING, Any, Final

from rich.markup import escape
from rich.table import Table

from gateparity.conformance.reports import markdown
from gateparity.conformance.reports.console import print_line, print_table
from gateparity.conformance.reports.html.figures import Table as PageTable
from gateparity.conformance.reports.summary import number_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from gateparity.conformance.recordings.compare import Comparison
    from gateparity.conformance.recordings.same_backend import ManifestDifference, SameBackend

_STYLES: Final = {
    "same bits": "green",
    "within rounding": "green",
    "beyond rounding": "bold red",
    "not compared": "dim",
}
_TWINS: Final = ("backend", "and", "dtype", "same bits", "sigma", "so they are")
_LIST: Final = 6  # words of a line that are too many to be read one by one


def print_recordings(comparison: Comparison, console: Console) -> None:
    """Print when and by which version each recording was made."""
    for line in _describe_recordings(comparison):
        print_line(escape(line), console)


def print_twins(comparison: Comparison, console: Console) -> None:
    """Print how far one backend's recordings are apart, and what may explain it."""
    if comparison.twins:
        table = Table(title="One backend, recorded more than once")
        for name in _TWINS:
            table.add_column(name, no_wrap=True, justify="right" if name == "sigma" else "left")
        for twin in comparison.twins:
            *cells, alike = map(escape, _twin_cells(twin))
            table.add_row(*cells, f"[{_STYLES[twin.alike]}]{alike}[/]")
        print_table(console, table)
    for words in _describe_firsts(comparison):
        print_line(escape(words), console)
    for names, lines in _by_recordings(comparison.lines).items():
        table = Table(title="What differs in their manifests")
        for name in ("line", *names, "of"):
            table.add_column(escape(name), overflow="fold")
        for line in lines:
            table.add_row(*map(escape, _line_cells(line)))
        print_table(console, table)
    for words in _describe_revised(comparison):
        print_line(f"[yellow]{escape(words)}[/]", console)


def to_json(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison as plain data, to be added to the run's own."""
    return {
        "recordings": [
            {
                "name": name,
                "gateparity": one.gateparity,
                "recorded": one.recorded,
                "rows": [backend.label for backend in one.run.backends],
            }
            for name, one in comparison.recordings.items()
        ],
        "twins": [_twin_json(twin) for twin in comparison.twins],
        "differing_lines": [dataclasses.asdict(line) for line in comparison.lines],
        "revised": [[r.backend.label, *r.key, r.status] for r in comparison.revised],
    }


def to_markdown(comparison: Comparison) -> str:
    """Return tables and lists in Markdown, to go below the run's own."""
    said = [*_describe_recordings(comparison), *_describe_firsts(comparison)]
    parts = [
        "\n".join(f"- {markdown.escape(line)}" for line in said),
        "\n".join(_table(_TWINS, [_twin_cells(twin) for twin in comparison.twins])),
        *(
            "\n".join(_table(("line", *names, "of"), [_line_cells(line) for line in lines]))
            for names, lines in _by_recordings(comparison.lines).items()
        ),
        "\n".join(f"- {markdown.escape(line)}" for line in _describe_revised(comparison)),
    ]
    return "".join(f"\n{part}\n" for part in parts if part)


def to_notes(comparison: Comparison) -> list[str]:
    """Return the sentences of the comparison, for a page."""
    parts = (_describe_recordings, _describe_firsts, _describe_revised)
    return [line for part in parts for line in part(comparison)]


def to_tables(comparison: Comparison) -> list[PageTable]:
    """Return the comparison's tables for a page."""
    twins = [_twin_cells(twin) for twin in comparison.twins]
    lines = [
        PageTable(
            "What differs in their manifests", ("line", *names, "of"), list(map(_line_cells, of))
        )
        for names, of in _by_recordings(comparison.lines).items()
    ]
    return [PageTable("One backend, recorded more than once", _TWINS, twins), *lines]


def _describe_recordings(comparison: Comparison) -> Iterator[str]:
    here = importlib.metadata.version("gateparity")
    for name, one in comparison.recordings.items():
        backends = ", ".join(backend.label for backend in one.run.backends)
        note = "" if one.gateparity == here else f", judged by {here}: its checks may be others"
        yield f"{name}: recorded {one.recorded} by gateparity {one.gateparity}{note}: {backends}"


def _describe_firsts(comparison: Comparison) -> Iterator[str]:
    for twin in comparison.twins:
        if twin.first:
            yield f"{twin.a} and {twin.b}, {twin.dtype}, differ first in {twin.first}"


def _describe_revised(comparison: Comparison) -> Iterator[str]:
    for result in comparison.revised[:10]:
        where = ", ".join(result.key)
        yield f"{result.backend.label} {where}: {result.status} here, and not where it was recorded"


def _twin_cells(twin: SameBackend) -> list[str]:
    sigmas = number_words(twin.sigmas)
    same = f"{twin.same_bits} of {twin.compared}"
    return [twin.a, twin.b, twin.dtype, same, sigmas, twin.alike]


def _twin_json(twin: SameBackend) -> dict[str, Any]:
    sigmas = twin.sigmas
    finite = sigmas is not None and abs(sigmas) != float("inf")
    return {**vars(twin), "sigmas": sigmas if finite else None}


def _by_recordings(
    lines: Sequence[ManifestDifference],
) -> dict[tuple[str, str], list[ManifestDifference]]:
    found: dict[tuple[str, str], list[ManifestDifference]] = {}
    for line in lines:
        found.setdefault((line.a, line.b), []).append(line)
    return found


def _line_cells(line: ManifestDifference) -> list[str]:
    """Return a table row for a manifest line; long lists show only the words that differ."""
    a, b = line.value_a.split(), line.value_b.split()
    if min(len(a), len(b)) < _LIST:
        return [line.name, line.value_a or "-", line.value_b or "-", ", ".join(line.backends)]
    alone = [" ".join(word for word in one if word not in two) for one, two in ((a, b), (b, a))]
    cells = [f"... {words}" if words else "..." for words in alone]
    return [line.name, *cells, ", ".join(line.backends)]


def _table(head: Sequence[str], backends: Sequence[Sequence[str]]) -> Iterator[str]:
    if backends:
        yield markdown.to_row([markdown.escape(name) for name in head])
        yield markdown.to_row(["---"] * len(head))
    for cells in backends:
        yield markdown.to_row([markdown.escape(cell) for cell in cells])
