"""A recorded run: its inputs, every backend's answers, and what they may depend on.

It does not say where or by whom it was recorded. A file of the user's is named without its folder,
and an interpreter by the version of its framework.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import importlib.metadata
import shlex
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final

from gateparity.backends.backend import Backend
from gateparity.conformance.problems.case import number_problem
from gateparity.conformance.storage.metadata import writable
from gateparity.conformance.storage.tensors import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.conformance.runs.plan import Plan, Source
    from gateparity.conformance.runs.result import Result, Run


SCHEMA: Final = 1  # another one wherever a check's arrays come to mean something else
LIMITS: Final = Limits(2**32, 2**24)
PARTS: Final = ("arrays", "against")  # of a result: what it holds of a row's answers
_LARGEST: Final = 2**12  # bytes of a problem's arrays in one check: nine rows stay under 20 MB
_WHOLE: Final = ("forward", "gradients", "dtypes")  # checks whose arrays no other check has


def array_name(result: Result, part: str, name: str) -> str:
    """Return the name of one of a result's arrays in the file."""
    return f"{part}.{result.backend.label}.{'.'.join(result.key)}.{name}"


@dataclasses.dataclass(frozen=True)
class Recording:
    """A run with its arrays, and the plan that it followed.

    `gateparity` is the version that recorded it; `recorded` is the time in UTC, to the second.
    """

    plan: Plan
    run: Run
    source: Source
    gateparity: str
    recorded: str


def make_recording(run: Run, plan: Plan, source: Source) -> Recording:
    """Return the recording of a run that has just ended, without paths."""
    public = dataclasses.replace(rename(run, _public_rows(run)), pairs=(), explanations={})
    public = dataclasses.replace(public, results=tuple(map(_shorten, public.results)))
    return Recording(
        plan=plan,
        run=public,
        source=dataclasses.replace(source, options=_without_folders(source.options)),
        gateparity=importlib.metadata.version("gateparity"),
        recorded=dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def may_lack_arrays(result: Result) -> bool:
    """Return whether a recording may have a result's verdict alone: on a problem of the array."""
    return bool(number_problem(result.case))


def _shorten(result: Result) -> Result:
    """Leave out a problem's arrays where they are large, or numbers that other checks have too.

    Most checks find the numbers of `forward` and `gradients` in another way.
    """
    size = sum(array.nbytes for array in (result.arrays or {}).values())
    if not may_lack_arrays(result) or (result.check in _WHOLE and size <= _LARGEST):
        return result
    return dataclasses.replace(result, arrays=None, against=None)


def rename(run: Run, backends: Mapping[str, Backend]) -> Run:
    """Return the run with another backend in the place of each, by its label."""
    renamed: dict[str, Any] = {
        field: {backends[label].label: value for label, value in getattr(run, field).items()}
        for field in ("versions", "rounding_models", "manifests")
    }
    results = tuple(dataclasses.replace(r, backend=backends[r.backend.label]) for r in run.results)
    return dataclasses.replace(run, backends=tuple(backends.values()), results=results, **renamed)


def _public_rows(run: Run) -> dict[str, Backend]:
    """Return the backends by label, under unique labels that hold no path."""
    backends: dict[str, Backend] = {}
    taken: collections.Counter[str] = collections.Counter()
    for backend in run.backends:
        name = _public_name(backend.name, run.versions.get(backend.label, ""))
        public = Backend(name, writable(backend.variant), "", None, shipped=backend.shipped)
        taken[public.label] += 1
        if taken[public.label] > 1:
            public = dataclasses.replace(public, name=f"{name}@{taken[public.label]}")
        backends[backend.label] = public
    return backends


def _public_name(name: str, version: str) -> str:
    """Return `torch@2.13.0` for `torch@/home/me/env`; `jax@0.9.2` holds no folder and stays."""
    framework, at, where = writable(name).partition("@")
    if not at or (len(PurePath(where).parts) == 1 and not Path(where).exists()):
        return framework + at + where
    return f"{framework}@{writable(version)}" if version else framework


def _without_folders(options: str) -> str:
    words = shlex.split(options)
    return shlex.join(
        Path(word).name if before in ("--weights", "--text") else word
        for before, word in zip(["", *words], words, strict=False)
    )
