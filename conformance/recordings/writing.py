"""Writing of a recording as one safetensors file: numbers and texts, and no code."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from gateparity.conformance.problems.arrays import name_arrays
from gateparity.conformance.recordings.recording import LIMITS, PARTS, SCHEMA, array_name
from gateparity.conformance.storage.kinds import RECORDING
from gateparity.conformance.storage.limits import check_case, plain
from gateparity.conformance.storage.metadata import writable, writable_texts
from gateparity.conformance.storage.tensors import pack_tensors, seal

if TYPE_CHECKING:
    from gateparity.backends.backend import Backend
    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.recordings.recording import Recording
    from gateparity.conformance.requirements.results import Results
    from gateparity.conformance.runs.result import Result, Run
    from gateparity.network.parameters import Array

    Cases = dict[tuple[str, str], Case]  # by name and dtype


def pack_recording(recording: Recording) -> bytes:
    """Return the file's bytes; raises `InputError` if they would be too many to read."""
    cases: Cases = {(case.name, case.config.dtype): case for _, case in recording.plan}
    arrays, copies = _leave_out_copies(_name_inputs(cases) | _name_answers(recording.run))
    words = {**_describe(recording, cases), "copies": copies}
    return pack_tensors(arrays, seal(arrays, words), LIMITS)


def _leave_out_copies(arrays: dict[str, Array]) -> tuple[dict[str, Array], list[dict[str, Any]]]:
    """Return each array once, and the names of those that equal another to the last bit."""
    names: dict[tuple[str, tuple[int, ...], bytes], list[str]] = {}
    for name, array in arrays.items():
        names.setdefault((array.dtype.str, array.shape, array.tobytes()), []).append(name)
    kept = {first: arrays[first] for first, *_ in names.values()}
    return kept, [{"of": first, "names": others} for first, *others in names.values() if others]


def _name_inputs(cases: Cases) -> dict[str, Array]:
    """Return the arrays of each case once, since checks share cases."""
    arrays: dict[str, Array] = {}
    for (name, dtype), case in cases.items():
        check_case(case)
        arrays |= {f"inputs.{name}.{dtype}.{n}": a for n, a in name_arrays(case).items()}
    return arrays


def _name_answers(run: Run) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    for result in run.results:
        for part in PARTS:
            found: Results = getattr(result, part) or {}
            arrays |= {array_name(result, part, n): plain(a) for n, a in found.items()}
    return arrays


def _describe(recording: Recording, cases: Cases) -> dict[str, Any]:
    run, places = recording.run, list(cases)
    return {
        "kind": RECORDING.name,
        "schema": SCHEMA,
        "gateparity": recording.gateparity,
        "recorded": recording.recorded,
        "seed": run.seed,
        "seconds": run.seconds,
        "transport_seconds": max(run.transport_seconds, 0.0),
        "source": {n: writable(text) for n, text in vars(recording.source).items()},
        "cases": [_case_words(case) for case in cases.values()],
        "plan": [
            {"check": check.name, "case": places.index((case.name, case.config.dtype))}
            for check, case in recording.plan
        ],
        "rows": [_row_words(backend, run) for backend in run.backends],
    }


def _case_words(case: Case) -> dict[str, Any]:
    described = {"description": case.description} if case.description else {}
    return {"name": case.name, "config": dataclasses.asdict(case.config), **described}


def _row_words(backend: Backend, run: Run) -> dict[str, Any]:
    return {
        "backend": backend.name,
        "variant": backend.variant,
        "shipped": backend.shipped,
        "version": writable(run.versions.get(backend.label, "")),
        "arithmetic": dict(run.rounding_models.get(backend.label, {})),
        "manifest": writable_texts(run.manifests.get(backend.label, {})),
        "lacks": sorted({name for r in run.results if r.backend == backend for name in r.lacks}),
        "results": [_result_words(result) for result in run.results if result.backend == backend],
    }


def _result_words(result: Result) -> dict[str, Any]:
    words: dict[str, Any] = {"status": result.status, "seconds": round(result.seconds or 0.0, 6)}
    if result.reason:
        words["reason"] = writable(result.reason)
    parts = {part: getattr(result, part) for part in PARTS}
    return words | {part: list(found) for part, found in parts.items() if found is not None}
