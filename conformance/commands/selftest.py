"""`gateparity selftest`: how good the suite itself is, in figures."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gateparity.conformance.commands.choices import choose_backends
from gateparity.conformance.commands.options import Force, Json, Report, backend_option
from gateparity.conformance.commands.progress import show_bars
from gateparity.conformance.reports.files import ReportFiles
from gateparity.conformance.reports.numbers import finite
from gateparity.conformance.reports.selftest import (
    alarms_report,
    conditions_report,
    mutants_report,
    selftest_report,
)
from gateparity.conformance.selftest.conditioned import CONDITIONS, describe_trials
from gateparity.conformance.selftest.figures import (
    FALSE_ALARMS,
    PAIRS,
    SENSITIVITY,
    run_selftest,
)
from gateparity.conformance.selftest.framework_alarms import count_framework_alarms
from gateparity.conformance.selftest.mutants import describe_mutants, list_mutations
from gateparity.conformance.selftest.pieces import CATALOGUE, load_catalogue
from gateparity.conformance.selftest.unseen import MUTANTS, run_conditions, run_mutants
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateparity.conformance.reports import blocks
    from gateparity.conformance.selftest.conditioned import Trial
    from gateparity.conformance.selftest.false_alarms import Alarms
    from gateparity.conformance.selftest.figures import Figures
    from gateparity.conformance.selftest.mutants import Mutant

EXAMPLES: Final = """
[bold]Examples[/]

  gateparity selftest                              everything

  gateparity selftest --frameworks                 false alarms in frameworks

  gateparity selftest --conditions 1000            mistakes under conditions

  gateparity selftest --mutants                    mutants made by a machine

  gateparity selftest --faults mypkg.faults:LIST   a catalogue of yours

  gateparity selftest --json figures.json --report figures.html
"""
_FRAMEWORK_CASES: Final = 1000

Faults = Annotated[
    str, typer.Option(metavar="module:LIST", help="Another catalogue: a list of Mistakes.")
]
Frameworks = Annotated[
    bool,
    typer.Option("--frameworks", help="Look for false alarms in every framework instead."),
]
Specs = Annotated[
    list[str] | None,
    backend_option("With --frameworks: which. All by default."),
]
Count = Annotated[
    int | None,
    typer.Option(
        min=1,
        help=f"Random LSTMs: {FALSE_ALARMS} by default, {_FRAMEWORK_CASES} a framework.",
    ),
]
Conditions = Annotated[
    int | None,
    typer.Option(
        "--conditions",
        min=1,
        metavar="COUNT",
        help=f"Measure mistakes under conditions instead: how many. All figures have {CONDITIONS}.",
    ),
]
Mutants = Annotated[
    bool,
    typer.Option(
        "--mutants",
        help=f"Try all mutants of NumPy's adapter instead. All figures have {MUTANTS}.",
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Draw other LSTMs.")]


def selftest(
    faults: Faults = CATALOGUE,
    backend: Specs = None,
    cases: Count = None,
    conditions: Conditions = None,
    seed: Seed = 0,
    json: Json = None,
    report: Report = None,
    *,
    mutants: Mutants = False,
    frameworks: Frameworks = False,
    force: Force = False,
) -> None:
    """Measure the suite itself: which mistakes it catches, its false alarms, its sensitivity.

    Exit code 0: exactly the checks that a mistake's entry names catch it, the diagnosis names it,
    no correct LSTM fails, and enough mistakes under conditions and mutants are caught. 1: one of
    these does not hold. 2: could not run.
    """
    if backend and not frameworks:
        raise InputError("--backend goes with --frameworks")
    if sum(map(bool, (conditions, mutants, frameworks))) > 1:
        raise InputError("give one of --conditions, --mutants and --frameworks")
    kind = "false alarms" if frameworks else "selftest"
    files = ReportFiles(kind, json=json, reports=report, force=force)
    if frameworks:
        found = _run_frameworks(backend, cases or _FRAMEWORK_CASES, seed)
        counted = {label: _alarms_json(alarms) for label, alarms in found.items()}
        code = int(any(alarms.reasons for alarms in found.values()))
        files.publish(alarms_report(counted, code), {"schema": 1, "false_alarms": counted})
        raise typer.Exit(code)
    if conditions:
        found = describe_trials(_run_conditions(faults, conditions, seed))
        _publish(files, conditions_report, "conditions", found, seed)
    if mutants:
        _publish(files, mutants_report, "mutants", describe_mutants(_run_mutants(seed)), seed)
    figures = _run(faults, cases or FALSE_ALARMS, seed)
    data = figures_json(figures)
    files.publish(selftest_report(data, figures.exit_code), data)
    raise typer.Exit(figures.exit_code)


def figures_json(figures: Figures) -> dict[str, Any]:
    """Return the figures as plain data; a shift that no method catches is null."""
    return {
        "schema": 1,
        "seed": figures.seed,
        "mistakes": [
            {
                "name": kill.name,
                "family": kill.family,
                "violates": kill.violates,
                "caught": sorted(kill.caught),
                "expected": sorted(kill.expected),
            }
            for kill in figures.kills
        ],
        "diagnoses": [
            {"mistakes": naming.mistakes, "said": naming.said, "right": naming.right}
            for naming in figures.namings
        ],
        "false_alarms": {"numpy": _alarms_json(figures.alarms)},
        "sensitivity": {
            name: {
                "cases": len(caught.shifts),
                "median": finite(caught.smallest(0.5)),
                "99 of 100": finite(caught.smallest(0.99)),
                "false_alarms": caught.alarms,
            }
            for name, caught in figures.caught.items()
        },
        "conditions": describe_trials(figures.trials),
        "mutants": describe_mutants(figures.mutants),
    }


def _run(faults: str, alarms: int, seed: int) -> Figures:
    count = len(load_catalogue(faults))
    totals = {
        "mistakes": count,
        "diagnoses": count + PAIRS,
        "false alarms": alarms,
        "sensitivity": SENSITIVITY,
        "conditions": CONDITIONS,
        "mutants": MUTANTS,
    }
    with _show_progress(totals) as progress:
        return run_selftest(faults, alarms=alarms, seed=seed, progress=progress)


def _publish(
    files: ReportFiles,
    make_report: Callable[[dict[str, Any], int], blocks.Report],
    name: str,
    found: dict[str, Any],
    seed: int,
) -> None:
    """Publish one figure by itself, and exit."""
    data, code = {"schema": 1, "seed": seed, name: found}, int(not found["enough"])
    files.publish(make_report(data, code), data)
    raise typer.Exit(code)


def _run_mutants(seed: int) -> tuple[Mutant, ...]:
    with _show_progress({"mutants": len(list_mutations())}) as progress:
        return run_mutants(seed=seed, progress=progress)


def _run_conditions(faults: str, count: int, seed: int) -> tuple[Trial, ...]:
    load_catalogue(faults)
    with _show_progress({"conditions": count}) as progress:
        return run_conditions(faults, conditions=count, seed=seed, progress=progress)


def _run_frameworks(specs: list[str] | None, cases: int, seed: int) -> dict[str, Alarms]:
    backends = choose_backends(specs)
    with _show_progress({backend.label: cases for backend in backends}) as progress:
        return count_framework_alarms(backends, cases, seed, progress)


def _alarms_json(alarms: Alarms) -> dict[str, Any]:
    return {**vars(alarms), "sigmas": finite(alarms.sigmas), "shift": finite(alarms.shift)}


@contextlib.contextmanager
def _show_progress(totals: dict[str, int]) -> Iterator[Callable[[str, int], None]]:
    """Yield a function that advances the progress bar of a label by a count."""
    with show_bars() as progress:
        tasks = {label: progress.add_task(label, total=total) for label, total in totals.items()}
        yield lambda label, count: progress.update(tasks[label], advance=count)
