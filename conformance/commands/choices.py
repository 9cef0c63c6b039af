"""The work that verbs share: the plan that the options name, and the backends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateparity.backends.checkpoints.asking import worker_asker
from gateparity.backends.checkpoints.reading import read_checkpoint
from gateparity.backends.place import Host
from gateparity.backends.spec import find_backends, parse_backends
from gateparity.conformance.problems.own import read_problem
from gateparity.conformance.problems.text import read_text
from gateparity.conformance.runs.plan import (
    Source,
    problem_plan,
    source_of,
    suite_plan,
    text_plan,
    weights_plan,
)
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from gateparity.backends.backend import Backend
    from gateparity.conformance.runs.plan import Plan
    from gateparity.network.parameters import Array

    Arrays = Mapping[str, Array]


def choose_backends(specs: Sequence[str] | None) -> list[Backend]:
    """Return the backends that the specs name, or all that are found.

    Raise `InputError` where a named one has no interpreter, and where none is found.
    """
    backends = parse_backends(specs) if specs else find_backends()
    for backend in backends:
        if backend.missing:
            raise InputError(f"{backend.label} can't run: {backend.missing}")
    if not backends:
        raise InputError("no backend was found: gateparity env create --all")
    return backends


def require_two(backends: Sequence[Backend]) -> None:
    """Raise `InputError` for variants of one backend, which leave nothing to compare."""
    if len({backend.name for backend in backends}) < 2:
        labels = ", ".join(backend.label for backend in backends)
        raise InputError(
            f"check compares two backends, found {labels} alone: name another, "
            "`-b numpy -b mylib:MyLSTM`; `--record FILE` keeps the run of one"
        )


def backends_to_load(specs: Sequence[str] | None, backends: Sequence[Backend]) -> list[Backend]:
    """Return the named backends of which only a worker can say whether they are there."""
    return [
        backend
        for backend in backends
        if specs and (not backend.shipped or isinstance(backend.python, Host))
    ]


def choose_plan(
    backends: Sequence[Backend],
    case: Sequence[str] | None,
    checks: Sequence[str] | None,
    seed: int,
    weights: Path | None,
    prefix: str | None,
    text: Path | None,
    problems: Sequence[int] | None = None,
    own: Path | None = None,
) -> tuple[Plan, Source, Arrays | None]:
    """Return the plan, its source, and expected values, or None without an `own` problem.

    The plan is of named cases, a checkpoint's LSTM, a problem of the user's `own` for it, or a
    text's characters. A checkpoint is read in the worker of the first of the backends that has
    PyTorch.
    """
    _refuse_together(case, weights, prefix, text, problems)
    if own and not weights:
        raise InputError("--input goes with --weights: --weights FILE --input FILE")
    if weights:
        config, params = read_checkpoint(weights, prefix, worker_asker(backends))
        if own:
            problem = read_problem(own, config, params, seed)
            source = source_of(weights, weights=weights, prefix=prefix, input=own)
            return problem_plan(problem.case, checks or []), source, problem.expected
        source = source_of(weights, weights=weights, prefix=prefix)
        return weights_plan(config, params, checks or [], seed), source, None
    if text:
        return text_plan(read_text(text), checks or [], seed), source_of(text, text=text), None
    return suite_plan(case or [], checks or [], seed, problems or []), Source(), None


def _refuse_together(
    case: Sequence[str] | None,
    weights: Path | None,
    prefix: str | None,
    text: Path | None,
    problems: Sequence[int] | None,
) -> None:
    options = (("--case", case), ("--problem", problems), ("--weights", weights), ("--text", text))
    given = [name for name, value in options if value]
    if len(given) > 1:
        raise InputError(f"{' and '.join(given)} exclude each other: choose one")
    if prefix is not None and not weights:
        raise InputError("--prefix goes with --weights: --weights FILE --prefix NAME")
