"""Recordings compared, as a report and as plain data: the run judged here, and what differs."""

from __future__ import annotations

import dataclasses
import importlib.metadata
from typing import TYPE_CHECKING, Any, Final

from gateparity.conformance.reports.blocks import Cell, Section, Table, line
from gateparity.conformance.reports.numbers import finite, number_words
from gateparity.conformance.reports.run import run_report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateparity.conformance.recordings.compare import Comparison
    from gateparity.conformance.recordings.same_backend import (
        Alike,
        ManifestDifference,
        SameBackend,
    )
    from gateparity.conformance.reports.blocks import Line, Report, Text, Tone

_TONES: Final[dict[Alike, Tone]] = {
    "beyond rounding": "fail",
    "within rounding": "pass",
    "same bits": "pass",
    "not compared": "skip",
}
_LIST: Final = 6  # words of a manifest line that are too many to be read one by one


def comparison_report(comparison: Comparison) -> Report:
    """Return the report of all backends as one run, and of what differs between recordings."""
    source = next(iter(comparison.recordings.values())).source
    more = [
        Section("One backend in two recordings", [_same_backend(comparison), *_firsts(comparison)]),
        Section("What differs in their manifests", [_lines(comparison.lines)]),
        Section("Verdicts that are not the recorded ones", [_revised(comparison)]),
        Section("Recordings", [_recordings(comparison), *_versions(comparison)]),
    ]
    lead = _summary(comparison)
    return run_report(comparison.run, source, name="gateparity compare", lead=[*lead], more=more)


def to_json(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison as plain data, to be added to the run's own."""
    pairs = [{**vars(pair), "sigmas": finite(pair.sigmas)} for pair in comparison.same_backend]
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
        "same_backend": pairs,
        "twins": pairs,  # their name in 0.1.0, for one release
        "differing_lines": [dataclasses.asdict(line) for line in comparison.lines],
        "revised": [[r.backend.label, *r.key, r.status] for r in comparison.revised],
    }


def _summary(comparison: Comparison) -> Iterator[Line]:
    alike = [pair.alike for pair in comparison.same_backend]
    counts = [Cell(f"{alike.count(a)} {a}", _TONES[a]) for a in _TONES if a in alike]
    if counts:
        parts = [part for count in counts for part in (", ", count)][1:]
        yield line("One backend in two recordings: ", *parts)
    most = max(len(recording.plan) for recording in comparison.recordings.values())
    if 0 < comparison.shared < most:
        words = f"{comparison.shared} of {most} checks of a case, which all recordings have"
        yield line(Cell(f"Compared in {words}", "known"))
    if count := len(comparison.revised):
        words = "result has another verdict" if count == 1 else "results have other verdicts"
        yield line(Cell(f"{count} {words} here than when recorded", "known"))


def _same_backend(comparison: Comparison) -> Table:
    head = ("backends", "dtype", "result", "same bits", "sigma")
    return Table(head, [_pair_cells(pair) for pair in comparison.same_backend], keys=2, numbers=2)


def _pair_cells(pair: SameBackend) -> list[Text]:
    same = f"{pair.same_bits} of {pair.compared}"
    alike = Cell(pair.alike, _TONES[pair.alike])
    return [f"{pair.a} and {pair.b}", pair.dtype, alike, same, number_words(pair.sigmas)]


def _firsts(comparison: Comparison) -> Iterator[Line]:
    for pair in comparison.same_backend:
        if pair.first:
            words = f"{pair.a} and {pair.b}, {pair.dtype}, differ first in {pair.first}"
            yield line(words, item=True)


def _lines(lines: Sequence[ManifestDifference]) -> Table:
    """Return both values of a line below each other, so that long ones fit."""
    rows: list[list[Text]] = []
    for one in lines:
        a, b = _values(one)
        rows.append([one.name, f"{one.a}: {a}\n{one.b}: {b}", ", ".join(one.backends)])
    return Table(("line", "values", "backends"), rows)


def _values(one: ManifestDifference) -> tuple[str, str]:
    """Return both values of a manifest line; long lists show only the words that differ."""
    a, b = one.value_a.split(), one.value_b.split()
    if min(len(a), len(b)) < _LIST:
        return one.value_a or "-", one.value_b or "-"
    return _alone(a, b), _alone(b, a)


def _alone(words: Sequence[str], others: Sequence[str]) -> str:
    return " ".join(["...", *(word for word in words if word not in others)])


def _revised(comparison: Comparison) -> Table:
    """Return a row for each backend, check and verdict, with its cases."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for result in comparison.revised:
        key = (result.backend.label, result.check, result.status)
        found.setdefault(key, []).append(f"{result.case} {result.dtype}")
    rows: list[list[Text]] = [[*key, ", ".join(cases)] for key, cases in found.items()]
    return Table(("backend", "check", "here", "cases"), rows, keys=2)


def _recordings(comparison: Comparison) -> Table:
    rows: list[list[Text]] = [
        [name, one.recorded, one.gateparity, ", ".join(b.label for b in one.run.backends)]
        for name, one in comparison.recordings.items()
    ]
    return Table(("recording", "made at", "gateparity", "backends"), rows)


def _versions(comparison: Comparison) -> Iterator[Line]:
    here = importlib.metadata.version("gateparity")
    for name, one in comparison.recordings.items():
        if one.gateparity != here:
            yield line(
                f"gateparity {here} judges {name}, which {one.gateparity} recorded. "
                "Their checks may differ."
            )
