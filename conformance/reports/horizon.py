"""A run of `gateparity horizon` as a report and as data: errors, horizons, reasons and curves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from gateparity.conformance.judgement.confidence import ALLOWED
from gateparity.conformance.reports.blocks import Cell, Figure, Report, Section, Table, line
from gateparity.conformance.reports.html.chart import draw_chart
from gateparity.conformance.reports.numbers import finite, number_words
from gateparity.conformance.training.horizon import APART
from gateparity.conformance.training.problems import CALM, WILD

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateparity.conformance.reports.blocks import Line, Text
    from gateparity.conformance.training.horizon import Horizon, HorizonRun, Trial

_STATUSES: Final = ("pass", "known", "fail", "skip", "error")
_TITLE: Final = (
    f"Largest error against the truth, in standard deviations of rounding: {ALLOWED:g} allowed"
)


def horizon_report(run: HorizonRun) -> Report:
    """Return the report of a run."""
    return Report(
        "gateparity horizon",
        [
            Section(_TITLE, [*_errors(run), *_legend(run)], "errors"),
            Section(
                f"Steps until two backends are apart: by 2^{math.log2(APART):.0f} in a weight",
                [_horizons(run), *_horizon_legend(run)],
                "horizons",
            ),
            Section("Skips and known deviations", list(_reasons(run)), "reasons"),
            Section("Every failure", [_failures(run)], "failures", extra=True),
            Section(
                "How far apart two backends are: each pair in grey",
                list(_curves(run)),
                "curves",
                extra=True,
            ),
        ],
        ("agrees", "differs", "incomplete")[run.exit_code],
        run.exit_code,
        _counts(run),
        list(_lead(run)),
    )


def horizon_json(run: HorizonRun) -> dict[str, Any]:
    """Return trials and horizons as plain data."""
    return {
        "schema": 1,
        "apart": APART,
        "trials": [
            {
                "backend": trial.row.label,
                "dtype": trial.row.dtype,
                "problem": trial.problem,
                "status": trial.status,
                "sigmas": finite(trial.verdict.sigmas) if trial.verdict else None,
                "reason": trial.reason or None,
            }
            for trial in run.trials
        ],
        "horizons": [_horizon_json(horizon) for horizon in run.horizons],
        "seed": run.seed,
        "exit_code": run.exit_code,
    }


def _horizon_json(horizon: Horizon) -> dict[str, Any]:
    found = {pair: [*map(finite, distances)] for pair, distances in horizon.found.items()}
    return vars(horizon) | {"expected": [*map(finite, horizon.expected)], "found": found}


def _counts(run: HorizonRun) -> str:
    statuses = [trial.status for trial in run.trials]
    counts = ", ".join(f"{statuses.count(status)} {status}" for status in _STATUSES)
    return f"{counts}; seed {run.seed}"


def _lead(run: HorizonRun) -> Iterator[Line]:
    """Yield a line for each backend that differs, and for each reason why some could not run."""
    for label in dict.fromkeys(trial.row.label for trial in run.trials):
        trials = [t for t in run.trials if t.row.label == label and t.status != "skip"]
        failed = [t for t in trials if t.status == "fail"]
        if failed:
            words = f" differs in {len(failed)} of {len(trials)} trainings; the first is "
            where = f"{failed[0].problem} in {failed[0].row.dtype}"
            yield line(Cell(label, "fail"), f"{words}{where}: {failed[0].reason}")
    for (_, reason), trials in _by_reason(run, "error").items():
        labels = dict.fromkeys(trial.row.label for trial in trials)
        yield line(Cell(", ".join(labels), "error"), f" could not run: {reason}")


# What was judged


def _errors(run: HorizonRun) -> Iterator[Table]:
    """Yield a table of the calm problems and one of the wild: each fits into 80 columns."""
    for title, problems in (("Problems", CALM), ("Wild problems, made to part", WILD)):
        names = [n for n in problems if any(trial.problem == n for trial in run.trials)]
        cells = {(trial.row, trial.problem): _cell(trial) for trial in run.trials}
        rows: list[list[Text]] = [
            [row.label, row.dtype, *(cells[row, name] for name in names)]
            for row in dict.fromkeys(trial.row for trial in run.trials)
            if names
        ]
        yield Table(("backend", "dtype", *names), rows, title, keys=2, numbers=len(names))


def _cell(trial: Trial) -> Cell:
    if trial.verdict is None:
        return Cell("skip", "skip") if trial.skip else Cell("error", "error")
    sigmas = trial.verdict.sigmas
    if trial.status == "pass":
        return Cell(number_words(sigmas), "pass", min(4, int(4 * sigmas / ALLOWED)))
    if trial.status == "known":
        return Cell(f"{number_words(sigmas)} ~", "known")
    return Cell(f"{number_words(sigmas)} X", "fail")


def _legend(run: HorizonRun) -> Iterator[Line]:
    if run.trials:
        yield line("X: differs. ~: a known deviation of the framework. skip: not supported.")


def _reasons(run: HorizonRun) -> Iterator[Line]:
    for (status, _), trials in _by_reason(run, "known", "skip").items():
        worst = max(trials, key=lambda trial: trial.shift)  # its reason has a number
        labels = ", ".join(dict.fromkeys(trial.row.label for trial in trials))
        word = Cell("known", "known") if status == "known" else Cell("skip", "skip")
        yield line(word, f": {labels}, {_places(run, trials)}: {worst.reason}", item=True)


def _by_reason(run: HorizonRun, *statuses: str) -> dict[tuple[str, str], list[Trial]]:
    found: dict[tuple[str, str], list[Trial]] = {}
    for status in statuses:
        for trial in (trial for trial in run.trials if trial.status == status):
            reason = trial.known.reason if trial.known else trial.reason
            found.setdefault((status, reason), []).append(trial)
    return found


def _places(run: HorizonRun, trials: Sequence[Trial]) -> str:
    names, dtypes = (list(dict.fromkeys(found)) for found in _names(trials))
    every, both = (set(found) for found in _names(run.trials))
    words = "all problems" if every == set(names) else ", ".join(names)
    return words if both == set(dtypes) else f"{words} in {', '.join(dtypes)}"


def _names(trials: Sequence[Trial]) -> tuple[list[str], list[str]]:
    return [trial.problem for trial in trials], [trial.row.dtype for trial in trials]


def _failures(run: HorizonRun) -> Table:
    rows: list[list[Text]] = [
        [trial.row.label, trial.row.dtype, trial.problem, trial.reason]
        for trial in run.trials
        if trial.status == "fail"
    ]
    return Table(("backend", "dtype", "problem", "reason"), rows)


# How long two backends stay together


def _horizons(run: HorizonRun) -> Table:
    rows: list[list[Text]] = []
    for horizon in run.horizons:
        pair = " and\n".join(horizon.pair) if horizon.first else "none"
        counts = (horizon.predicted, horizon.first, horizon.last)
        judged = str(run.judged.get((horizon.problem, horizon.dtype), "-"))
        steps = (f">{horizon.steps}" if n is None else str(n) for n in counts)
        rows.append([horizon.problem, horizon.dtype, pair, judged, *steps])
    head = ("problem", "dtype", "first to part", "judged", "predicted", "first", "last")
    return Table(head, rows, keys=2, numbers=4)


def _horizon_legend(run: HorizonRun) -> Iterator[Line]:
    if run.horizons:
        yield line(
            "judged: steps for which the budget is valid. predicted: from rounding alone. "
            "first, last: when the first and the last pair of backends part; > if they never do."
        )


def _curves(run: HorizonRun) -> Iterator[Figure]:
    for horizon in run.horizons:
        width = horizon.steps / len(horizon.expected)
        chart = draw_chart(
            f"{horizon.problem} {horizon.dtype}: largest difference of a weight",
            "gradient step",
            {"predicted": _points(horizon.expected, width)},
            log=True,
            limit=APART,
            limit_words="apart",
            faint={pair: _points(found, width) for pair, found in horizon.found.items()},
        )
        if chart:
            yield Figure("chart", chart)


def _points(distances: Sequence[float], width: float) -> list[tuple[float, float]]:
    return [((k + 1) * width, distance) for k, distance in enumerate(distances)]
