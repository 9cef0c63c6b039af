"""False alarms in the frameworks: random LSTMs of a dozen shapes through each of them."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Final

from gateparity.backends.workers.remote import TIME_LIMIT, BackendError
from gateparity.backends.workers.remote_adapter import RemoteAdapter
from gateparity.conformance.problems.random_cases import random_case_of_few_shapes
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.pool import WorkerPool
from gateparity.conformance.selftest.false_alarms import Alarms, expect_all, try_case
from gateparity.errors import InputError, Unsupported
from gateparity.network.dtypes import SUITE_DTYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gateparity.backends.backend import Backend
    from gateparity.conformance.judgement.verdict import Expected
    from gateparity.conformance.problems.case import Case

    # Cases, and what is right in each for every arithmetic that a backend declares.
    Piece = list[tuple[Case, dict[tuple[tuple[str, float], ...], dict[str, Expected]]]]

_PIECE: Final = 10  # LSTMs between two steps of a progress bar


def count_framework_alarms(
    backends: Sequence[Backend], cases: int, seed: int, progress: Callable[[str, int], None]
) -> dict[str, Alarms]:
    """Count false alarms of the same LSTMs in all backends, each in a worker.

    The expected results are computed once. Raise `InputError` for a backend that can't run, since
    an incomplete figure would mislead.
    """
    totals = {backend.label: Alarms() for backend in backends}
    with WorkerPool(TIME_LIMIT) as pool:
        loading = [pool.submit(_load, backend, pool) for backend in backends]
        adapters = [future.result() for future in loading]
        for start in range(0, cases, _PIECE):
            seeds = [seed * 10**6 + k for k in range(start, min(start + _PIECE, cases))]
            piece = _make_piece(seeds, adapters)
            futures = {
                backend.label: pool.submit(_run_piece, backend, adapter, piece)
                for backend, adapter in zip(backends, adapters, strict=True)
            }
            for label, future in futures.items():
                totals[label] += future.result()
                progress(label, len(seeds))
    return totals


@contextlib.contextmanager
def _must_run(backend: Backend) -> Iterator[None]:
    """Turn whatever a backend can't do, or a malformed answer, into an `InputError`."""
    try:
        yield
    except (BackendError, Unsupported, TypeError, ValueError) as error:
        raise InputError(f"{backend.label} can't run: {error}") from None


def _load(backend: Backend, pool: WorkerPool) -> RemoteAdapter:
    with _must_run(backend):
        return RemoteAdapter(pool.open(backend), backend.target)


def _make_piece(seeds: Sequence[int], adapters: Sequence[RemoteAdapter]) -> Piece:
    kinds = {_kind(adapter.rounding_model): adapter.rounding_model for adapter in adapters}
    cases = [random_case_of_few_shapes(seed, SUITE_DTYPES[seed % 2]) for seed in seeds]
    return [(case, {k: expect_all(case, model) for k, model in kinds.items()}) for case in cases]


def _run_piece(backend: Backend, adapter: RemoteAdapter, piece: Piece) -> Alarms:
    with _must_run(backend):
        return sum((_run_case(adapter, *both) for both in piece), start=Alarms())


def _run_case(
    adapter: RemoteAdapter,
    case: Case,
    expected: Mapping[tuple[tuple[str, float], ...], dict[str, Expected]],
) -> Alarms:
    """Run the checks that the backend supports, on a case that it supports.

    Sequences are full where the backend has trouble with lengths, at whatever dtype.
    """
    right = expected[_kind(adapter.rounding_model)]
    troubled = any(feature.startswith("lengths") for feature in adapter.unsupported)
    if troubled and case.batch.lengths is not None:
        batch = dataclasses.replace(case.batch, lengths=None)
        case = dataclasses.replace(case, batch=batch)
        right = expect_all(case, adapter.rounding_model)
    if not adapter.unsupported.keys().isdisjoint(case.needs):
        return Alarms()
    kept = {n: e for n, e in right.items() if not set(CHECKS[n].needs) & set(adapter.unsupported)}
    return try_case(adapter, case, kept)


def _kind(rounding_model: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple(sorted(rounding_model.items()))
