"""`gateparity horizon`: training within rounding, and after how many steps two backends part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import typer

from gateparity.conformance.commands.choices import choose_backends
from gateparity.conformance.commands.options import Force, Json, Report, Seed, Specs, TimeLimit
from gateparity.conformance.commands.progress import show_steps
from gateparity.conformance.commands.train import Biases, Plot, refuse_plot
from gateparity.conformance.reports.files import ReportFiles
from gateparity.conformance.reports.horizon import horizon_json, horizon_report
from gateparity.conformance.runs.pool import BackendAtDtype
from gateparity.conformance.training.horizon import ReferenceCache, find_horizons, try_problems
from gateparity.conformance.training.problems import CALM, WILD
from gateparity.conformance.training.run import TIME_LIMIT
from gateparity.network.dtypes import SUITE_DTYPES

if TYPE_CHECKING:
    from gateparity.conformance.training.horizon import Trial

EXAMPLES: Final = """
[bold]Examples[/]

  gateparity horizon                            all that is found

  gateparity horizon -b numpy -b torch:layer    two backends

  gateparity horizon -b numpy -b torch --biases separate    two, not one

  gateparity horizon --json horizon.json --report horizon.html
"""


def horizon(
    backend: Specs = None,
    biases: Biases = "tied",
    seed: Seed = 0,
    json: Json = None,
    plot: Plot = None,
    report: Report = None,
    time_limit: TimeLimit = TIME_LIMIT,
    *,
    force: Force = False,
) -> None:
    """Train small problems in every backend: within rounding at every step, and for how long.

    A problem is an optimiser, a loss and carried states or none. The wild problems are made to
    drift apart. Exit code 0: all agree, as far as the rounding budget reaches; 1: something
    differs; 2: something could not run.
    """
    refuse_plot(plot)
    files = ReportFiles("horizon", json=json, reports=report, force=force)
    backends = choose_backends(backend)
    rows = [BackendAtDtype(one, dtype) for one in backends for dtype in SUITE_DTYPES]
    problems, references = (*CALM, *WILD), ReferenceCache(seed)
    with show_steps(len(rows) * len(problems), "starting workers") as step:

        def progress(trial: Trial) -> None:
            step(f"{trial.row.label} {trial.problem}")

        trials = try_problems(
            rows, problems, references, time_limit, biases=biases, progress=progress
        )
    found = find_horizons(trials, references)
    files.publish(horizon_report(found), horizon_json(found))
    raise typer.Exit(found.exit_code)
