"""One training task in every backend, each in its own worker, as many at once as cores."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.backends.workers.remote import BackendError
from gateparity.conformance.runs.pool import run_in_workers
from gateparity.conformance.training.resume import (
    History,
    checkpoint_path,
    load_checkpoint,
    save_checkpoint,
)
from gateparity.conformance.training.trainers import AdapterTrainer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gateparity.backends.workers.remote_adapter import RemoteAdapter
    from gateparity.conformance.runs.pool import BackendAtDtype, Trouble
    from gateparity.conformance.training.text_task import TextTask
    from gateparity.network.parameters import Array

    Progress = Callable[
        [BackendAtDtype, int, float], None
    ]  # epochs done, and the last one's perplexity


TIME_LIMIT: Final = 600.0  # seconds for one call: an epoch, with its compilations


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The outcome of one backend.

    `history` is None if it could not run at all, and `error` says why; after an error in a later
    epoch both are set. `skip` says why a framework doesn't train. `sentence` is empty unless the
    run finished.
    """

    row: BackendAtDtype
    history: History | None
    sentence: str = ""
    margin: float = 0.0
    error: str = ""
    skip: str = ""
    version: str = ""
    seconds: float = 0.0

    @property
    def diverged(self) -> int | None:
        """Return the first step at which the run diverged, or None."""
        return self.history.diverged if self.history else None


@dataclasses.dataclass(frozen=True)
class TrainingSession:
    """A training task, and what all backends of a run share.

    `folder` is where checkpoints go, and `resume` whether existing ones are continued.
    """

    task: TextTask
    folder: Path
    resume: bool = False
    limit: float = TIME_LIMIT
    progress: Progress = lambda _row, _epoch, _perplexity: None

    def run(self, rows: Sequence[BackendAtDtype]) -> list[Outcome]:
        """Train every backend. If one can't go on, only its own outcome is an error.

        An interruption ends every worker before the exception propagates, and leaves the
        checkpoints.
        """
        return run_in_workers(rows, self._train_backend, _fail, self.limit)

    def _train_backend(self, row: BackendAtDtype, adapter: RemoteAdapter) -> Outcome:
        start = time.perf_counter()
        outcome = self._train(row, adapter, Outcome(row, None, version=adapter.version))
        return dataclasses.replace(outcome, seconds=time.perf_counter() - start)

    def _train(self, row: BackendAtDtype, adapter: RemoteAdapter, outcome: Outcome) -> Outcome:
        trainer, task = AdapterTrainer(adapter), self.task
        config = task.config(row.dtype)
        state = trainer.begin(config, *task.weights(row.dtype), task.recipe)
        fingerprint = task.fingerprint(row.label, row.dtype)
        path = checkpoint_path(self.folder, row.label, row.dtype)
        history = History(state, task.worst)
        if self.resume and path.exists():
            history = load_checkpoint(path, state, config, fingerprint, task.worst)
        outcome = dataclasses.replace(outcome, history=history)
        if history.epochs:
            self.progress(row, history.epochs, history.perplexities[-1])
        for epoch in range(history.epochs + 1, task.sizes.epochs + 1):
            if history.diverged:
                return outcome
            try:
                training = trainer.train(config, history.state, task.batches(epoch), task.recipe)
            except BackendError as error:
                words = f"lost in epoch {epoch}: {error}"
                return dataclasses.replace(outcome, error=words)
            history.add(training, trainer.read(config, training.state))
            save_checkpoint(path, history, fingerprint)
            self.progress(row, epoch, history.perplexities[-1])
        if history.diverged:
            return outcome
        sentence, margin = task.generate(trainer, row.dtype, history.state)
        return dataclasses.replace(outcome, sentence=sentence, margin=margin)


def _fail(row: BackendAtDtype, trouble: Trouble, reason: str) -> Outcome:
    if trouble == "skip":
        return Outcome(row, None, skip=reason)
    return Outcome(row, None, error=reason)


@dataclasses.dataclass(frozen=True)
class TrainingRun:
    """All outcomes of one training task."""

    task: TextTask
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
        first = next((o.history for o in self.outcomes if o.history), None)
        if first is None or outcome.history is None:
            return []
        pairs = zip(outcome.history.weights, first.weights, strict=False)
        return [_distance(a, b) for a, b in pairs]


def _distance(a: Array, b: Array) -> float:
    return float(np.abs(a.astype("float64") - b.astype("float64")).max())
