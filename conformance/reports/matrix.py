"""The tables of a run: its backends, the matrix of checks, and every pair."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING, Final, get_args

from gateparity.conformance.judgement.confidence import ALLOWED
from gateparity.conformance.reports.blocks import Cell, Section, Table, line
from gateparity.conformance.reports.numbers import number_words
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.groups import RANKS
from gateparity.conformance.runs.pairs import describe_change
from gateparity.conformance.runs.result import Status
from gateparity.network.dtypes import SUITE_DTYPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateparity.backends.backend import Backend
    from gateparity.conformance.reports.blocks import Line, Text
    from gateparity.conformance.runs.result import Pair, Result, Run

MARKS: Final = {"fail": " X", "undecided": " ?", "known": " ~"}  # seen without colours too
_ROOM: Final = 80  # characters of a table whose columns are named in full


def find_failures(run: Run, backend: Backend) -> list[Result]:
    """Return a backend's failing results."""
    return [r for r in run.results if r.backend == backend and r.status == "fail"]


def section_id(run: Run, backend: Backend) -> str:
    """Return the id of the section that a number of this backend leads to."""
    return f"backend-{run.backends.index(backend) + 1}"


def find_statuses(run: Run) -> list[Status]:
    """Return the statuses that a report counts: a rare one only where there is a result of it."""
    found = {result.status for result in run.results}
    return [s for s in get_args(Status) if s != "undecided" or s in found]


def backend_table(run: Run) -> Table:
    """Return a row for each backend: its version, how its cases ended, and its largest number."""
    statuses = find_statuses(run)
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
                judge_cases(results),
            ]
        )
    head = ("", "backend", "version", *statuses, "largest")
    return Table(head, rows, keys=2, numbers=len(statuses) + 1)


def declared_lines(run: Run) -> Iterator[Line]:
    """Yield the rounding models that backends declare, each once."""
    found: dict[str, list[str]] = {}
    for label, declared in run.rounding_models.items():
        words = ", ".join(f"{name} {value:g}" for name, value in declared.items())
        found.setdefault(words, []).append(label)
    for words, labels in found.items():
        yield line(f"Declared rounding model, {words}: {', '.join(labels)}")


def form_lines(run: Run) -> Iterator[Line]:
    """Yield how many results of each compiling framework came from compiled programs."""
    found: dict[str, list[str]] = {}
    for backend in run.backends:
        forms = Counter(r.form for r in run.results if r.backend == backend and r.form)
        words = ", ".join(f"{count} {form}" for form, count in forms.most_common())
        if words:
            found.setdefault(words, []).append(backend.label)
    words = "; ".join(f"{', '.join(labels)} {counts}" for counts, labels in found.items())
    if words:
        yield line(f"Forms of results: {words}")


def legend_lines(run: Run) -> Iterator[Line]:
    """Yield what the marks of the matrix mean."""
    if run.results:
        yield line("X: differs. ~: a known deviation of the framework. skip: not supported.")
        if any(r.status == "undecided" for r in run.results):
            yield line("?: undecided, since rounding alone moves results too far.")


def matrix_table(run: Run, *, wide: bool) -> Table:
    """Return a row for each check and a column for each backend, or for each dtype of each."""
    labels = [backend.label for backend in run.backends]
    columns = [(label, dtype) for label in labels for dtype in (_dtypes(run) if wide else [""])]
    section_ids = {backend.label: section_id(run, backend) for backend in run.backends}
    cells = _cells(run)
    rows: list[list[Text]] = []
    for check in shown_checks(run):
        row: list[Text] = [check]
        for label, dtype in columns:
            found = [r for r in cells.get((label, check), ()) if dtype in ("", _shown(run, r))]
            row.append(dataclasses.replace(judge_cases(found), link=section_ids[label]))
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


def shown_checks(run: Run) -> list[str]:
    """Return the checks that were run, in the order of their numbers; unknown ones come last."""
    found = dict.fromkeys(result.check for result in run.results)
    return [*(name for name in CHECKS if name in found), *(n for n in found if n not in CHECKS)]


def _cells(run: Run) -> dict[tuple[str, str], list[Result]]:
    cells: dict[tuple[str, str], list[Result]] = {}
    for result in run.results:
        cells.setdefault((result.backend.label, result.check), []).append(result)
    return cells


def judge_cases(cases: Sequence[Result]) -> Cell:
    """Return a cell with the largest number of its cases, in the tone of the worst status."""
    if not cases:
        return Cell("-", "skip")
    status = min((case.status for case in cases), key=RANKS.index)
    if status in ("skip", "error"):
        return Cell(status, status)
    judged = [case for case in cases if case.status in ("pass", "undecided", "fail")]
    worst = max((case.largest for case in judged if case.largest is not None), default=None)
    words = number_words(worst) + MARKS.get(status, "")
    return Cell(words, status, _share(worst) if status == "pass" else 0)


def _share(sigmas: float | None) -> int:
    return min(4, int(4 * (sigmas or 0) / ALLOWED))


def pair_sections(run: Run) -> Iterator[Section]:
    """Yield the table of every two backends and what differs in it; nothing for one backend."""
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
    alone = {b.label for b in run.backends if find_failures(run, b)}
    explained = 0
    for pair in run.pairs:
        if pair.status == "fail" and alone.isdisjoint((pair.a, pair.b)):
            names = Cell(f"{pair.a} and {pair.b} differ", "fail")
            yield line(names, f", {pair.dtype}: {pair.reason}", item=True)
        explained += pair.status == "fail" and not alone.isdisjoint((pair.a, pair.b))
    undecided = [pair for pair in run.pairs if pair.status == "undecided"]
    if undecided:
        one, pairs = undecided[0], "pair is" if len(undecided) == 1 else "pairs are"
        yield line(f"{len(undecided)} {pairs} undecided (?): {one.a} and {one.b}: {one.reason}")
    if explained:
        pairs = "1 pair differs" if explained == 1 else f"{explained} pairs differ"
        yield line(f"{pairs} (X) with a backend that fails a check by itself.")


def _pair(pair: Pair | None) -> Cell:
    if pair is None:
        return Cell("-", "skip")
    share = _share(pair.sigmas) if pair.status == "pass" else 0
    return Cell(number_words(pair.sigmas) + MARKS.get(pair.status, ""), pair.status, share)
