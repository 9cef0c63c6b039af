"""A run as JSON and back: written by `--json`, read by `gateparity compare`."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args

from gateparity.backends.spec import Backend
from gateparity.conformance.files import write_text
from gateparity.conformance.reports.numbers import finite
from gateparity.conformance.result import Pair, Result, Run, Status
from gateparity.conformance.source import Source
from gateparity.conformance.text import read_bytes
from gateparity.conformance.versions import Change
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

SCHEMA: Final = 1
_KEPT: Final = [f.name for f in dataclasses.fields(Result) if f.compare and f.name != "row"]
_SAVED: Final = ("saved", "saved_sizes")
_Item = TypeVar("_Item", Result, Pair)
_NUMBERS: Final = ("max_error", "sigmas", "shift")


@dataclasses.dataclass(frozen=True)
class Record:
    """A run, and the facts that must be equal before it can be joined with another."""

    run: Run
    source: Source
    gateparity: str = importlib.metadata.version("gateparity")


def write_json(
    run: Run, path: Path, source: Source, more: Mapping[str, Any] = MappingProxyType({})
) -> None:
    """Write the run as JSON atomically; `more` is added at the top level."""
    text = json.dumps(to_json(Record(run, source)) | dict(more), indent=2, allow_nan=False)
    write_text(path, text + "\n")


def to_json(record: Record) -> dict[str, Any]:
    """Return the run as plain data. A number that isn't finite is null; its reason explains it."""
    run = record.run
    return {
        "schema": SCHEMA,
        "gateparity": record.gateparity,
        "verdict": run.verdict,
        "seed": run.seed,
        "source": dataclasses.asdict(record.source),
        "versions": run.versions,
        "seconds": round(run.seconds, 3),
        "transport_seconds": round(run.transport_seconds, 3),
        "results": [_result_json(result) for result in run.results],
        "pairs": [_numbers(vars(pair)) for pair in run.pairs],
        "explanations": run.explanations,
        "manifests": {label: dict(told) for label, told in run.manifests.items()},
        "changes": [_change_json(change) for change in run.changes],
    }


def read_json(path: Path) -> Record:
    """Read a file of `write_json`. Raise `InputError` for anything else."""
    try:
        found = json.loads(read_bytes(path, "a run's JSON"))
        schema = found["schema"]
        if schema == SCHEMA:
            return _from_json(found)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        words = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(
            f"{path} is nothing that `gateparity check --json` wrote: {words}"
        ) from None
    raise InputError(f"{path} has schema {schema!r}, expected {SCHEMA}")


def _result_json(result: Result) -> dict[str, Any]:
    row = {"backend": result.row.name, "variant": result.row.variant}
    if result.row.recorded:
        row["recorded"] = result.row.recorded
    saved = {name: getattr(result, name) for name in _SAVED if result.saved}
    return row | _numbers({name: getattr(result, name) for name in _KEPT}) | saved


def _numbers(found: dict[str, Any]) -> dict[str, Any]:
    return found | {name: finite(found[name]) for name in _NUMBERS if name in found}


def _from_json(found: dict[str, Any]) -> Record:
    results = tuple(_read_result(dict(result)) for result in found["results"])
    run = Run(
        rows=tuple(dict.fromkeys(result.row for result in results)),
        results=results,
        pairs=_checked(Pair(**pair) for pair in found["pairs"]),
        versions=_words(found["versions"]),
        seed=int(found["seed"]),
        seconds=float(found["seconds"]),
        transport_seconds=float(found["transport_seconds"]),
        explanations=_words(found["explanations"]),
        manifests={str(label): _words(told) for label, told in found.get("manifests", {}).items()},
        changes=tuple(_read_change(change) for change in found.get("changes", ())),
    )
    return Record(run, Source(**found["source"]), str(found["gateparity"]))


def _change_json(change: Change) -> dict[str, Any]:
    differing = {check: finite(sigmas) for check, sigmas in change.differing.items()}
    return dataclasses.asdict(change) | {"equal": list(change.equal), "differing": differing}


def _read_change(found: dict[str, Any]) -> Change:
    differing = {
        str(check): math.inf if sigmas is None else float(sigmas)
        for check, sigmas in found["differing"].items()
    }
    return Change(str(found["a"]), str(found["b"]), tuple(map(str, found["equal"])), differing)


def _words(found: dict[str, Any]) -> dict[str, str]:
    return {str(label): str(words) for label, words in found.items()}


def _read_result(found: dict[str, Any]) -> Result:
    named = found.pop("backend"), found.pop("variant")
    row = Backend(*named, target="", python=None, recorded=found.pop("recorded", ""))
    return _checked([Result(row, **found)])[0]


def _checked(items: Iterable[_Item]) -> tuple[_Item, ...]:
    items = tuple(items)
    for item in items:
        if item.status not in get_args(Status):
            raise ValueError(f"status {item.status!r}")
        for name in _NUMBERS:
            if not isinstance(getattr(item, name, None), int | float | None):
                raise TypeError(f"{name} {getattr(item, name)!r}")
        for name in _SAVED:
            if not isinstance(getattr(item, name, None), str | None):
                raise TypeError(f"{name} {getattr(item, name)!r}")
    return items
