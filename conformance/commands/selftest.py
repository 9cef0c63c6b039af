"""`gateparity selftest`: how good the suite itself is, in three figures."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.markup import escape
from rich.table import Table

from gateparity.conformance.commands.choices import choose_rows
from gateparity.conformance.commands.options import Force, Report, backend_option
from gateparity.conformance.commands.progress import show_bars
from gateparity.conformance.judgement.verdict import ALLOWED
from gateparity.conformance.reports.console import make_console, print_table
from gateparity.conformance.reports.numbers import finite
from gateparity.conformance.selftest.figures import (
    CATALOGUE,
    FALSE_ALARMS,
    PAIRS,
    SENSITIVITY,
    load_catalogue,
    run_selftest,
)
from gateparity.conformance.selftest.framework_alarms import count_framework_alarms
from gateparity.conformance.storage.kinds import Kind
from gateparity.conformance.storage.outputs import Outputs
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console

    from gateparity.conformance.selftest.false_alarms import Alarms
    from gateparity.conformance.selftest.figures import Figures, Naming

EXAMPLES: Final = """
[bold]Examples[/]

  gateparity selftest                              everything

  gateparity selftest --frameworks                 false alarms in frameworks

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
Seed = Annotated[int, typer.Option(min=0, help="Draws other LSTMs.")]
Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the figures as JSON.")
]


def selftest(
    faults: Faults = CATALOGUE,
    backend: Specs = None,
    cases: Count = None,
    seed: Seed = 0,
    json: Json = None,
    report: Report = None,
    *,
    frameworks: Frameworks = False,
    force: Force = False,
) -> None:
    """Measure the suite itself: what it catches, what it calls wrong that isn't, how fine it sees.

    Exit code 0: every fault is killed by exactly the checks that its entry names, and no sound
    LSTM is called wrong; 1: not so; 2: could not run.
    """
    kind = "false alarms" if frameworks else "selftest"
    files = {"--json": (json, Kind("JSON", kind)), "--report": (report, Kind("HTML", kind))}
    outputs = Outputs(files, force=force)
    if backend and not frameworks:
        raise InputError("--backend goes with --frameworks")
    if frameworks:
        found = _run_frameworks(backend, cases or _FRAMEWORK_CASES, seed)
        counted = {label: _alarms_json(alarms) for label, alarms in found.items()}
        outputs.write_json("--json", {"schema": 1, "false_alarms": counted})
        code = int(any(alarms.reasons for alarms in found.values()))
        if report:
            from gateparity.conformance.reports.html.selftest import alarms_page

            outputs.write_text("--report", alarms_page(counted, code))
        raise typer.Exit(code)
    figures = _run(faults, cases or FALSE_ALARMS, seed)
    print_figures(figures, make_console())
    outputs.write_json("--json", figures_json(figures))
    if report:
        from gateparity.conformance.reports.html.selftest import selftest_page

        page = selftest_page(figures_json(figures), figures.exit_code)
        outputs.write_text("--report", page)
    raise typer.Exit(figures.exit_code)


def print_figures(figures: Figures, console: Console) -> None:
    """Print the catalogue of mistakes by family, and the three figures."""
    print_table(console, _catalogue_table(figures))
    print_table(console, _sensitivity_table(figures))
    exact = sum(kill.exact for kill in figures.kills)
    killed = sum(bool(kill.caught) for kill in figures.kills)
    families = len({kill.family for kill in figures.kills})
    console.print(
        f"Mistakes: {killed} of {len(figures.kills)} killed, in {families} families; "
        f"{exact} by exactly the checks that they name",
        highlight=False,
    )
    for kind, namings in (("mistakes", figures.singles), ("pairs", figures.pairs)):
        _print_namings(kind, namings, console)
    print_alarms("NumPy", figures.alarms, console)


def _print_namings(kind: str, namings: Sequence[Naming], console: Console) -> None:
    right = sum(naming.right for naming in namings)
    console.print(f"Diagnosis: {right} of {len(namings)} {kind} named rightly", highlight=False)
    for naming in namings:
        if not naming.right:
            said = "; ".join(" and ".join(names) for names in naming.said) or "nothing"
            line = f"  {' and '.join(naming.mistakes)}: {said}"
            console.print(escape(line), highlight=False)


def print_alarms(name: str, alarms: Alarms, console: Console) -> None:
    """Print how many false alarms there were in how many LSTMs, and the largest errors."""
    style = "bold red" if alarms.reasons else "green"
    console.print(
        f"False alarms: [{style}]{len(alarms.reasons)}[/] in {alarms.cases} random LSTMs "
        f"through {escape(name)}; the largest error {alarms.sigmas:.1f} sigma, the largest shift "
        f"{alarms.shift:.1f}, {ALLOWED:g} allowed",
        highlight=False,
    )
    for reason in alarms.reasons[:10]:
        console.print(f"  {escape(reason)}", highlight=False)


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
    }


def _run(faults: str, alarms: int, seed: int) -> Figures:
    count = len(load_catalogue(faults))
    totals = {
        "mistakes": count,
        "diagnoses": count + PAIRS,
        "false alarms": alarms,
        "sensitivity": SENSITIVITY,
    }
    with _show_progress(totals) as progress:
        return run_selftest(faults, alarms=alarms, seed=seed, progress=progress)


def _run_frameworks(specs: list[str] | None, cases: int, seed: int) -> dict[str, Alarms]:
    backends = choose_rows(specs)
    console = make_console()
    with _show_progress({backend.label: cases for backend in backends}) as progress:
        found = count_framework_alarms(backends, cases, seed, progress)
    for label, alarms in found.items():
        print_alarms(label, alarms, console)
    return found


def _catalogue_table(figures: Figures) -> Table:
    table = Table(title="Every mistake, and the checks that killed it")
    for name in ("family", "mistake", "killed by"):
        table.add_column(name)
    for kill in figures.kills:
        caught = ", ".join(sorted(kill.caught)) or "nothing"
        if not kill.exact:
            caught = f"[bold red]{caught}; expected {', '.join(sorted(kill.expected))}[/]"
        table.add_row(escape(kill.family), escape(kill.name), caught)
    return table


def _sensitivity_table(figures: Figures) -> Table:
    cases = len(next(iter(figures.caught.values())).shifts)
    title = f"The smallest shift of a bias that is caught, in {cases} random float32 LSTMs"
    table = Table(title=title)
    table.add_column("method")
    for name in ("half of them", "99 of 100", "sound ones called wrong"):
        table.add_column(name, justify="right")
    for name, caught in figures.caught.items():
        shifts = [caught.smallest(share) for share in (0.5, 0.99)]
        table.add_row(name, *map(_shift_words, shifts), str(caught.alarms))
    return table


def _shift_words(shift: float) -> str:
    return f"{shift:.1e}" if math.isfinite(shift) else "none"


def _alarms_json(alarms: Alarms) -> dict[str, Any]:
    return {**vars(alarms), "sigmas": finite(alarms.sigmas), "shift": finite(alarms.shift)}


@contextlib.contextmanager
def _show_progress(totals: dict[str, int]) -> Iterator[Callable[[str, int], None]]:
    """Yield a function that advances the progress bar of a label by a count."""
    with show_bars() as progress:
        tasks = {label: progress.add_task(label, total=total) for label, total in totals.items()}
        yield lambda label, count: progress.update(tasks[label], advance=count)
