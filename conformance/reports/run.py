"""A run as a report: the matrix of checks, what differs and why, the pairs, and all reasons.

One mistake makes many checks fail, so each failing backend has one section: what it behaves like,
where the first difference begins, and one table of its checks.
"""

from __future__ import annotations

import math
import shlex
from typing import TYPE_CHECKING, Final, get_args

from gateparity.conformance.judgement.verdict import ALLOWED
from gateparity.conformance.reports.blocks import Cell, Code, Figure, Report, Section, Table, line
from gateparity.conformance.reports.html.chart import draw_chart
from gateparity.conformance.reports.html.heatmap import draw_heatmaps
from gateparity.conformance.reports.html.layout import draw_layouts
from gateparity.conformance.reports.numbers import error_words, number_words
from gateparity.conformance.reports.undeclared import describe_place, suggest_keys
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.pairs import describe_change
from gateparity.conformance.runs.result import (
    Status,
    check_command,
    repeat_command,
    replay_command,
)
from gateparity.network.dtypes import SUITE_DTYPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateparity.backends.backend import Backend
    from gateparity.conformance.judgement.divergence import Divergence
    from gateparity.conformance.reports.blocks import Block, Line, Text
    from gateparity.conformance.runs.plan import Source
    from gateparity.conformance.runs.result import Pair, Result, Run

TITLE: Final = (
    f"Largest error against the truth, in standard deviations of rounding: {ALLOWED:g} allowed"
)
_RANKS: Final = ("fail", "error", "known", "pass", "skip")  # what a cell of several cases shows
_ROOM: Final = 80  # characters of a table whose columns are named in full
_MOST_STEPS: Final = 12  # in one table
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
    differing = [b for b in run.backends if _failures(run, b)]
    return Report(
        name,
        [
            Section("Backends", [_backends(run), *_declared(run), *_inputs(source)]),
            Section(TITLE, [_matrix(run, wide=wide), *_legend(run)], "matrix"),
            *(
                _differing(run, backend, source.options, pictured=k < _PICTURED)
                for k, backend in enumerate(differing)
            ),
            *_pairs(run),
            *more,
            Section("Skips, errors and known deviations", _reasons(run), "reasons"),
            *_extras(run, source),
        ],
        describe_verdict(run),
        run.exit_code,
        describe_counts(run),
        [*lead, *(_explain(run, backend) for backend in differing)],
    )


def describe_verdict(run: Run) -> str:
    """Return the verdict, and what a comparison lacks if it is incomplete."""
    if run.exit_code != 2 or len(run.ran) >= run.least:
        return run.verdict
    return f"{run.verdict} ({len(run.ran)} of the {run.least} backends that a comparison needs)"


def describe_counts(run: Run) -> str:
    """Return the run's counts, times and rate. A case is one check on one case in one backend."""
    statuses = [result.status for result in run.results]
    found = [f"{statuses.count(status)} {status}" for status in get_args(Status)]
    computed = len(statuses) - statuses.count("skip") - statuses.count("error")
    rate = computed / run.seconds if run.seconds else 0.0
    return (
        f"{', '.join(found)}; {len(run.pairs)} pairs; seed {run.seed}; {run.seconds:.1f} s, "
        f"of them {run.transport_seconds:.1f} s transport; {rate:.1f} cases/s"
    )


def describe_saved(result: Result) -> str:
    """Return where a failure was saved and the command that repeats it; empty if it wasn't."""
    if not result.saved:
        return ""
    file = shlex.quote(result.saved)
    return f"saved: {file} ({result.saved_sizes}); {replay_command(result.backend, file)}"


def _failures(run: Run, backend: Backend) -> list[Result]:
    return [r for r in run.results if r.backend == backend and r.status == "fail"]


def _explain(run: Run, backend: Backend) -> Line:
    failures = _failures(run, backend)
    ran = {r.check for r in run.results if r.backend == backend and r.status != "skip"}
    failed = {result.check for result in failures}
    words = run.explanations.get(backend.label, failures[0].reason)
    return line(
        *(Cell(backend.label, "fail"), f" fails {len(failed)} of {len(ran)} checks: {words}")
    )


# The table of backends, and the matrix


def _backends(run: Run) -> Table:
    statuses = get_args(Status)
    rows: list[list[Text]] = []
    for k, backend in enumerate(run.backends):
        results = [r for r in run.results if r.backend == backend]
        counts = {s: sum(r.status == s for r in results) for s in statuses}
        cells = [Cell(str(n), status if n else "skip") for status, n in counts.items()]
        rows.append(
            [
                str(k + 1),
                backend.label,
                run.versions.get(backend.label, ""),
                *cells,
                _worst(results),
            ]
        )
    head = ("", "backend", "version", *statuses, "largest")
    return Table(head, rows, keys=2, numbers=len(statuses) + 1)


def _worst(results: Sequence[Result]) -> Cell:
    words, status, share = _judge(results)
    return Cell(words, status, share)


def _declared(run: Run) -> Iterator[Line]:
    found: dict[str, list[str]] = {}
    for label, declared in run.rounding_models.items():
        words = ", ".join(f"{name} {value:g}" for name, value in declared.items())
        found.setdefault(words, []).append(label)
    for words, labels in found.items():
        yield line(f"Declared rounding model, {words}: {', '.join(labels)}")


def _inputs(source: Source) -> Iterator[Line]:
    if source.options:
        digest = f", sha256 {source.sha256}" if source.sha256 else ""
        yield line(f"Inputs: {source.options}{digest}")


def _legend(run: Run) -> Iterator[Line]:
    if run.results:
        yield line("X: differs. ~: a known deviation of the framework. skip: not supported.")


def _matrix(run: Run, *, wide: bool) -> Table:
    """Return a row for each check and a column for each backend, or for each dtype of each."""
    labels = [backend.label for backend in run.backends]
    columns = [(label, dtype) for label in labels for dtype in (_dtypes(run) if wide else [""])]
    cells = _cells(run)
    rows: list[list[Text]] = []
    for check in _checks(run):
        row: list[Text] = [check]
        for label, dtype in columns:
            found = [r for r in cells.get((label, check), ()) if dtype in ("", _shown(run, r))]
            words, status, share = _judge(found)
            row.append(Cell(words, status, share, f"backend-{labels.index(label) + 1}"))
        rows.append(row)
    heads = _heads(labels)
    head = ["check", *(f"{heads[label]} {dtype}".strip() for label, dtype in columns)]
    return Table(head, rows, numbers=len(columns))


def _heads(labels: Sequence[str]) -> dict[str, str]:
    """Return what names each backend above a column: its label, or its number if room is short."""
    wide = 16 + sum(len(label) + 2 for label in labels) > _ROOM
    return {label: str(k + 1) if wide else label for k, label in enumerate(labels)}


def _dtypes(run: Run) -> list[str]:
    """Return the dtypes that have columns of their own: the suite's usual ones, if any was run."""
    found = list(dict.fromkeys(result.dtype for result in run.results))
    return [dtype for dtype in found if dtype in SUITE_DTYPES] or found


def _shown(run: Run, result: Result) -> str:
    """Return the dtype under which a result is shown: the check of float16 has one of its own."""
    dtypes = _dtypes(run)
    return result.dtype if result.dtype in dtypes else dtypes[0]


def _checks(run: Run) -> list[str]:
    """Return the checks that were run, in the order of their numbers; unknown ones come last."""
    found = dict.fromkeys(result.check for result in run.results)
    return [*(name for name in CHECKS if name in found), *(n for n in found if n not in CHECKS)]


def _cells(run: Run) -> dict[tuple[str, str], list[Result]]:
    cells: dict[tuple[str, str], list[Result]] = {}
    for result in run.results:
        cells.setdefault((result.backend.label, result.check), []).append(result)
    return cells


def _judge(cases: Sequence[Result]) -> tuple[str, Status, int]:
    """Return a cell's words, the worst status of its cases, and the share of the budget used."""
    if not cases:
        return "-", "skip", 0
    status = min((case.status for case in cases), key=_RANKS.index)
    if status in ("skip", "error"):
        return status, status, 0
    mark = {"fail": " X", "known": " ~"}.get(status, "")  # seen without colours too
    judged = [case for case in cases if case.status in ("pass", "fail")]
    sigmas = [max(case.sigmas, case.shift or 0) for case in judged if case.sigmas is not None]
    worst = max(sigmas, default=None)
    return number_words(worst) + mark, status, _share(worst) if status == "pass" else 0


def _share(sigmas: float | None) -> int:
    return min(4, int(4 * (sigmas or 0) / ALLOWED))


# A backend that differs


def _differing(run: Run, backend: Backend, source: str, *, pictured: bool) -> Section:
    failures = _failures(run, backend)
    number = run.backends.index(backend) + 1
    diagnose = " ".join(filter(None, ["-b", shlex.quote(backend.spec), source]))
    first = failures[0]
    saved = describe_saved(next((r for r in failures if r.saved), first))
    found: list[Block] = [
        line(f"Found first: {first.check}, case {first.case}, {first.dtype}: {first.reason}"),
        Code(repeat_command(first, run.seed, source)),
        *([line(_capital(saved))] if saved else []),
    ]
    if backend.label in run.explanations:
        found.insert(0, line(f"{_capital(run.explanations[backend.label])}."))
        found.append(Code(f"gateparity diagnose {diagnose}"))
    return Section(
        f"{backend.label} differs",
        [*found, _failing_checks(failures), *(_figures(first) if pictured else ())],
        f"backend-{number}",
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
        worst = max(cases, key=lambda r: math.inf if r.sigmas is None else r.sigmas)
        errors = (error_words(worst.max_absolute), error_words(worst.max_error))
        sigmas = Cell(number_words(_largest(worst)) + " X", "fail")
        where = f"{worst.case}, {worst.dtype}"
        rows.append([check, where, str(len(cases)), *errors, sigmas])
    head = ("check", "worst case", "cases", "absolute", "relative", "sigma")
    return Table(head, rows, numbers=4)


def _largest(result: Result) -> float | None:
    return None if result.sigmas is None else max(result.sigmas, result.shift or 0)


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


# Pairs, reasons, and what only a page shows


def _pairs(run: Run) -> Iterator[Section]:
    if len(run.backends) < 2:
        return
    labels = [backend.label for backend in run.backends]
    found = {(frozenset((p.a, p.b)), p.dtype): p for p in run.pairs}
    rows: list[list[Text]] = []
    for j, a in enumerate(labels):
        cells: list[Text] = [
            Cell("\\", "skip")
            if j == k
            else _pair(found.get((frozenset((a, b)), "float32" if j < k else "float64")))
            for k, b in enumerate(labels)
        ]
        rows.append([f"{j + 1} {a}", *cells])
    head = ["backend", *(str(k + 1) for k in range(len(labels)))]
    changes = [line(describe_change(change)) for change in run.changes]
    table = Table(head, rows, numbers=len(labels))
    title = "Every pair: float32 above the diagonal, float64 below"
    yield Section(title, [table, *_differing_pairs(run), *changes], "pairs")


def _differing_pairs(run: Run) -> Iterator[Line]:
    """Yield the pairs of two backends that agree with the truth; all others have been explained."""
    alone = {b.label for b in run.backends if _failures(run, b)}
    explained = 0
    for pair in run.pairs:
        if pair.status == "fail" and alone.isdisjoint((pair.a, pair.b)):
            names = Cell(f"{pair.a} and {pair.b} differ", "fail")
            yield line(names, f", {pair.dtype}: {pair.reason}", item=True)
        explained += pair.status == "fail" and not alone.isdisjoint((pair.a, pair.b))
    if explained:
        pairs = "1 pair differs" if explained == 1 else f"{explained} pairs differ"
        yield line(f"{pairs} (X) with a backend that fails a check by itself.")


def _pair(pair: Pair | None) -> Cell:
    if pair is None:
        return Cell("-", "skip")
    mark = " X" if pair.status == "fail" else ""
    share = _share(pair.sigmas) if pair.status == "pass" else 0
    return Cell(number_words(pair.sigmas) + mark, pair.status, share)


def _reasons(run: Run) -> list[Line]:
    """Return why cells have no number: each reason once, with the backends and checks it is for."""
    found: dict[tuple[str, Status, str], list[Result]] = {}
    for result in run.results:
        if result.status in ("skip", "error", "known"):
            one = (result.backend.label, result.status, result.reason)
            found.setdefault(one, []).append(result)
    merged: dict[tuple[Status, str, str], list[str]] = {}
    for (label, status, reason), results in found.items():
        key = (status, describe_place(results), reason + suggest_keys(run, results))
        merged.setdefault(key, []).append(label)
    ranked = sorted(merged.items(), key=lambda item: _RANKS.index(item[0][0]))
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
            "" if _failures(run, backend) else f"backend-{k + 1}",  # where its cells lead to
            folded=True,
        )
        for k, backend in enumerate(run.backends)
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
    for check in _checks(run):
        results = [r for r in run.results if (r.backend, r.check) == (backend, check)]
        for dtype in dict.fromkeys(r.dtype for r in results):
            cases = [r for r in results if r.dtype == dtype]
            words, status, share = _judge(cases)
            names = ", ".join(dict.fromkeys(f"{r.case} {r.status}" for r in cases))
            command = check_command(backend, check, source.options, run.seed)
            cell = Cell(words, status, share)
            rows.append([check, dtype, cell, names, Cell(command, code=True)])
    return Table(("check", "dtype", "sigma", "cases", "command"), rows)
