"""The work of a self-test in pieces on all cores, and what each process has once."""

from __future__ import annotations

import functools
import importlib
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any, Final

from gateparity.backends.workers.programs import default_store
from gateparity.conformance.mistakes.mistake import Mistake
from gateparity.conformance.runs.plan import named_plan, suite_plan
from gateparity.conformance.runs.truths import Truths
from gateparity.conformance.selftest.false_alarms import Alarms
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateparity.conformance.runs.plan import Plan

    Progress = Callable[[str, int], None]

CATALOGUE: Final = "gateparity.conformance.mistakes.catalogue:CATALOGUE"
_PIECE: Final = 25  # random LSTMs at once


def load_catalogue(target: str) -> tuple[Mistake, ...]:
    """Return the mistakes that `module:LIST` names. Raise `InputError` if it can't be loaded."""
    module, _, name = target.partition(":")
    try:
        found = tuple(getattr(importlib.import_module(module), name))
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise InputError(f"{target} can't be loaded: {error}") from None
    for entry in found:
        if not isinstance(entry, Mistake):
            raise InputError(f"{target} holds a {type(entry).__name__}, expected Mistakes")
    return found


@functools.cache
def plan_of_cases(seed: int) -> Plan:
    """Return all checks on the named cases, made once in each process."""
    return named_plan((), (), seed)


@functools.cache
def default_plan(seed: int) -> Plan:
    """Return what `check` runs by default, made once in each process."""
    return suite_plan((), (), seed)


@functools.cache
def kept_truths(seed: int) -> Truths:
    """Return the cache of right results of a seed, one in each process."""
    del seed
    return Truths(default_store())


def make_pieces(count: int, size: int = _PIECE) -> list[Sequence[int]]:
    """Return the numbers below a count in pieces of one size."""
    return [range(k, min(k + size, count)) for k in range(0, count, size)]


def run_pieces(work: dict[str, list[Any]], progress: Progress) -> dict[str, list[Any]]:
    """Run all pieces in processes, and return their results by label, in order."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count() or 1, context) as pool:
        futures = {
            label: [pool.submit(*piece) for piece in pieces] for label, pieces in work.items()
        }
        labels = {future: label for label, some in futures.items() for future in some}
        for future in as_completed(labels):
            progress(labels[future], _size(future.result()))
        return {label: [f.result() for f in some] for label, some in futures.items()}


def _size(result: Any) -> int:
    if isinstance(result, Alarms):
        return result.cases
    if isinstance(result, list):
        return len(result)
    return len(next(iter(result.values())).shifts)
