"""Reading of a recording from an untrusted file: everything is checked before it is used.

A check is found by its name in gateparity; a backend's label is there for a person to read.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final, get_args

from gateparity.backends.backend import Backend
from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.conformance.judgement.budget import make_rounding_model
from gateparity.conformance.problems.arrays import join_arrays
from gateparity.conformance.recordings.recording import (
    LIMITS,
    PARTS,
    SCHEMA,
    Recording,
    array_name,
    may_lack_arrays,
)
from gateparity.conformance.requirements.checks import choose_checks
from gateparity.conformance.requirements.task import Task
from gateparity.conformance.runs.plan import Source
from gateparity.conformance.runs.result import Result, Run, Status
from gateparity.conformance.storage.kinds import RECORDING
from gateparity.conformance.storage.limits import check_case, make_config
from gateparity.conformance.storage.metadata import Metadata
from gateparity.conformance.storage.tensors import check_form, take_floats, unpack_tensors
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
        check_form(arrays, found, RECORDING, SCHEMA)
        return _read(arrays, Metadata(found))
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}: {printable(str(error))[:_SHOWN]}") from None


def _read(arrays: Arrays, words: Metadata) -> Recording:
    _add_copies(arrays, words)
    cases = [_read_case(arrays, case) for case in words.objects("cases")]
    plan = [_read_entry(entry, cases) for entry in words.objects("plan")]
    keys = [task.key for task in plan]
    _require_distinct("plan", keys)
    rows = [(_read_row(row), row) for row in words.objects("rows")]
    _require_distinct("rows", [backend.label for backend, _ in rows])
    results = [r for backend, row in rows for r in _read_results(backend, row, keys, arrays)]
    if arrays:
        raise InputError(f"array {next(iter(arrays))!r} belongs to no input and no result")
    versions = {backend.label: row.text("version") for backend, row in rows}
    rounding_models = {backend.label: _read_rounding_model(row) for backend, row in rows}
    run = Run(
        backends=tuple(backend for backend, _ in rows),
        results=tuple(results),
        pairs=(),
        versions={label: version for label, version in versions.items() if version},
        seed=words.count("seed"),
        seconds=words.number("seconds"),
        transport_seconds=words.number("transport_seconds"),
        rounding_models={label: model for label, model in rounding_models.items() if model},
        manifests={backend.label: row.texts("manifest") for backend, row in rows},
    )
    source = Metadata(words.fields("source", Source))
    return Recording(
        plan=plan,
        run=run,
        source=Source(source.text("options"), source.text("sha256")),
        gateparity=words.text("gateparity"),
        recorded=words.text("recorded"),
    )


def _add_copies(arrays: Arrays, words: Metadata) -> None:
    """Add each array under its other names; a file of an earlier version stores it again."""
    for copies in words.objects("copies") if "copies" in words.found else []:
        original = copies.text("of")
        if original not in arrays:
            raise InputError(f"there is no array {original}, of which there are copies")
        for name in copies.names("names"):
            if name in arrays:
                raise InputError(f"array {name} is there, and named as a copy of {original}")
            arrays[name] = arrays[original]


def _read_case(arrays: Arrays, words: Metadata) -> Case:
    name, config = words.text("name"), make_config(words.fields("config", Config))
    start = f"inputs.{name}.{config.dtype}."
    own = {n.removeprefix(start): arrays.pop(n) for n in list(arrays) if n.startswith(start)}
    case = join_arrays(name, config, own)
    check_case(case)
    described = words.text("description") if "description" in words.found else ""
    return dataclasses.replace(case, description=described)


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


def _read_rounding_model(words: Metadata) -> dict[str, float]:
    declared = words.numbers("arithmetic")
    make_rounding_model("float32", declared)  # raises for what it doesn't know
    return declared


def _read_results(
    backend: Backend, words: Metadata, keys: list[Key], arrays: Arrays
) -> list[Result]:
    found = words.objects("results")
    if len(found) != len(keys):
        raise InputError(f"{backend.label} has {len(found)} results, expected {len(keys)}")
    # A file of an earlier version says nothing about states that a backend lacks.
    names = words.names("lacks") if "lacks" in words.found else []
    lacks = frozenset(Metadata({"lacks": name}).choice("lacks", STATES) for name in names)
    return [
        _read_result(Result(backend, *key, "pass", lacks=lacks), result, arrays)
        for key, result in zip(keys, found, strict=True)
    ]


def _read_result(start: Result, words: Metadata, arrays: Arrays) -> Result:
    found: dict[str, Any] = {
        part: {n: take_floats(arrays, array_name(start, part, n)) for n in words.names(part)}
        for part in PARTS
        if words.found.get(part) is not None
    }
    found["status"] = words.choice("status", get_args(Status))
    needed = found["status"] in ("pass", "undecided", "known") and not may_lack_arrays(start)
    if "arrays" not in found and needed:
        raise InputError(
            f"{start.backend.label} has {found['status']!r} for {', '.join(start.key)}, "
            "and no arrays of it"
        )
    reason = words.text("reason") if "reason" in words.found else ""
    seconds = words.number("seconds")
    return dataclasses.replace(start, reason=reason, seconds=seconds, **found)


def _require_distinct(what: str, names: Iterable[object]) -> None:
    seen: set[object] = set()
    for name in names:
        if name in seen:
            raise InputError(f"{what} has {name} twice")
        seen.add(name)
