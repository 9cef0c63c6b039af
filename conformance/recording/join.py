"""Recordings side by side: a short name for each, and all of their backends as one run."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from gateparity.conformance.bits import other_bits
from gateparity.conformance.result import Run
from gateparity.conformance.storage.cases import name_arrays
from gateparity.errors import InputError, printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from gateparity.backends.spec import Backend
    from gateparity.conformance.cases import Case
    from gateparity.conformance.recording.recording import Recording

    Recordings = Mapping[str, Recording]  # by the name that each goes by


def name_files(paths: Sequence[Path]) -> dict[str, Path]:
    """Return a short name for each file: its own, with as many folders as make it unique."""
    absolute = [path.absolute() for path in paths]
    if len(set(absolute)) < len(absolute):
        raise InputError("a file is named twice, expected each once")
    for depth in range(1, max((len(path.parts) for path in absolute), default=0) + 1):
        names = ["/".join(path.with_suffix("").parts[-depth:]) for path in absolute]
        if len(set(names)) == len(names):
            return {printable(name): path for name, path in zip(names, paths, strict=True)}
    return {printable(path.name): path for path in paths}  # a.json beside a.safetensors


def require_same_work(recordings: Recordings) -> None:
    """Raise `InputError` unless all ran the same checks on the same inputs, to the last bit."""
    first, *others = recordings
    for other in others:
        _require_same_work(recordings, first, other)


def mark_rows(recordings: Recordings) -> dict[str, Run]:
    """Return every recording's run; backends that several have are marked with the recording."""
    marked = _mark_rows(recordings)
    return {name: _mark(one.run, marked[name]) for name, one in recordings.items()}


def join_runs(runs: Sequence[Run]) -> Run:
    """Join the runs to one with all backends and results."""
    return Run(
        rows=tuple(row for run in runs for row in run.rows),
        results=tuple(result for run in runs for result in run.results),
        pairs=(),
        versions={label: said for run in runs for label, said in run.versions.items()},
        seed=runs[0].seed,
        seconds=sum(run.seconds for run in runs),
        transport_seconds=sum(run.transport_seconds for run in runs),
        arithmetics={label: said for run in runs for label, said in run.arithmetics.items()},
        manifests={label: said for run in runs for label, said in run.manifests.items()},
    )


def _require_same_work(recordings: Recordings, name: str, other_name: str) -> None:
    one, other = recordings[name], recordings[other_name]
    keys, other_keys = ([(check.name, case.id) for check, case in r.plan] for r in (one, other))
    if keys != other_keys:
        alone = set(keys) ^ set(other_keys)
        check, case = next((key for key in [*keys, *other_keys] if key in alone), keys[0])
        where = name if (check, case) in keys else other_name
        raise InputError(
            f"{other_name} and {name} ran other checks, or in another order: {where} has {check} "
            f"of {case}"
        )
    for (_, own), (_, theirs) in zip(one.plan, other.plan, strict=True):
        array = _first_difference(own, theirs)
        if array:
            raise InputError(
                f"{other_name} and {name} had other inputs: {array} of case {own.name}, "
                f"{own.config.dtype} (seeds {other.run.seed} and {one.run.seed})"
            )


def _first_difference(case: Case, other: Case) -> str:
    """Return the name of the first array that differs in a bit; empty if there is none."""
    if case.config != other.config:
        return "the config"
    return next(iter(other_bits(name_arrays(case), name_arrays(other))), "")


def _mark_rows(recordings: Recordings) -> dict[str, dict[str, Backend]]:
    """Return every recording's backends by label, marked where several recordings share a label."""
    labels = [row.label for recording in recordings.values() for row in recording.run.rows]
    return {
        name: {
            row.label: dataclasses.replace(row, recorded=name)
            if labels.count(row.label) > 1
            else row
            for row in recording.run.rows
        }
        for name, recording in recordings.items()
    }


def _mark(run: Run, rows: Mapping[str, Backend]) -> Run:
    renamed: dict[str, Any] = {
        field: {rows[label].label: told for label, told in getattr(run, field).items()}
        for field in ("versions", "arithmetics", "manifests")
    }
    results = tuple(dataclasses.replace(r, row=rows[r.row.label]) for r in run.results)
    return dataclasses.replace(run, rows=tuple(rows.values()), results=results, **renamed)
