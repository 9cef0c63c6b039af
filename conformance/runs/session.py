"""One backend at work: its worker, started when first needed, and its results in checks."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from gateparity.backends.base.compilation import join_forms
from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.workers.remote import BackendError, WorkerLost
from gateparity.backends.workers.remote_adapter import RemoteAdapter
from gateparity.conformance.judgement.budget import make_rounding_model
from gateparity.conformance.judgement.deviations import find_deviations
from gateparity.conformance.requirements.task import Task
from gateparity.conformance.runs.engines import weigh_engine
from gateparity.conformance.runs.forms import compiles
from gateparity.conformance.runs.judging import (
    judge_against,
    judge_answer,
    make_result,
    weigh_deviations,
)
from gateparity.conformance.runs.profile import NO_CALLS, measure, read_calls, spend
from gateparity.conformance.runs.truths import PLAIN
from gateparity.errors import Impure, Unsupported
from gateparity.protocol.canonical import Canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateparity.backends.backend import Backend
    from gateparity.backends.base.compilation import Form
    from gateparity.backends.workers.remote import Worker
    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.checks import Check
    from gateparity.conformance.runs.result import Result, Status
    from gateparity.conformance.runs.truths import Truths
    from gateparity.packing.layout import Layout
    from gateparity.protocol.adapter import Adapter


def _find_other(backend: Backend, variant: str) -> str:
    """Return the target of another variant of the same framework; empty where there is none."""
    framework = FRAMEWORKS.get(backend.framework)
    if not backend.shipped or framework is None or variant in ("", backend.variant):
        return ""
    return f"gateparity.backends.{framework.targets[variant]}"


def run_check(
    backend: Backend, adapter: Adapter, check: Check, case: Case, truths: Truths
) -> Result:
    """Run one check on one case, and judge the result. Raise `WorkerLost` and nothing else."""
    task, rounding_model = Task(check, case), getattr(adapter, "rounding_model", PLAIN)
    declared = task.find_declared(adapter.unsupported)
    if check.against:
        declared = [f"it has no layer variant to compare with its {check.against} variant"]
    if declared:
        return make_result(backend, task, "skip", reason=declared[0])
    try:
        make_rounding_model(case.config.dtype, rounding_model)
    except ValueError as error:
        return make_result(backend, task, "error", reason=str(error))
    manifest, version = getattr(adapter, "manifest", {}), getattr(adapter, "version", "")
    known = find_deviations(backend, case, manifest, version=version)
    result = _compare(backend, adapter, task, truths)
    result = weigh_deviations(result, task, known, truths, rounding_model)
    return weigh_engine(result, task, truths, rounding_model, manifest)


class Session:
    """A backend at work. Close it, or use it as a context; a lost worker isn't started again.

    `start` starts the backend's worker when it is first needed. In a `shared` worker others take
    turns, and whoever made `start` closes it.
    """

    def __init__(
        self,
        backend: Backend,
        truths: Truths,
        start: Callable[[Backend], Worker],
        *,
        shared: bool = False,
    ) -> None:
        self.backend = backend
        self.version = ""
        self.layout: Layout | None = None  # as far as the adapter was loaded
        self.rounding_model: Mapping[str, float] = PLAIN  # as the backend declares it, once loaded
        self._truths = truths
        self._start_worker = start
        self._shared = shared
        self.transport_seconds = 0.0  # of its calls, beyond the work in the worker
        self._counted = NO_CALLS  # of the worker's seconds
        self._lost = backend.missing
        self._closed = False
        self._worker: Worker | None = None
        self._adapter: RemoteAdapter | None = None

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def lost(self) -> bool:
        """Return whether the worker is gone, or could not be started."""
        return bool(self._lost)

    @property
    def manifest(self) -> Mapping[str, str]:
        """Return the worker's versions, processor and flags; empty before the adapter is loaded."""
        return self._adapter.manifest if self._adapter else {}

    def load(self) -> str:
        """Start the worker and load the adapter; return why it can't run, or nothing if it can.

        An adapter that raises `Unsupported` can run: its results are skips with the reason.
        """
        try:
            self._start()
        except Unsupported:
            return ""
        except WorkerLost as lost:
            self._lost = str(lost)
        return self._lost

    def run(self, check: Check, case: Case, truths: Truths | None = None) -> Result:
        """Run one check on one case; whatever the backend does is a result.

        Pass `truths` for a case that only shares its name with one of the run's.
        """
        truths, task = truths or self._truths, Task(check, case)
        try:
            if other := _find_other(self.backend, check.against):
                return self._compare_variants(task, truths, other)
            return run_check(self.backend, self._start(), check, case, truths)
        except Unsupported as unsupported:
            return _refused(self.backend, task, str(unsupported))
        except WorkerLost as lost:
            if self._worker and self._worker.dropped:  # once more, without compiled programs
                self._count_calls()
                self._worker = self._adapter = None
                return self.run(check, case, truths)
            self._lost = str(lost)
            return make_result(self.backend, task, "error", reason=self._lost)
        finally:
            self._count_calls()

    def _compare_variants(self, task: Task, truths: Truths, other: str) -> Result:
        """Compare a backend with another variant, in its worker that has the framework already."""
        adapter = self._start()
        if why := task.find_declared(adapter.unsupported):
            return make_result(self.backend, task, "skip", reason=why[0])
        result = _compare(self.backend, adapter, task, truths)
        if result.arrays is None or self._worker is None:
            return result
        try:
            second = RemoteAdapter(self._worker, other)
            if why := task.find_declared(second.unsupported):
                return make_result(self.backend, task, "skip", reason=why[0])
            against = task.check.run(Canonical(second, compiles(task)), task.case)
        except (Unsupported, BackendError) as error:
            reason = f"{other}: {_one_line(error)}"
            return make_result(self.backend, task, "error", reason=reason)
        finally:
            self._adapter = None
        budget = truths.of(*task, self.rounding_model).budget
        result = judge_against(self.backend, task, result.arrays, against, budget)
        known = find_deviations(self.backend, task.case, adapter.manifest, version=self.version)
        return weigh_deviations(result, task, known, truths, self.rounding_model)

    def close(self) -> None:
        """End the worker. A call that is in progress ends with an error."""
        self._closed = True
        if not self._shared:
            self.end_worker()

    def end_worker(self) -> None:
        """End the worker, also one that others have taken turns in."""
        if self._worker:
            self._worker.close()

    def _start(self) -> RemoteAdapter:
        if self._lost or self.backend.python is None:
            raise WorkerLost(self._lost)
        if self._worker is None or self._adapter is None or self._worker.tenant is not self:
            self._count_calls()
            with measure("start-up"):
                self._adapter = self._load_anew()
        return self._adapter

    def _load_anew(self) -> RemoteAdapter:
        """Load the adapter, in a worker that may have to be started, and note what it declares."""
        if self._worker is None:
            self._worker = self._start_worker(self.backend)
            if self._closed:
                self._worker.close()
        others, self._worker.tenant = self._worker.tenant not in (None, self), self
        try:
            adapter = self._load(self._worker)
        except WorkerLost:
            if not (others and self._worker.lost):
                raise
            self._worker = None  # it died after another backend's last call
            return self._load_anew()
        finally:
            self._counted = read_calls(self._worker) if self._worker else NO_CALLS
        self.version, self.rounding_model = adapter.version, adapter.rounding_model
        self.layout = adapter.layout
        return adapter

    def _count_calls(self) -> None:
        """Count the worker's seconds since the last time: they are calls, and no start-up."""
        if self._worker is None or self._worker.tenant is not self:
            return
        now = read_calls(self._worker)
        for phase, seconds in now.items():
            spend(phase, seconds - self._counted[phase])
        self.transport_seconds += now["transport"] - self._counted["transport"]
        self._counted = now

    def _load(self, worker: Worker) -> RemoteAdapter:
        try:
            return RemoteAdapter(worker, self.backend.target)
        except Unsupported:
            raise
        except BackendError as error:  # no framework, no such class: no later call will do better
            reason = str(error)
        except Exception as error:  # noqa: BLE001  whatever a class may call its layout
            reason = f"its layout is none of gateparity's: {type(error).__name__}: {error}"
        if not self._shared:
            worker.close()
        raise WorkerLost(reason)


def _compare(backend: Backend, adapter: Adapter, task: Task, truths: Truths) -> Result:
    lstm = Canonical(adapter, compiles(task))
    ran: set[Form] = getattr(adapter, "forms", set())
    ran.clear()
    result = _ask(backend, lstm, task, truths)
    return dataclasses.replace(result, form=join_forms(ran))


def _ask(backend: Backend, lstm: Canonical, task: Task, truths: Truths) -> Result:
    """Run the task and judge the answer; raise `WorkerLost` alone."""
    try:
        found = task.check.run(lstm, task.case)
    except WorkerLost as lost:
        check, case, dtype = task.key
        raise WorkerLost(f"{lost}, in {check}, case {case}, {dtype}") from None
    except Unsupported as unsupported:
        return _refused(backend, task, str(unsupported))
    except Impure as impure:
        return make_result(backend, task, "fail", reason=str(impure), sigmas=np.inf)
    except Exception as error:  # noqa: BLE001  a layout of the user's may raise anything
        return make_result(backend, task, "error", reason=_one_line(error), undeclared=True)
    declared = getattr(lstm.adapter, "rounding_model", PLAIN)
    expected = truths.of(*task, declared, lstm.lacks)
    result = judge_answer(backend, task, found, expected)
    return dataclasses.replace(result, lacks=lstm.lacks)


def _refused(backend: Backend, task: Task, reason: str) -> Result:
    if backend.shipped:  # it has declared what it can't do, and this isn't among it
        reason = f"raised Unsupported, undeclared: {reason}"
    status: Status = "fail" if backend.shipped else "skip"
    return make_result(backend, task, status, reason=reason, undeclared=True)


def _one_line(error: Exception) -> str:
    words = " ".join(str(error).split())[:300]
    ours = isinstance(error, (BackendError, ValueError, TypeError))  # words of gateparity's own
    return words if ours else f"{type(error).__name__}: {words}"
