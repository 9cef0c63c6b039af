"""Reading of a recording from an untrusted file: everything is checked before it is used.

A check is found by its name in gateparity; a backend's label is there for a person to read.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final, get_args

from gateparity.backends.backend import Backend
from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.conformance.judgement.budget import make_arithmetic
from gateparity.conformance.problems.arrays import join_arrays
from gateparity.conformance.recordings.recording import LIMITS, PARTS, SCHEMA, Recording, array_name
from gateparity.conformance.requirements.checks import choose_checks
from gateparity.conformance.requirements.task import Task
from gateparity.conformance.runs.plan import Source
from gateparity.conformance.runs.result import Result, Run, Status
from gateparity.conformance.storage.kinds import FAILURE, RECORDING
from gateparity.conformance.storage.limits import check_case, make_config
from gateparity.conformance.storage.tensors import check_checksum, unpack_tensors
from gateparity.conformance.storage.words import Metadata
from gateparity.errors import InputError, printable
from gateparity.files import read_bytes
from gateparity.network.config import Config
from gateparity.protocol.adapter import STATES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.task import Key
    from gateparity.network.parameters import Array

    Arrays = dict[str, Array]

_SHOWN: Final = 500  # characters of an error


def load_recording(path: Path) -> Recording:
    """Read a file of `save_recording`. Raise `InputError`, in one line, for anything else."""
    data = read_bytes(path, "a recorded run", LIMITS.file)
    if data.lstrip()[:1] == b"{":  # where a recording has the size of its header
        raise InputError(
            f"{path} is JSON, which holds verdicts and no arrays, expected a recorded run: "
            "`gateparity check --record FILE` writes one"
        )
    try:
        arrays, found = unpack_tensors(data, LIMITS)
        words = Metadata(found)
        _check_kind(words)
        check_checksum(arrays, found)
        return _read(arrays, words)
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}: {printable(str(error))[:_SHOWN]}") from None


def _check_kind(words: Metadata) -> None:
    if words.found.get("kind") != RECORDING.name:
        held = words.found.get("kind") == FAILURE.name or "check" in words.found
        saved = ": `gateparity replay` reads a saved failure" if held else ""
        raise InputError(f"no recorded run{saved}")
    if (schema := words.count("schema")) != SCHEMA:
        by = words.text("gateparity")
        raise InputError(f"schema is {schema}, expected {SCHEMA}: gateparity {by} recorded it")


def _read(arrays: Arrays, words: Metadata) -> Recording:
    cases = [_read_case(arrays, case) for case in words.objects("cases")]
    plan = [_read_entry(entry, cases) for entry in words.objects("plan")]
    keys = [task.key for task in plan]
    _require_distinct("plan", keys)
    held = words.objects("rows")
    backends = [_read_row(backend) for backend in held]
    _require_distinct("rows", [backend.label for backend in backends])
    results = [
        r
        for backend, entry in zip(backends, held, strict=True)
        for r in _results(backend, entry, keys)
    ]
    results = [_fill(result, arrays) for result in results]
    if arrays:
        raise InputError(f"array {next(iter(arrays))!r} belongs to no input and no result")
    labelled = [(backend.label, entry) for backend, entry in zip(backends, held, strict=True)]
    run = Run(
        backends=tuple(backends),
        results=tuple(results),
        pairs=(),
        versions={
            label: version for label, entry in labelled if (version := entry.text("version"))
        },
        seed=words.count("seed"),
        seconds=words.number("seconds"),
        transport_seconds=words.number("transport_seconds"),
        arithmetics={label: said for label, entry in labelled if (said := _read_arithmetic(entry))},
        manifests={label: entry.texts("manifest") for label, entry in labelled},
    )
    source = Metadata(words.fields("source", Source))
    return Recording(
        plan=plan,
        run=run,
        source=Source(source.text("options"), source.text("sha256")),
        gateparity=words.text("gateparity"),
        recorded=words.text("recorded"),
    )


def _read_case(arrays: Arrays, words: Metadata) -> Case:
    name, config = words.text("name"), make_config(words.fields("config", Config))
    start = f"inputs.{name}.{config.dtype}."
    own = {n.removeprefix(start): arrays.pop(n) for n in list(arrays) if n.startswith(start)}
    case = join_arrays(name, config, own)
    check_case(case)
    return case


def _read_entry(words: Metadata, cases: list[Case]) -> Task:
    k = words.count("case")
    if k >= len(cases):
        raise InputError(f"case is {k}, and there are {len(cases)}")
    return Task(choose_checks([words.text("check")])[0], cases[k])


def _read_row(words: Metadata) -> Backend:
    name, variant = words.text("backend"), words.text("variant")
    framework = FRAMEWORKS.get(name.partition("@")[0])
    known = framework is not None and variant in dict(framework.variants)
    return Backend(name, variant, "", None, shipped=known and words.flag("shipped"))


def _read_arithmetic(words: Metadata) -> dict[str, float]:
    said = words.numbers("arithmetic")
    make_arithmetic("float32", said)  # raises for what says nothing
    return said


def _results(backend: Backend, words: Metadata, keys: list[Key]) -> list[Result]:
    """Return a backend's results, with names in place of their arrays."""
    entries = words.objects("results")
    if len(entries) != len(keys):
        raise InputError(f"{backend.label} has {len(entries)} results, expected {len(keys)}")
    lacks = _read_lacks(words)
    return [_read_result(backend, key, r, lacks) for key, r in zip(keys, entries, strict=True)]


def _read_lacks(words: Metadata) -> frozenset[str]:
    """Those of `STATES` that a row hasn't; a file of an earlier version tells of none."""
    names = words.names("lacks") if "lacks" in words.found else []
    for name in names:
        if name not in STATES:
            raise InputError(f"lacks has {name!r}, expected some of {', '.join(STATES)}")
    return frozenset(names)


def _read_result(backend: Backend, key: Key, words: Metadata, lacks: frozenset[str]) -> Result:
    status: Any = words.text("status")
    if status not in get_args(Status):
        raise InputError(f"status is {status!r}, expected one of {', '.join(get_args(Status))}")
    named: dict[str, Any] = {
        part: dict.fromkeys(words.names(part))
        for part in PARTS
        if words.found.get(part) is not None
    }
    if "arrays" not in named and status in ("pass", "known"):
        raise InputError(
            f"{backend.label} has {status!r} for {', '.join(key)}, and no arrays of it"
        )
    reason, seconds = words.text("reason"), words.number("seconds")
    return Result(backend, *key, status, reason=reason, seconds=seconds, lacks=lacks, **named)


def _fill(result: Result, arrays: Arrays) -> Result:
    """Return the result with its arrays in place of their names."""
    found: dict[str, Any] = {}
    for part in PARTS:
        if (names := getattr(result, part)) is not None:
            found[part] = {n: _take(arrays, array_name(result, part, n)) for n in names}
    return dataclasses.replace(result, **found)


def _take(arrays: Arrays, name: str) -> Array:
    if name not in arrays:
        raise InputError(f"there is no array {name}")
    if arrays[name].dtype.kind != "f":
        raise InputError(f"{name} is {arrays[name].dtype}, expected floats")
    return arrays.pop(name)


def _require_distinct(what: str, names: Iterable[object]) -> None:
    seen: set[object] = set()
    for name in names:
        if name in seen:
            raise InputError(f"{what} has {name} twice")
        seen.add(name)
