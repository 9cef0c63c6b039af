"""Reports of a replay for people and programs: the file's contents, and each backend's result."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from gateparity.conformance.failures.replay import exit_code
from gateparity.conformance.reports.console import print_line, print_table
from gateparity.conformance.reports.numbers import finite
from gateparity.conformance.reports.summary import number_words
from gateparity.errors import printable
from gateparity.network.dtypes import count_digits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from gateparity.conformance.failures.failure import Failure
    from gateparity.conformance.failures.replay import Replay, WorstElement

_WORDS = {
    "pass": "[bold green]agrees[/]",
    "fail": "[bold red]differs[/]",
    "skip": "[bold yellow]could not run[/]",
    "error": "[bold yellow]could not run[/]",
}


def print_failure(failure: Failure, console: Console) -> None:
    """Print what the file records: what failed, where, and how far."""
    print_line(f"[bold]{escape(failure.check)}[/], {escape(describe_case(failure))}", console)
    print_line(f"  backend: {escape(failure.backend)}", console)
    for name, value in failure.manifest.items():
        print_line(f"  {escape(name)}: {escape(value)}", console)
    print_line(f"  seed: {failure.seed}", console)
    print_line(f"  then: {escape(failure.message)}", console)


def print_replay(failure: Failure, one: Replay, console: Console) -> None:
    """Print a backend's numbers beside the saved ones, and its verdict."""
    result = one.result
    print_table(console, _place_table(failure, one))
    version = f" {printable(one.version)}" if one.version else ""
    reason = f": {escape(printable(result.reason))}" if result.reason else ""
    words = f"{escape(result.backend.label + version)} {_WORDS[result.status]}{reason}"
    if one.other_bits is not None:
        words += f"; {escape(describe_bits(one.other_bits))}"
    print_line(words, console)
    if not one.same_truth:
        print_line("  what is expected now isn't what was expected then", console)


def describe_case(failure: Failure) -> str:
    """Describe the case in words: its sizes, and what it has."""
    config, batch = failure.case.config, failure.case.batch
    has = {
        f"{config.layers} layers": config.layers > 1,
        "two directions": config.directions > 1,
        "biases": config.biases,
        "initial states": bool(batch.states),
        "lengths": batch.lengths is not None,
    }
    parts = [words for words, there in has.items() if there]
    sizes = f"case {failure.case.name}, {failure.dtype}, {failure.case.sizes}"
    return f"{sizes}, with {', '.join(parts)}" if parts else sizes


def describe_bits(other_bits: Sequence[str]) -> str:
    """Describe whether the results are the same to the last bit."""
    if not other_bits:
        return "the same bits as recorded"
    more = f" and {len(other_bits) - 1} more arrays" if len(other_bits) > 1 else ""
    return f"other bits than recorded in {other_bits[0]}{more}"


def to_json(path: Path, failure: Failure, replays: Sequence[Replay]) -> dict[str, Any]:
    """Return the replay as plain data. A number that isn't finite is null."""
    return {
        "schema": 1,
        "file": str(path),
        "exit_code": exit_code(replays),
        "check": failure.check,
        "case": failure.case.name,
        "dtype": failure.dtype,
        "sizes": failure.case.sizes,
        "config": dataclasses.asdict(failure.case.config),
        "backend": failure.backend,
        "manifest": dict(failure.manifest),
        "seed": failure.seed,
        "then": failure.message,
        "replays": [_replay_json(one) for one in replays],
    }


def _replay_json(one: Replay) -> dict[str, Any]:
    result = one.result
    return {
        "backend": result.backend.name,
        "variant": result.backend.variant,
        "version": one.version,
        "status": result.status,
        "reason": result.reason,
        "same_bits": None if one.other_bits is None else not one.other_bits,
        "same_truth": one.same_truth,
        "arrays": [
            {n: finite(v) if isinstance(v, float) else v for n, v in vars(place).items()}
            for place in one.places
        ],
    }


def _place_table(failure: Failure, one: Replay) -> Table:
    table = Table(title="The worst element of every array that differed or differs")
    for name in ("array", "element"):
        table.add_column(name, no_wrap=True)
    for name in ("found then", "found now", "expected", "sigma then", "sigma now"):
        table.add_column(name, no_wrap=True, justify="right")
    differing = [place for place in one.places if place.differs]
    for place in differing or one.places:
        table.add_row(
            escape(place.array), str(list(place.index)), *_cells(place, count_digits(failure.dtype))
        )
    return table


def _cells(place: WorstElement, digits: int) -> list[str]:
    """Return the cells for one element; a value that was not found shows as "-"."""
    sides = ((place.then, place.sigmas_then), (place.now, place.sigmas_now))
    numbers = [None if math.isnan(sigma) else value for value, sigma in sides]
    words = ["-" if n is None else f"{n:.{digits}g}" for n in (*numbers, place.expected)]
    return [*words, *(number_words(None if math.isnan(s) else s) for _, s in sides)]
