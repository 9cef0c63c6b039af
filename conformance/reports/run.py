"""A run as a report: its tables, what differs and why, and all reasons.

One mistake makes many checks fail, so each failing backend has one section (`differing.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateparity.conformance.judgement.confidence import ALLOWED
from gateparity.conformance.reports.blocks import Cell, Figure, Report, Section, Table, line
from gateparity.conformance.reports.differing import differing_section, explain_line
from gateparity.conformance.reports.html.layout import draw_layouts
from gateparity.conformance.reports.matrix import (
    backend_table,
    declared_lines,
    find_failures,
    find_statuses,
    form_lines,
    judge_cases,
    legend_lines,
    matrix_table,
    pair_sections,
    section_id,
    shown_checks,
)
from gateparity.conformance.reports.undeclared import describe_place, suggest_keys
from gateparity.conformance.runs.groups import (
    PROBLEMS,
    RANKS,
    count_results,
    find_worst,
    group_name,
)
from gateparity.conformance.runs.result import check_command, repeat_command

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateparity.backends.backend import Backend
    from gateparity.conformance.reports.blocks import Block, Line, Text
    from gateparity.conformance.runs.plan import Source
    from gateparity.conformance.runs.result import Result, Run, Status

TITLE: Final = (
    f"Largest error against the truth, in standard deviations of rounding: {ALLOWED:g} allowed"
)
_PICTURED: Final = 16  # failing backends with pictures: the page stays small, whatever fails


def run_report(
    run: Run,
    source: Source,
    *,
    name: str = "gateparity check",
    wide: bool = False,
    lead: Sequence[Line] = (),
    more: Sequence[Block] = (),
) -> Report:
    """Return the report of a run.

    `wide` keeps dtypes apart in the matrix. `lead` and `more` are a verb's own lines and blocks.
    """
    differing = [b for b in run.backends if find_failures(run, b)]
    return Report(
        name,
        [
            Section("Backends", _backends(run, source)),
            Section(TITLE, [matrix_table(run, wide=wide), *legend_lines(run)], "matrix"),
            *(
                differing_section(run, backend, source.options, pictured=k < _PICTURED)
                for k, backend in enumerate(differing)
            ),
            *pair_sections(run),
            *more,
            Section("Undecided", _reasons(run, "undecided"), "undecided"),
            Section(
                "Skips, errors and known deviations",
                _reasons(run, "skip", "error", "known"),
                "reasons",
            ),
            *_extras(run, source),
        ],
        describe_verdict(run),
        run.exit_code,
        describe_counts(run),
        [*lead, *(explain_line(run, backend) for backend in differing)],
    )


def describe_verdict(run: Run) -> str:
    """Return the verdict, and what a comparison lacks if it is incomplete."""
    undecided = sum(result.status == "undecided" for result in run.results)
    if undecided and run.verdict == "agrees":
        return f"{run.verdict} ({undecided} undecided)"
    if run.exit_code != 2 or len(run.ran) >= run.least:
        return run.verdict
    return f"{run.verdict} ({len(run.ran)} of the {run.least} backends that a comparison needs)"


def describe_counts(run: Run) -> str:
    """Return the run's counts, times and rate. A case is one check on one case in one backend."""
    statuses = [result.status for result in run.results]
    found = [f"{statuses.count(status)} {status}" for status in find_statuses(run)]
    computed = len(statuses) - statuses.count("skip") - statuses.count("error")
    rate = computed / run.seconds if run.seconds else 0.0
    return (
        f"{', '.join(found)}; {len(run.pairs)} pairs; seed {run.seed}; {run.seconds:.1f} s, "
        f"of them {run.transport_seconds:.1f} s transport; {rate:.1f} cases/s"
    )


def _backends(run: Run, source: Source) -> list[Block]:
    return [backend_table(run), *declared_lines(run), *form_lines(run), *_inputs(source)]


def _inputs(source: Source) -> Iterator[Line]:
    if source.options:
        digest = f", sha256 {source.sha256}" if source.sha256 else ""
        yield line(f"Inputs: {source.options}{digest}")


def _reasons(run: Run, *statuses: Status) -> list[Line]:
    """Return why cells have no number: each reason once, with the backends and checks it is for."""
    found: dict[tuple[str, Status, str], list[Result]] = {}
    for result in run.results:
        if result.status in statuses:
            one = (result.backend.label, result.status, result.reason)
            found.setdefault(one, []).append(result)
    merged: dict[tuple[Status, str, str], list[str]] = {}
    for (label, status, reason), results in found.items():
        key = (status, describe_place(results), reason + suggest_keys(run, results))
        merged.setdefault(key, []).append(label)
    ranked = sorted(merged.items(), key=lambda item: RANKS.index(item[0][0]))
    return [
        line(Cell(status, status), f" {', '.join(labels)}: {checks}: {reason}", item=True)
        for (status, checks, reason), labels in ranked
    ]


def _extras(run: Run, source: Source) -> Iterator[Section]:
    layouts = [Figure("layout", diagram) for diagram in draw_layouts(run)]
    about = "One layer, one direction, 3 inputs and 2 hidden units."
    yield Section(
        "How each backend lays out its weights",
        [line(about), *layouts] if layouts else [],
        "layouts",
        extra=True,
    )
    numbers = [
        Section(
            backend.label,
            [_numbers(run, backend, source)],
            "" if find_failures(run, backend) else section_id(run, backend),
            folded=True,
        )
        for backend in run.backends
    ]
    yield Section("Every number, and how to repeat it", numbers, "numbers", extra=True)
    manifests = [
        Section(
            label,
            [Table(("line", "value"), [list(item) for item in manifest.items()])],
            folded=True,
        )
        for label, manifest in run.manifests.items()
    ]
    yield Section("Manifests: what results may depend on", manifests, "manifests", extra=True)


def _numbers(run: Run, backend: Backend, source: Source) -> Table:
    rows: list[list[Text]] = []
    for check in shown_checks(run):
        results = [r for r in run.results if (r.backend, r.check) == (backend, check)]
        kinds = dict.fromkeys((group_name(r.case) == PROBLEMS, r.dtype) for r in results)
        for of_array, dtype in kinds:
            cases = [
                r for r in results if (group_name(r.case) == PROBLEMS, r.dtype) == (of_array, dtype)
            ]
            names = ", ".join(dict.fromkeys(f"{r.case} {r.status}" for r in cases))
            command = check_command(backend, check, source.options, run.seed)
            if of_array:
                names = count_results(cases)
                command = repeat_command(find_worst(cases), run.seed)
            rows.append([check, dtype, judge_cases(cases), names, Cell(command, code=True)])
    return Table(("check", "dtype", "sigma", "cases", "command"), rows)
