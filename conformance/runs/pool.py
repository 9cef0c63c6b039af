"""The workers of a run: threads that call them, and one end for all of them."""

from __future__ import annotations

import dataclasses
import os
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal, TypeVar

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.workers.remote import BackendError, Worker, open_worker
from gateparity.backends.workers.remote_adapter import RemoteAdapter
from gateparity.errors import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import ParamSpec

    from gateparity.backends.backend import Backend
    from gateparity.backends.workers.programs import ProgramStore

    P = ParamSpec("P")

T = TypeVar("T")
Trouble = Literal["error", "skip"]


class WorkerPool:
    """Workers, and as many threads as there are cores to call them. Use it as a context.

    When it ends, calls that have not begun are dropped and every worker is closed, one that is
    still starting too; so an exception such as Ctrl-C leaves no process behind. `limit` is the
    longest time of a call, in seconds; `threads` limits a worker's own threads; `store` has the
    compiled programs that workers take.
    """

    def __init__(
        self, limit: float, threads: int | None = None, store: ProgramStore | None = None
    ) -> None:
        self._options = limit, threads, store
        self._executor = ThreadPoolExecutor(os.cpu_count() or 1)
        self._workers: list[Worker] = []
        self._closed = False

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self._executor.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.close()
        self._executor.shutdown()

    def open(self, backend: Backend) -> Worker:
        """Start a backend's worker. Raise `WorkerLost` if it doesn't start."""
        worker = open_worker(backend, *self._options)
        # The list comes first: whichever thread is second then sees what the other has done.
        self._workers.append(worker)
        if self._closed:
            worker.close()
        return worker

    def share(self) -> Callable[[Backend], Worker]:
        """Return what starts one worker for several backends; if it is lost, another one."""
        held: list[Worker] = []

        def start(backend: Backend) -> Worker:
            if not held or held[-1].lost:
                held.append(self.open(backend))
            return held[-1]

        return start

    def submit(self, work: Callable[P, T], *args: P.args, **options: P.kwargs) -> Future[T]:
        """Run `work` in one of the threads."""
        return self._executor.submit(work, *args, **options)


@dataclasses.dataclass(frozen=True)
class BackendAtDtype:
    """A backend at a dtype."""

    backend: Backend
    dtype: str

    @property
    def label(self) -> str:
        """Return the label of the backend."""
        return self.backend.label


def run_in_workers(
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

    def run(row: BackendAtDtype) -> T:
        try:
            with pool.open(row.backend) as worker:
                return work(row, RemoteAdapter(worker, row.backend.target))
        except (Unsupported, BackendError, ValueError, TypeError) as error:
            trouble: Trouble = "skip" if isinstance(error, Unsupported) else "error"
            return fail(row, trouble, " ".join(str(error).split())[:300])

    with WorkerPool(limit, _threads(os.cpu_count() or 1, len(rows))) as pool:
        futures = {row: pool.submit(run, row) for row in sorted(rows, key=_cost)}
        return [futures[row].result() for row in rows]


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
