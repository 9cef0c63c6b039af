"""Files that only a framework reads: it runs in its own worker, and only arrays come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.spec import parse_backends
from gateparity.backends.workers.remote import BackendError, WorkerLost, open_worker
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateparity.backends.backend import Backend
    from gateparity.backends.checkpoints.source import AskWorker
    from gateparity.backends.workers.remote import Worker


def worker_asker(backends: Sequence[Backend] = ()) -> AskWorker:
    """Return a function that runs `module:function` in a framework's worker, with its arguments.

    It is the worker of the first of the backends that has the framework, else of the one that is
    installed. The function raises `InputError` without the framework, and `ValueError` with the
    reader's own sentence about the file.
    """

    def ask(framework: str, target: str, *args: Any) -> Any:
        candidates = [*backends, *parse_backends([framework])]
        found = [row for row in candidates if row.framework == framework and row.python]
        if not found:
            raise InputError(
                f"{FRAMEWORKS[framework].title} reads such a file, and it isn't found: "
                f"gateparity env create {framework}"
            )
        with open_worker(found[0]) as worker:
            return ask_in(worker, framework, target, *args)

    return ask


def ask_in(worker: Worker, framework: str, target: str, *args: Any) -> Any:
    """Return what a function returns in a worker that has the framework."""
    try:
        return worker.call("apply", target, *args)
    except WorkerLost as lost:
        title = FRAMEWORKS[framework].title
        raise InputError(f"{title}'s worker can't read a checkpoint: {lost}") from None
    except BackendError as error:  # the reader's own sentence about the file
        raise ValueError(str(error).removeprefix("ValueError: ")) from None
