"""One row of the table: its worker, started when first needed, and what it answers to checks."""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING

from gateparity.adapter import Unsupported
from gateparity.backends.remote import BackendError, RemoteAdapter, Worker, WorkerLost
from gateparity.canonical import Canonical
from gateparity.conformance.budget import largest_sigmas, rounding_sigmas
from gateparity.conformance.result import Result
from gateparity.conformance.truth import Truth
from gateparity.conformance.verdict import Mismatch, judge

if TYPE_CHECKING:
    from gateparity.backends.spec import Backend
    from gateparity.conformance.cases import Case
    from gateparity.conformance.checks import Check, Results


class Truths:
    """The truth's own results and, if asked for, their rounding budgets, once for all rows."""

    def __init__(self, *, budgets: bool = False) -> None:
        self._budgets = budgets
        self._found: dict[tuple[str, str, str], Results] = {}
        self._sigmas: dict[tuple[str, str, str], Results] = {}
        self._lock = threading.Lock()

    def of(self, check: Check, case: Case) -> Results:
        """What the truth finds, at the next wider precision."""
        key = (check.name, case.name, case.config.dtype)
        with self._lock:
            if key not in self._found:
                self._found[key] = check.run(Truth(), case)
            return self._found[key]

    def sigmas_of(self, check: Check, case: Case) -> Results | None:
        """The budget of every element, if budgets were asked for."""
        if not self._budgets:
            return None
        key = (check.name, case.name, case.config.dtype)
        with self._lock:
            if key not in self._sigmas:
                self._sigmas[key] = rounding_sigmas(check, case)
            return self._sigmas[key]


class Session:
    """A row at work. Close it, or use it as a context; a lost worker isn't started again."""

    def __init__(self, row: Backend, truths: Truths, limit: float) -> None:
        self.row = row
        self.version = ""
        self._truths = truths
        self._limit = limit
        self._lost = row.missing
        self._closed = False
        self._worker: Worker | None = None
        self._adapter: RemoteAdapter | None = None

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def transport_seconds(self) -> float:
        """What calls took beyond the work on the far side."""
        return self._worker.seconds - self._worker.far_seconds if self._worker else 0.0

    def run(self, check: Check, case: Case) -> Result:
        """Run one check on one case. Never raises for what the backend does."""
        what = (self.row, check.name, case.name, case.config.dtype)
        try:
            adapter = self._start()
            declared = [adapter.unsupported[n] for n in check.needs if n in adapter.unsupported]
            if declared:
                return Result(*what, "skip", reason=declared[0])
            found = check.run(Canonical(adapter), case)
        except Unsupported as unsupported:
            return self._refused(what, str(unsupported))
        except WorkerLost as lost:
            self._lost = str(lost)
            return Result(*what, "error", reason=self._lost)
        except Exception as error:  # noqa: BLE001  a layout of the user's may raise anything
            return Result(*what, "error", reason=_one_line(error))
        truth, sigmas = self._truths.of(check, case), self._truths.sigmas_of(check, case)
        result = self._judge(what, found, truth)
        if sigmas is None or set(found) != set(truth):
            return result
        return dataclasses.replace(result, sigmas=largest_sigmas(found, truth, sigmas))

    def close(self) -> None:
        """End the worker. A call that is under way ends with an error."""
        self._closed = True
        if self._worker:
            self._worker.close()

    def _start(self) -> RemoteAdapter:
        if self._lost or self.row.python is None:
            raise WorkerLost(self._lost)
        if self._worker is None:
            self._worker = Worker(self.row.python, self._limit, self.row.path)
            if self._closed:
                self._worker.close()
        if self._adapter is None:
            self._adapter = self._load(self._worker)
            self.version = self._adapter.version
        return self._adapter

    def _load(self, worker: Worker) -> RemoteAdapter:
        try:
            return RemoteAdapter(worker, self.row.target)
        except Unsupported:
            raise
        except BackendError as error:  # no framework, no such class: no later call will do better
            reason = str(error)
        except Exception as error:  # noqa: BLE001  whatever a class may call its layout
            reason = f"its layout is none of gateparity's: {type(error).__name__}: {error}"
        worker.close()
        raise WorkerLost(reason)

    def _refused(self, what: tuple[Backend, str, str, str], reason: str) -> Result:
        if self.row.shipped:  # it has declared what it can't do, and this isn't among it
            return Result(*what, "fail", reason=f"raised Unsupported, undeclared: {reason}")
        return Result(*what, "skip", reason=reason)

    def _judge(self, what: tuple[Backend, str, str, str], found: Results, truth: Results) -> Result:
        try:
            error = judge(found, truth, truth, what[-1])
        except Mismatch as mismatch:
            return Result(*what, "fail", mismatch.error, str(mismatch), arrays=found)
        return Result(*what, "pass", error, arrays=found)


def _one_line(error: Exception) -> str:
    words = " ".join(str(error).split())[:300]
    told = isinstance(error, (BackendError, ValueError, TypeError))  # in words of gateparity's own
    return words if told else f"{type(error).__name__}: {words}"
