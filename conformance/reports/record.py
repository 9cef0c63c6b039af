"""A run as plain data: what `--json` writes, for programs."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from gateparity.conformance.reports.numbers import finite
from gateparity.conformance.reports.profile import profile_json
from gateparity.conformance.runs.result import Result

if TYPE_CHECKING:
    from gateparity.conformance.runs.plan import Source
    from gateparity.conformance.runs.result import Change, Run

SCHEMA: Final = 1
_KEPT: Final = [f.name for f in dataclasses.fields(Result) if f.compare and f.name != "backend"]
_SAVED: Final = ("saved", "saved_sizes")
_NUMBERS: Final = ("max_error", "max_absolute", "sigmas", "shift")


def to_json(run: Run, source: Source) -> dict[str, Any]:
    """Return the run as plain data. A number that isn't finite is null, and its reason says so."""
    return {
        "schema": SCHEMA,
        "verdict": run.verdict,
        "seed": run.seed,
        "source": dataclasses.asdict(source),
        "versions": run.versions,
        "seconds": round(run.seconds, 3),
        "transport_seconds": round(run.transport_seconds, 3),
        "results": [_result_json(result) for result in run.results],
        "pairs": [_numbers(vars(pair)) for pair in run.pairs],
        "explanations": run.explanations,
        "manifests": {label: dict(manifest) for label, manifest in run.manifests.items()},
        "changes": [_change_json(change) for change in run.changes],
    } | ({"profile": profile_json(run.profile)} if run.profile else {})


def _result_json(result: Result) -> dict[str, Any]:
    backend = {"backend": result.backend.name, "variant": result.backend.variant}
    if result.backend.recorded:
        backend["recorded"] = result.backend.recorded
    saved = {name: getattr(result, name) for name in _SAVED if result.saved}
    found = {name: getattr(result, name) for name in _KEPT} | {"form": result.form}
    return backend | _numbers(found) | saved


def _numbers(found: dict[str, Any]) -> dict[str, Any]:
    return found | {name: finite(found[name]) for name in _NUMBERS if name in found}


def _change_json(change: Change) -> dict[str, Any]:
    differing = {check: finite(sigmas) for check, sigmas in change.differing.items()}
    return dataclasses.asdict(change) | {"equal": list(change.equal), "differing": differing}
