"""Workers for training: one for each backend and dtype, as many at once as there are cores."""

from __future__ import annotations

import dataclasses
import os
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.workers.remote import BackendError, RemoteAdapter, Worker
from gateparity.errors import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateparity.backends.backend import Backend

T = TypeVar("T")
Trouble = Literal["error", "skip"]
_POLL: Final = 0.2  # seconds


@dataclasses.dataclass(frozen=True)
class BackendAtDtype:
    """A backend at a dtype."""

    backend: Backend
    dtype: str

    @property
    def label(self) -> str:
        """Return the label of the backend."""
        return self.backend.label


def run_rows(
    rows: Sequence[BackendAtDtype],
    work: Callable[[BackendAtDtype, RemoteAdapter], T],
    fail: Callable[[BackendAtDtype, Trouble, str], T],
    limit: float,
) -> list[T]:
    """Run `work` in a worker for each backend and dtype, and return the results in order.

    If one can't run, `fail` gets the reason: `skip` for what a framework doesn't support, `error`
    for the rest. That affects no other. An exception on this side, such as Ctrl-C, ends every
    worker before it propagates. `limit` is the longest time of a call, in seconds.
    """
    workers: list[Worker] = []
    cores = os.cpu_count() or 1
    pool, threads = ThreadPoolExecutor(cores), _threads(cores, len(rows))

    def run(row: BackendAtDtype) -> T:
        try:
            if row.backend.python is None:
                return fail(row, "error", row.backend.missing)
            with Worker(row.backend.python, limit, row.backend.path, threads) as worker:
                workers.append(worker)
                return work(row, RemoteAdapter(worker, row.backend.target))
        except (Unsupported, BackendError, ValueError, TypeError) as error:
            trouble: Trouble = "skip" if isinstance(error, Unsupported) else "error"
            return fail(row, trouble, " ".join(str(error).split())[:300])

    futures: dict[BackendAtDtype, Future[T]] = {}
    try:
        for row in sorted(rows, key=_cost):
            futures[row] = pool.submit(run, row)
        return [futures[row].result() for row in rows]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        while not all(future.done() for future in futures.values()):
            for worker in workers:  # one may be starting yet
                worker.close()
            wait(futures.values(), _POLL)


def _threads(cores: int, rows: int) -> int | None:
    """Return the threads that each worker may use, or None if the user has set OMP_NUM_THREADS.

    Threads of two workers on one core wait for each other at every operation: two PyTorch workers
    on two cores took six times as long.
    """
    if "OMP_NUM_THREADS" in os.environ:
        return None
    return max(1, cores // max(1, min(cores, rows)))


def _cost(row: BackendAtDtype) -> tuple[int, int]:
    """Return a sort key that puts frameworks with expensive compilation first."""
    framework = FRAMEWORKS.get(row.backend.framework)
    return -(framework.cost if framework else 0), int(row.dtype == "float32")
