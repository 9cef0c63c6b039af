"""`gateparity horizon`: training within rounding, and after how many steps two backends part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import typer
from rich.markup import escape
from rich.table import Table

from gateparity.conformance.commands.choices import choose_rows
from gateparity.conformance.commands.options import Force, Json, Seed, Specs, TimeLimit
from gateparity.conformance.commands.progress import show_steps
from gateparity.conformance.commands.train import Gauge, Plot
from gateparity.conformance.judgement.verdict import ALLOWED
from gateparity.conformance.reports.console import make_console, print_line, print_table
from gateparity.conformance.reports.numbers import finite
from gateparity.conformance.reports.plot import plot_horizons, require_plotly
from gateparity.conformance.runs.pool import BackendAtDtype
from gateparity.conformance.storage.kinds import Kind
from gateparity.conformance.storage.outputs import Outputs
from gateparity.conformance.training.horizon import (
    APART,
    ReferenceCache,
    find_horizon,
    try_problems,
)
from gateparity.conformance.training.problems import CALM, WILD, make_problem
from gateparity.conformance.training.run import TIME_LIMIT
from gateparity.errors import printable
from gateparity.network.dtypes import SUITE_DTYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from gateparity.conformance.training.horizon import Horizon, Trial

EXAMPLES: Final = """
[bold]Examples[/]

  gateparity horizon                            all that is found

  gateparity horizon -b numpy -b torch:layer    two rows

  gateparity horizon -b numpy -b torch --gauge native    two biases, not one

  gateparity horizon --json horizon.json --plot horizon.html
"""


def horizon(
    backend: Specs = None,
    gauge: Gauge = "tied",
    seed: Seed = 0,
    json: Json = None,
    plot: Plot = None,
    time_limit: TimeLimit = TIME_LIMIT,
    *,
    force: Force = False,
) -> None:
    """Train small problems in every backend: within rounding at every step, and for how long.

    Each column is a problem: an optimiser, a loss, carried states; the wild ones are made to part.
    Exit code 0: all agree, for as far as rounding's budget vouches; 1: something differs; 2:
    something could not run.
    """
    files = {"--json": (json, Kind("JSON", "horizon")), "--plot": (plot, Kind("HTML", "horizons"))}
    outputs = Outputs(files, force=force)
    if plot:
        require_plotly()
    backends = choose_rows(backend)
    rows = [BackendAtDtype(one, dtype) for one in backends for dtype in SUITE_DTYPES]
    problems, references = (*CALM, *WILD), ReferenceCache(seed)
    with show_steps(len(rows) * len(problems), "starting workers") as step:

        def progress(trial: Trial) -> None:
            step(f"{trial.row.label} {trial.problem}")

        trials = try_problems(
            rows, problems, references, time_limit, gauge=gauge, progress=progress
        )
    horizons = _find_horizons(trials, references, seed)
    print_trials(trials, references, horizons, make_console())
    code = exit_code(trials)
    found = trials_json(trials, horizons) | {"seed": seed, "exit_code": code}
    outputs.write_json("--json", found)
    if plot:
        outputs.write_text("--plot", plot_horizons(horizons))
    raise typer.Exit(code)


def exit_code(trials: Sequence[Trial]) -> int:
    """Return 1 if something differs, else 2 if something could not run or be compared, else 0."""
    statuses = {trial.status for trial in trials}
    if "fail" in statuses:
        return 1
    ran = {trial.row.label for trial in trials if trial.verdict}
    return 2 if "error" in statuses or len(ran) < 2 else 0


def print_trials(
    trials: Sequence[Trial],
    references: ReferenceCache,
    horizons: Sequence[Horizon],
    console: Console,
) -> None:
    """Print the table of standard deviations, what didn't pass and why, and the horizons."""
    table = Table(
        title="Training: the largest error against the truth, in standard deviations of rounding: "
        f"{ALLOWED:g} allowed"
    )
    problems = list(dict.fromkeys(trial.problem for trial in trials))
    for name in ("backend", "dtype"):
        table.add_column(name)
    for name in problems:
        table.add_column(name, justify="right")
    for row in dict.fromkeys(trial.row for trial in trials):
        found = [_cell(t) for t in trials if t.row == row]
        table.add_row(escape(row.label), row.dtype, *found)
    print_table(console, table)
    for trial in trials:
        if trial.reason:
            words = f"{trial.row.label} {trial.row.dtype} {trial.problem} {trial.status}"
            print_line(escape(f"{words}: {printable(trial.reason)}"), console)
    print_table(console, _horizon_table(references, horizons))


def trials_json(trials: Sequence[Trial], horizons: Sequence[Horizon]) -> dict[str, Any]:
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
            for trial in trials
        ],
        "horizons": [_horizon_json(horizon) for horizon in horizons],
    }


def _find_horizons(trials: Sequence[Trial], references: ReferenceCache, seed: int) -> list[Horizon]:
    kinds = dict.fromkeys(
        (t.problem, t.row.dtype) for t in trials if t.problem in WILD and t.results
    )
    found = (
        find_horizon(
            [t for t in trials if (t.problem, t.row.dtype) == (name, dtype) and not t.known],
            references.of(name, dtype),
            make_problem(name, dtype, seed).batches,
        )
        for name, dtype in kinds
    )
    return [horizon for horizon in found if horizon]


def _horizon_json(horizon: Horizon) -> dict[str, Any]:
    found = {pair: [*map(finite, distances)] for pair, distances in horizon.found.items()}
    return vars(horizon) | {"expected": [*map(finite, horizon.expected)], "found": found}


def _horizon_table(references: ReferenceCache, horizons: Sequence[Horizon]) -> Table:
    table = Table(
        title=f"Steps until two rows are apart by a weight of {APART:g}: predicted, and as it was"
    )
    for name in (
        "problem",
        "dtype",
        "steps",
        "vouched for",
        "predicted",
        "first pair",
        "last pair",
    ):
        table.add_column(name, justify="left" if name in ("problem", "dtype") else "right")
    table.add_column("the first to part")
    for found in horizons:
        batches = found.steps // len(make_problem(found.problem, found.dtype).epochs)
        valid_epochs = references.of(found.problem, found.dtype).valid_epochs * batches
        steps = (_steps(n, found.steps) for n in (found.predicted, found.first, found.last))
        pair = " and ".join(found.pair) if found.first else ""
        table.add_row(
            found.problem, found.dtype, str(found.steps), str(valid_epochs), *steps, escape(pair)
        )
    return table


def _steps(count: int | None, most: int) -> str:
    return f"over {most}" if count is None else str(count)


def _cell(trial: Trial) -> str:
    if trial.verdict is None:
        return "skip" if trial.skip else "[bold red]error[/]"
    number = f"{trial.verdict.sigmas:.1f}" if trial.verdict.sigmas < 1e4 else "large"
    marks = {"known": f"[yellow]{number} ~[/]", "fail": f"[bold red]{number} X[/]"}
    return marks.get(trial.status, number)
