"""Every row in a worker of its own, as many at once as there are cores."""

from __future__ import annotations

import dataclasses
import os
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from gateparity.adapter import Unsupported
from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.remote import BackendError, RemoteAdapter, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateparity.backends.spec import Backend

T = TypeVar("T")
Trouble = Literal["error", "skip"]
_POLL: Final = 0.2  # seconds


@dataclasses.dataclass(frozen=True)
class Row:
    """A backend at a dtype."""

    backend: Backend
    dtype: str

    @property
    def label(self) -> str:
        """What names the backend."""
        return self.backend.label


def run_rows(
    rows: Sequence[Row],
    work: Callable[[Row, RemoteAdapter], T],
    fail: Callable[[Row, Trouble, str], T],
    limit: float,
) -> list[T]:
    """What `work` finds for each row, or `fail` makes of the reason why it can't be done: `skip`
    for what a framework doesn't support, `error` for all else.

    A row that can't go on costs itself alone; an exception on this side, Ctrl-C say, ends every
    worker before it goes on. `limit` is the longest that a call may take, in seconds.
    """
    workers: list[Worker] = []
    cores = os.cpu_count() or 1
    pool, threads = ThreadPoolExecutor(cores), _threads(cores, len(rows))

    def run(row: Row) -> T:
        try:
            if row.backend.python is None:
                return fail(row, "error", row.backend.missing)
            with Worker(row.backend.python, limit, row.backend.path, threads) as worker:
                workers.append(worker)
                return work(row, RemoteAdapter(worker, row.backend.target))
        except (Unsupported, BackendError, ValueError, TypeError) as error:
            trouble: Trouble = "skip" if isinstance(error, Unsupported) else "error"
            return fail(row, trouble, " ".join(str(error).split())[:300])

    futures: dict[Row, Future[T]] = {}
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
    """The cores that each of so many rows at once has; the user's own choice goes before it.

    Threads of two workers on one core wait for each other at every operation: two rows of PyTorch
    on two cores took six times as long.
    """
    if "OMP_NUM_THREADS" in os.environ:
        return None
    return max(1, cores // max(1, min(cores, rows)))


def _cost(row: Row) -> tuple[int, int]:
    """Those that compile first, so that none of them is left for the end."""
    framework = FRAMEWORKS.get(row.backend.framework)
    return -(framework.cost if framework else 0), int(row.dtype == "float32")
