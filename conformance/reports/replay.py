"""A replay as a report and as plain data: each backend's result, and what the file records."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any, Final

from gateparity.conformance.failures.replay import exit_code
from gateparity.conformance.judgement.confidence import ALLOWED
from gateparity.conformance.reports.blocks import Cell, Report, Section, Table, line
from gateparity.conformance.reports.numbers import finite, number_words
from gateparity.network.dtypes import count_digits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gateparity.conformance.failures.failure import Failure
    from gateparity.conformance.failures.replay import Replay, WorstElement
    from gateparity.conformance.reports.blocks import Block, Line, Text
    from gateparity.conformance.runs.result import Status

_VERDICTS: Final = ("agrees", "differs", "could not run")  # by exit code
_WORDS: Final[dict[Status, str]] = {
    "pass": "agrees",
    "undecided": "is undecided",
    "known": "deviates as is known",
    "fail": "differs",
    "skip": "could not run",
    "error": "could not run",
}
_HEAD: Final = ("element", "found then", "found now", "expected", "sigma then", "sigma now")


def replay_report(failure: Failure, replays: Sequence[Replay]) -> Report:
    """Return the report: each backend's numbers beside the saved ones, then the file's words."""
    code = exit_code(replays)
    return Report(
        "gateparity replay",
        [*(_numbers(failure, one) for one in replays), _file(failure)],
        _VERDICTS[code],
        code,
        f"{failure.check}, {describe_case(failure)}",
        [_result(one) for one in replays],
    )


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


def _result(one: Replay) -> Line:
    result = one.result
    verdict = Cell(f"{_name(one)} {_WORDS[result.status]}", result.status)
    reason = f": {result.reason}" if result.reason else ""
    bits = "" if one.other_bits is None else f"; {describe_bits(one.other_bits)}"
    return line(verdict, reason + bits)


def _name(one: Replay) -> str:
    return f"{one.result.backend.label} {one.version}".strip()


def _numbers(failure: Failure, one: Replay) -> Section:
    digits = count_digits(failure.dtype)
    shown = [place for place in one.places if place.differs] or one.places
    found: list[Block] = [Table(_HEAD, [_cells(place, digits) for place in shown], numbers=5)]
    if others := len(one.places) - len(shown):
        found.append(line(f"Other arrays that agreed then and agree now: {others}."))
    if not one.same_truth:
        found.append(line("The expected results are not those in the file."))
    return Section(f"{_name(one)}: the worst element of each array", found)


def _cells(place: WorstElement, digits: int) -> list[Text]:
    """Return the cells for one element; a value that was not found shows as "-"."""
    sides = ((place.then, place.sigmas_then), (place.now, place.sigmas_now))
    numbers = [None if math.isnan(sigma) else value for value, sigma in sides]
    words = ["-" if n is None else f"{n:.{digits}g}" for n in (*numbers, place.expected)]
    name = f"{place.array}{list(place.index) or ''}"
    return [name, *words, *(_sigma(sigmas) for _, sigmas in sides)]


def _sigma(sigmas: float) -> Cell:
    if math.isnan(sigmas):
        return Cell("-", "skip")
    fails = sigmas > ALLOWED
    return Cell(number_words(sigmas) + " X" * fails, "fail" if fails else "pass")


def _file(failure: Failure) -> Section:
    words = {
        "backend": failure.backend,
        "verdict": failure.message,
        "seed": str(failure.seed),
        **failure.manifest,
    }
    return Section("What the file records", [Table(("line", "value"), list(words.items()))])
