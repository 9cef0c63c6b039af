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
    from gateparity.conformance.runs.result import Run
    from gateparity.network.parameters import Array

    Cases = dict[tuple[str, str], Case]  # by name and dtype


def pack_recording(recording: Recording) -> bytes:
    """Return the file's bytes; raises `InputError` if they would be too many to read."""
    cases: Cases = {(case.name, case.config.dtype): case for _, case in recording.plan}
    arrays = _name_inputs(cases) | _name_answers(recording.run)
    words = _describe(recording, cases)
    return pack_tensors(arrays, seal(arrays, words), LIMITS)


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
        "results": [
            {
                "status": result.status,
                "reason": writable(result.reason),
                "seconds": result.seconds or 0.0,
                **{part: _names(getattr(result, part)) for part in PARTS},
            }
            for result in run.results
            if result.backend == backend
        ],
    }


def _names(found: Results | None) -> list[str] | None:
    return None if found is None else list(found)
