"""One lesson for every row, each in a worker of its own, as many at once as there are cores."""

from __future__ import annotations

import dataclasses
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.adapter import Unsupported
from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.remote import BackendError, RemoteAdapter, Worker
from gateparity.conformance.training.checkpoint import (
    Journal,
    checkpoint_path,
    load_checkpoint,
    save_checkpoint,
)
from gateparity.conformance.training.pupils import Student

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gateparity.backends.spec import Backend
    from gateparity.conformance.training.lesson import Lesson

    Progress = Callable[["Row", int, float], None]  # epochs done, and the last one's perplexity

TIME_LIMIT: Final = 600.0  # seconds for one call: an epoch, with its compilations


@dataclasses.dataclass(frozen=True)
class Row:
    """A backend at a dtype."""

    backend: Backend
    dtype: str

    @property
    def label(self) -> str:
        """What names it."""
        return self.backend.label


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a row fared. `journal` is None, and `error` says why, where it could not run at all; an
    error after some epochs leaves both. `sentence` is empty unless it came to the end.
    """

    row: Row
    journal: Journal | None
    sentence: str = ""
    lead: float = 0.0
    error: str = ""
    version: str = ""
    seconds: float = 0.0

    @property
    def diverged(self) -> int | None:
        """The first step that gave no finite number."""
        return self.journal.diverged if self.journal and self.journal.epochs else None


@dataclasses.dataclass
class Classroom:
    """A lesson, and what all rows of a run share: where checkpoints go, and which there are."""

    lesson: Lesson
    folder: Path
    resume: bool = False
    limit: float = TIME_LIMIT
    progress: Progress = lambda _row, _epoch, _perplexity: None
    _workers: list[Worker] = dataclasses.field(default_factory=list)
    _closed: bool = False

    def run(self, rows: Sequence[Row]) -> list[Outcome]:
        """Teach every row. A row that can't go on costs itself alone; an interruption ends every
        worker before the exception goes on, and leaves the checkpoints.
        """
        pool = ThreadPoolExecutor(os.cpu_count() or 1)
        try:
            futures = {row: pool.submit(self._teach, row) for row in sorted(rows, key=_cost)}
            return [futures[row].result() for row in rows]
        finally:
            self._closed = True
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in self._workers:
                worker.close()
            pool.shutdown()

    def _teach(self, row: Row) -> Outcome:
        start = time.perf_counter()
        outcome = Outcome(row, None)
        try:
            with self._open(row) as worker:
                outcome = self._train(row, RemoteAdapter(worker, row.backend.target), outcome)
        except (Unsupported, BackendError, ValueError, TypeError) as error:
            outcome = dataclasses.replace(outcome, error=" ".join(str(error).split())[:300])
        return dataclasses.replace(outcome, seconds=time.perf_counter() - start)

    def _open(self, row: Row) -> Worker:
        if row.backend.python is None:
            raise BackendError(row.backend.missing)
        worker = Worker(row.backend.python, self.limit, row.backend.path)
        self._workers.append(worker)
        if self._closed:
            worker.close()
        return worker

    def _train(self, row: Row, adapter: RemoteAdapter, outcome: Outcome) -> Outcome:
        pupil, lesson = Student(adapter), self.lesson
        config = lesson.config(row.dtype)
        state = pupil.begin(config, *lesson.weights(row.dtype), lesson.recipe)
        fingerprint = lesson.fingerprint(row.label, row.dtype)
        path = checkpoint_path(self.folder, row.label, row.dtype)
        journal = Journal(state)
        if self.resume and path.exists():
            journal = load_checkpoint(path, state, config, fingerprint)
        outcome = dataclasses.replace(outcome, journal=journal, version=adapter.version)
        for epoch in range(journal.epochs + 1, lesson.sizes.epochs + 1):
            try:
                training = pupil.train(config, journal.state, lesson.batches(epoch), lesson.recipe)
            except BackendError as error:
                words = f"lost in epoch {epoch}: {error}"
                return dataclasses.replace(outcome, error=words)
            journal.add(training, pupil.read(config, training.state))
            save_checkpoint(path, journal, fingerprint)
            self.progress(row, epoch, journal.perplexities[-1])
            if not np.isfinite(training.losses).all():
                return outcome
        sentence, lead = lesson.speak(pupil, row.dtype, journal.state)
        return dataclasses.replace(outcome, sentence=sentence, lead=lead)


def _cost(row: Row) -> tuple[int, int]:
    """Those that compile first, so that none of them is left for the end."""
    framework = FRAMEWORKS.get(row.backend.name.partition("@")[0])
    return -(framework.cost if framework else 0), int(row.dtype == "float32")
