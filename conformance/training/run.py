"""One training task in every backend, each in its own worker, as many at once as cores."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.backends.workers.remote import BackendError
from gateparity.conformance.runs.pool import run_rows
from gateparity.conformance.training.resume import (
    Journal,
    checkpoint_path,
    load_checkpoint,
    save_checkpoint,
)
from gateparity.conformance.training.trainers import Student

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gateparity.backends.workers.remote import RemoteAdapter
    from gateparity.conformance.runs.pool import Row, Trouble
    from gateparity.conformance.training.text_task import Lesson
    from gateparity.network.parameters import Array

    Progress = Callable[[Row, int, float], None]  # epochs done, and the last one's perplexity


TIME_LIMIT: Final = 600.0  # seconds for one call: an epoch, with its compilations


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The outcome of one backend.

    `journal` is None if it could not run at all, and `error` says why; after an error in a later
    epoch both are set. `skip` says why a framework doesn't train. `sentence` is empty unless the
    run finished.
    """

    row: Row
    journal: Journal | None
    sentence: str = ""
    lead: float = 0.0
    error: str = ""
    skip: str = ""
    version: str = ""
    seconds: float = 0.0

    @property
    def diverged(self) -> int | None:
        """Return the first step at which the run diverged, or None."""
        return self.journal.diverged if self.journal else None


@dataclasses.dataclass(frozen=True)
class Classroom:
    """A training task, and what all backends of a run share.

    `folder` is where checkpoints go, and `resume` whether existing ones are continued.
    """

    lesson: Lesson
    folder: Path
    resume: bool = False
    limit: float = TIME_LIMIT
    progress: Progress = lambda _row, _epoch, _perplexity: None

    def run(self, rows: Sequence[Row]) -> list[Outcome]:
        """Train every backend. If one can't go on, only its own outcome is an error.

        An interruption ends every worker before the exception propagates, and leaves the
        checkpoints.
        """
        return run_rows(rows, self._teach, _fail, self.limit)

    def _teach(self, row: Row, adapter: RemoteAdapter) -> Outcome:
        start = time.perf_counter()
        outcome = self._train(row, adapter, Outcome(row, None, version=adapter.version))
        return dataclasses.replace(outcome, seconds=time.perf_counter() - start)

    def _train(self, row: Row, adapter: RemoteAdapter, outcome: Outcome) -> Outcome:
        pupil, lesson = Student(adapter), self.lesson
        config = lesson.config(row.dtype)
        state = pupil.begin(config, *lesson.weights(row.dtype), lesson.recipe)
        fingerprint = lesson.fingerprint(row.label, row.dtype)
        path = checkpoint_path(self.folder, row.label, row.dtype)
        journal = Journal(state, lesson.worst)
        if self.resume and path.exists():
            journal = load_checkpoint(path, state, config, fingerprint, lesson.worst)
        outcome = dataclasses.replace(outcome, journal=journal)
        if journal.epochs:
            self.progress(row, journal.epochs, journal.perplexities[-1])
        for epoch in range(journal.epochs + 1, lesson.sizes.epochs + 1):
            if journal.diverged:
                return outcome
            try:
                training = pupil.train(config, journal.state, lesson.batches(epoch), lesson.recipe)
            except BackendError as error:
                words = f"lost in epoch {epoch}: {error}"
                return dataclasses.replace(outcome, error=words)
            journal.add(training, pupil.read(config, training.state))
            save_checkpoint(path, journal, fingerprint)
            self.progress(row, epoch, journal.perplexities[-1])
        if journal.diverged:
            return outcome
        sentence, lead = lesson.speak(pupil, row.dtype, journal.state)
        return dataclasses.replace(outcome, sentence=sentence, lead=lead)


def _fail(row: Row, trouble: Trouble, reason: str) -> Outcome:
    if trouble == "skip":
        return Outcome(row, None, skip=reason)
    return Outcome(row, None, error=reason)


@dataclasses.dataclass(frozen=True)
class Report:
    """All outcomes of one training task."""

    lesson: Lesson
    outcomes: Sequence[Outcome]
    seconds: float

    @property
    def sentences(self) -> list[str]:
        """Return the different sentences, each once."""
        return list(dict.fromkeys(o.sentence for o in self.outcomes if o.sentence))

    @property
    def exit_code(self) -> int:
        """Return 0 for one sentence; 1 for several, or a divergence; 2 if fewer than two could run.

        A backend with an error counts as one that could not run.
        """
        if len(self.sentences) > 1 or any(o.diverged for o in self.outcomes):
            return 1
        ran = [o for o in self.outcomes if o.sentence]
        return 2 if any(o.error for o in self.outcomes) or len(ran) < 2 else 0

    def distances(self, outcome: Outcome) -> list[float]:
        """Return after each epoch the largest difference of a weight from the first backend's."""
        first = next((o.journal for o in self.outcomes if o.journal), None)
        if first is None or outcome.journal is None:
            return []
        pairs = zip(outcome.journal.weights, first.weights, strict=False)
        return [_distance(a, b) for a, b in pairs]


def _distance(a: Array, b: Array) -> float:
    return float(np.abs(a.astype("float64") - b.astype("float64")).max())
