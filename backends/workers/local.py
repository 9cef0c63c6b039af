"""An adapter in this process, called as in a worker: for a debugger, or for your own tests.

Every call is encoded and decoded as for a worker. So the adapter gets read-only copies, and the
same answers are accepted or refused as from a worker.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateparity.backends.backend import Backend
from gateparity.backends.base.compilation import take_tally
from gateparity.backends.workers.remote import BackendError
from gateparity.backends.workers.remote_adapter import RemoteAdapter
from gateparity.backends.workers.wire import decode, encode
from gateparity.backends.workers.worker import describe, describe_error, one_line, perform
from gateparity.errors import Impure, InputError, Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.backends.base.compilation import Form


class LocalWorker:
    """A worker in this process. `report` gets every exception of the adapter with its traceback."""

    def __init__(self, adapter: Any, report: Callable[[Exception], object]) -> None:
        self._adapter = adapter
        self._report = report
        self.form: Form = ""  # of the last call

    def call(self, operation: str, *args: Any) -> Any:
        """Answer at once. Raises `Unsupported`, `Impure`, or `BackendError`."""
        question = decode(encode(args))
        try:
            answer = (
                describe(self._adapter, *question)
                if operation == "load"
                else perform(self._adapter, operation, question)
            )
            self.form, _ = take_tally()
            return decode(encode(answer))
        except (Unsupported, Impure):
            raise
        except Exception as error:
            self._report(error)
            raise BackendError(describe_error(error, self._adapter)) from error


def load_local(
    adapter: Any, report: Callable[[Exception], object] = lambda _: None
) -> tuple[Backend, RemoteAdapter]:
    """Return a backend entry for an adapter in this process, and the adapter as checks see it.

    Raise `InputError` if the object is no adapter: a class, or without a layout or `forward`.
    """
    if isinstance(adapter, type):
        raise InputError(f"{adapter.__name__} is a class, expected one of its objects")
    kind = type(adapter)
    backend = Backend(kind.__module__, kind.__qualname__, "", Path(sys.executable), shipped=False)
    if not callable(getattr(adapter, "forward", None)):
        raise InputError(f"{backend.label} is no adapter: it has no method forward")
    try:
        return backend, RemoteAdapter(LocalWorker(adapter, report), backend.label)
    except Exception as error:
        words = str(error) if isinstance(error, BackendError) else one_line(error)
        raise InputError(f"{backend.label} is no adapter: {words}") from error
