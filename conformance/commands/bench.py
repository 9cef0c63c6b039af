"""`gateparity bench`: how fast the adapters are, beside the frameworks' own layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from gateparity.conformance.bench.files import WRITERS, time_files
from gateparity.conformance.bench.judging import judge_all
from gateparity.conformance.bench.measure import BenchPlan, group_backends, run_bench
from gateparity.conformance.bench.sizes import SIZES, choose_sizes
from gateparity.conformance.commands.choices import choose_backends
from gateparity.conformance.commands.options import Force, Json, Report, Seed, Specs
from gateparity.conformance.commands.progress import show_steps
from gateparity.conformance.reports.bench import bench_json, bench_report
from gateparity.conformance.reports.bench_files import files_json, files_report
from gateparity.conformance.reports.files import ReportFiles

if TYPE_CHECKING:
    from gateparity.conformance.bench.measure import Bench

EXAMPLES: Final = """
[bold]Examples[/]

  gateparity bench                              all backends, three sizes

  gateparity bench --quick                      one size, few rounds

  gateparity bench -b torch -b jax:scratch --size large --json bench.json

  gateparity bench -b numpy -b mypkg.lstm:MyLSTM    an adapter of yours

  gateparity bench --files                      inspect, on files of 1 GiB

  taskset -c 0 gateparity bench --clock cpu     on a machine that others use
"""
_SECONDS, _QUICK = 3.0, 0.5
_TIME_LIMIT: Final = 600.0  # seconds for one call: all compilations and rounds of one size

Sizes = Annotated[
    list[str] | None,
    typer.Option(
        "--size",
        metavar="NAME",
        help=f"One of {', '.join(SIZES)}; repeat for more. All by default.",
    ),
]
Seconds = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=3600.0,
        help=f"For each size and operation of a backend; {_SECONDS:g} by default.",
    ),
]
Clock = Annotated[
    Literal["wall", "cpu"],
    typer.Option(
        help="The time that passes, or the processor's, of all threads together: with one thread, "
        "that is steadier on a busy machine."
    ),
]
Limit = Annotated[
    float,
    typer.Option(
        min=0.001, max=86_400.0, metavar="SECONDS", help="The longest that one size may take."
    ),
]
Quick = Annotated[bool, typer.Option("--quick", help="The small size, few rounds, no growth.")]
Files = Annotated[
    bool, typer.Option("--files", help="Time `inspect` on files of 1 GiB, and `diff`, instead.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit code 1 where a target is missed.")]


def bench(
    backend: Specs = None,
    size: Sizes = None,
    seconds: Seconds = None,
    clock: Clock = "wall",
    seed: Seed = 0,
    json: Json = None,
    report: Report = None,
    time_limit: Limit = _TIME_LIMIT,
    *,
    quick: Quick = False,
    files: Files = False,
    strict: Strict = False,
    force: Force = False,
) -> None:
    """Time every backend beside its framework's own layer, in turns.

    A target is printed beside each ratio that has one. Exit code 0: measured, whether targets are
    met or not; 1, with --strict: one is missed; 2: a backend could not run.
    """
    outputs = ReportFiles("benchmark", json=json, reports=report, force=force)
    if files:
        raise typer.Exit(_bench_files(outputs, strict=strict))
    backends = choose_backends(backend)
    sizes = choose_sizes(size or (["small"] if quick else []))
    spend = seconds if seconds is not None else _QUICK if quick else _SECONDS
    plan = BenchPlan(sizes, spend, time_limit, seed, growth=not quick, clock=clock)
    with show_steps(len(group_backends(backends)) * plan.pieces, "starting workers") as progress:
        found = run_bench(backends, plan, progress)
    code = exit_code(found, strict=strict)
    outputs.publish(bench_report(found, code), bench_json(found))
    raise typer.Exit(code)


def _bench_files(outputs: ReportFiles, *, strict: bool) -> int:
    with show_steps(len(WRITERS) + 1, "writing files") as progress:
        found = time_files(progress)
    missed = any(timing.is_slow for timing in found)
    code = int(strict and missed)
    outputs.publish(files_report(found, code), files_json(found))
    return code


def exit_code(found: Bench, *, strict: bool) -> int:
    """Return 2 if a backend could not run, else 1 if `strict` and a target is missed, else 0."""
    if found.errors:
        return 2
    return int(strict and any(judged.verdict == "missed" for judged in judge_all(found)))
