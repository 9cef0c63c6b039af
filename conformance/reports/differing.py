"""A backend that differs, in one section: what it behaves like, where it begins, its checks."""

from __future__ import annotations

import math
import shlex
from typing import TYPE_CHECKING, Final

from gateparity.conformance.judgement.confidence import ALLOWED
from gateparity.conformance.reports.blocks import Cell, Code, Figure, Section, Table, line
from gateparity.conformance.reports.html.chart import draw_chart
from gateparity.conformance.reports.html.heatmap import draw_heatmaps
from gateparity.conformance.reports.matrix import find_failures, section_id
from gateparity.conformance.reports.numbers import error_words, number_words
from gateparity.conformance.runs.groups import describe_case
from gateparity.conformance.runs.result import repeat_command, replay_command

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateparity.backends.backend import Backend
    from gateparity.conformance.judgement.divergence import Divergence
    from gateparity.conformance.reports.blocks import Block, Line, Text
    from gateparity.conformance.runs.result import Result, Run

_MOST_STEPS: Final = 12  # in one table


def explain_line(run: Run, backend: Backend) -> Line:
    """Return the line that says how many checks a backend fails, and which mistake explains it."""
    failures = find_failures(run, backend)
    ran = {r.check for r in run.results if r.backend == backend and r.status != "skip"}
    failed = {result.check for result in failures}
    words = run.explanations.get(backend.label, failures[0].reason)
    count = f"{len(failed)} of {len(ran)} checks"
    return line(Cell(backend.label, "fail"), f" fails {count}: {words}")


def describe_saved(result: Result) -> str:
    """Return where a failure was saved and the command that repeats it; empty if it wasn't."""
    if not result.saved:
        return ""
    file = shlex.quote(result.saved)
    return f"saved: {file} ({result.saved_sizes}); {replay_command(result.backend, file)}"


def differing_section(run: Run, backend: Backend, source: str, *, pictured: bool) -> Section:
    """Return the section of a backend that differs, with pictures of its first failure if asked."""
    failures = find_failures(run, backend)
    diagnose = " ".join(filter(None, ["-b", shlex.quote(backend.spec), source]))
    first = failures[0]
    saved = describe_saved(next((r for r in failures if r.saved), first))
    where = f"{describe_case(first)}, {first.dtype}"
    found: list[Block] = [
        line(f"Found first: {first.check}, case {where}: {first.reason}"),
        Code(repeat_command(first, run.seed, source)),
        *([line(_capital(saved))] if saved else []),
    ]
    if backend.label in run.explanations:
        found.insert(0, line(f"{_capital(run.explanations[backend.label])}."))
        found.append(Code(f"gateparity diagnose {diagnose}"))
    return Section(
        f"{backend.label} differs",
        [*found, _failing_checks(failures), *(_figures(first) if pictured else ())],
        section_id(run, backend),
    )


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _failing_checks(failures: Sequence[Result]) -> Table:
    """Return a row for each failing check: its worst case, and how many cases fail."""
    checks: dict[str, list[Result]] = {}
    for result in failures:
        checks.setdefault(result.check, []).append(result)
    rows: list[list[Text]] = []
    for check, cases in checks.items():
        worst = max(cases, key=lambda r: math.inf if r.largest is None else r.largest)
        errors = (error_words(worst.max_absolute), error_words(worst.max_error))
        sigmas = Cell(number_words(worst.largest) + " X", "fail")
        where = f"{worst.case}, {worst.dtype}"
        rows.append([check, where, str(len(cases)), *errors, sigmas])
    head = ("check", "worst case", "cases", "absolute", "relative", "sigma")
    return Table(head, rows, numbers=4)


def _figures(result: Result) -> Iterator[Figure]:
    begins = result.begins
    if begins and len(begins.growth) > 1:
        title = f"Largest error of {begins.array} at each step, in standard deviations"
        limit = f"{ALLOWED:g} allowed"
        chart = draw_chart(
            *(title, "step", {begins.array: begins.growth}),
            log=True,
            limit=ALLOWED,
            limit_words=limit,
        )
        yield Figure("chart", chart, _growth(begins, title))
    for heatmap in draw_heatmaps(result.ratios or {}, begins.array if begins else ""):
        yield Figure("heatmap", heatmap)


def _growth(begins: Divergence, title: str) -> Table:
    """Return the largest error at each step, or where it doubles if steps are many."""
    growth = begins.growth
    kept = [growth[0]]
    for step, sigmas in growth[1:-1]:
        if len(growth) <= _MOST_STEPS or (len(kept) < _MOST_STEPS - 1 and sigmas > 2 * kept[-1][1]):
            kept.append((step, sigmas))
    kept.append(growth[-1])
    head = ["step", *(str(step) for step, _ in kept)]
    return Table(head, [["sigma", *(number_words(s) for _, s in kept)]], title, numbers=len(kept))
