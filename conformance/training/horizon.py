"""Small trainings in every backend: whether each is within rounding, and how long pairs agree.

Two runs agree as long as no weight differs by more than `APART`. The budget predicts that from its
draws, even after the epochs for which it is valid for single numbers.
"""

from __future__ import annotations

import dataclasses
import itertools
import threading
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.backends.workers.worker import one_line
from gateparity.conformance.runs.pool import run_in_workers
from gateparity.conformance.training.parity import Verdict, judge_training, make_reference
from gateparity.conformance.training.problems import WILD, make_problem, run_problem
from gateparity.conformance.training.trainers import AdapterTrainer
from gateparity.errors import Unsupported
from gateparity.protocol.biases import counts_biases_twice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gateparity.backends.workers.remote_adapter import RemoteAdapter
    from gateparity.conformance.requirements.results import Results
    from gateparity.conformance.runs.pool import BackendAtDtype, Trouble
    from gateparity.conformance.training.parity import ReferenceRun
    from gateparity.protocol.training import Biases

APART: Final = 2.0**-10


@dataclasses.dataclass(frozen=True)
class Known:
    """A known deviation in training: the reason and the largest size.

    `most` is by how much of the rate a weight may be off for each step of the first epoch. Later
    steps could make the deviation larger or smaller.
    """

    reason: str
    most: float


_KNOWN: Final = {  # name, dtype, optimiser
    ("mxnet", "float64", "adam"): Known(
        "MXNet's adam_update holds rate and epsilon in float32", 2.0**-29
    ),
}


@dataclasses.dataclass(frozen=True)
class Trial:
    """One problem in one backend. `error` or `skip` says why there is no verdict.

    `known` is a known deviation, and `shift` is by how much of the rate a weight is off for each
    step of the first epoch.
    """

    row: BackendAtDtype
    problem: str
    verdict: Verdict | None = None
    error: str = ""
    skip: str = ""
    known: Known | None = None
    shift: float = 0.0
    results: Results = dataclasses.field(default_factory=dict, repr=False)

    @property
    def status(self) -> str:
        """Return pass, known, fail, skip or error.

        A known deviation that is gone, or larger than known, fails.
        """
        if self.verdict is None:
            return "skip" if self.skip else "error"
        if self.known and self.verdict.differs:
            return "known" if self.shift <= self.known.most else "fail"
        if self.known:
            return "fail"
        return "fail" if self.verdict.differs else "pass"

    @property
    def reason(self) -> str:
        """Return one line that explains a status other than pass."""
        differs = self.verdict.differs if self.verdict else ""
        if self.known is None or self.verdict is None:
            return self.error or self.skip or differs
        if not differs:
            return f"it no longer deviates ({self.known.reason}): remove its entry"
        size = f"a weight is off by {self.shift:.1e} of the rate a step"
        words = f"{self.known.reason}: {size}, {self.known.most:.1e} known"
        return f"{words}; {differs}" if self.status == "fail" else words


@dataclasses.dataclass(frozen=True)
class Horizon:
    """The steps after which two backends part: as predicted, of the first pair and of the last.

    A number is None if they never part in `steps` steps. After each epoch, `expected` is the
    predicted distance, and `found` that of each pair, by its name.
    """

    problem: str
    dtype: str
    steps: int
    predicted: int | None
    first: int | None
    last: int | None
    pair: tuple[str, str]
    expected: tuple[float, ...] = ()
    found: Mapping[str, tuple[float, ...]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class HorizonRun:
    """All trials of one run and the horizons of its wild problems.

    `judged` has the steps for which the budget of a problem at a dtype is valid.
    """

    seed: int
    trials: Sequence[Trial]
    horizons: Sequence[Horizon] = ()
    judged: Mapping[tuple[str, str], int] = dataclasses.field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """Return 1 if something differs, else 2 if something could not run or be compared."""
        statuses = {trial.status for trial in self.trials}
        if "fail" in statuses:
            return 1
        ran = {trial.row.label for trial in self.trials if trial.verdict}
        return 2 if "error" in statuses or len(ran) < 2 else 0


class ReferenceCache:
    """A cache of the reference runs of all problems."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._made: dict[Any, ReferenceRun] = {}
        self._lock = threading.Lock()

    def of(
        self,
        name: str,
        dtype: str,
        declared: Mapping[str, float] | None = None,
        copies: int = 1,
    ) -> ReferenceRun:
        """Return the reference run of a problem, with its budget.

        `declared` is a backend's declared rounding model. `copies` is how many equal biases the
        backend trains where the reference has one.
        """
        key = name, dtype, tuple(sorted((declared or {}).items())), copies
        with self._lock:
            if key not in self._made:
                problem = make_problem(name, dtype, self.seed)
                self._made[key] = make_reference(problem, declared or {}, copies)
            return self._made[key]


def try_problems(
    rows: Sequence[BackendAtDtype],
    problems: Sequence[str],
    references: ReferenceCache,
    limit: float,
    *,
    biases: Biases = "tied",
    progress: Callable[[Trial], None] = lambda _: None,
) -> list[Trial]:
    """Run every problem in every backend, and call `progress` with each trial."""

    def work(row: BackendAtDtype, adapter: RemoteAdapter) -> list[Trial]:
        trials = []
        for name in problems:
            trials.append(_try(row, adapter, name, references, biases))
            progress(trials[-1])
        return trials

    def fail(row: BackendAtDtype, trouble: Trouble, reason: str) -> list[Trial]:
        error, skip = (reason if trouble == kind else "" for kind in ("error", "skip"))
        return [Trial(row, name, error=error, skip=skip) for name in problems]

    return list(itertools.chain(*run_in_workers(rows, work, fail, limit)))


def find_horizons(trials: Sequence[Trial], references: ReferenceCache) -> HorizonRun:
    """Return the trials with the horizon of each wild problem at each dtype.

    Known deviations have no part in it.
    """
    horizons, judged = [], {}
    for name, dtype in dict.fromkeys((t.problem, t.row.dtype) for t in trials if t.results):
        if name in WILD:
            batches = make_problem(name, dtype, references.seed).batches
            reference = references.of(name, dtype)
            alike = [t for t in trials if (t.problem, t.row.dtype) == (name, dtype) and not t.known]
            horizons.append(find_horizon(alike, reference, batches))
            judged[name, dtype] = reference.valid_epochs * batches
    return HorizonRun(references.seed, trials, [found for found in horizons if found], judged)


def find_horizon(trials: Sequence[Trial], reference: ReferenceRun, batches: int) -> Horizon | None:
    """Return the horizon of one problem at one dtype, or None if fewer than two trials finished."""
    done = [trial for trial in trials if trial.results]
    if len(done) < 2:
        return None
    epochs = _by_epoch(reference.truth)
    pairs = {
        (a.row.label, b.row.label): tuple(_furthest(a, b, names) for names in epochs)
        for a, b in itertools.combinations(done, 2)
    }
    expected = tuple(max(float(reference.sigmas[n].max()) for n in e) * 2**0.5 for e in epochs)
    parted = {pair: _part(distances) for pair, distances in pairs.items()}
    order = sorted(parted, key=lambda pair: parted[pair] or np.inf)
    predicted, first, last = (
        None if epoch is None else epoch * batches
        for epoch in (_part(expected), parted[order[0]], parted[order[-1]])
    )
    found = {" and ".join(pair): distances for pair, distances in pairs.items()}
    row, steps = done[0].row, len(epochs) * batches
    return Horizon(
        done[0].problem, row.dtype, steps, predicted, first, last, order[0], expected, found
    )


def _try(
    row: BackendAtDtype,
    adapter: RemoteAdapter,
    name: str,
    references: ReferenceCache,
    biases: Biases,
) -> Trial:
    problem = make_problem(name, row.dtype, references.seed, biases=biases)
    try:
        found = run_problem(AdapterTrainer(adapter), problem)
    except Unsupported as unsupported:
        return Trial(row, name, skip=str(unsupported))
    except Exception as error:  # noqa: BLE001  an adapter of the user's may answer anything
        return Trial(row, name, error=one_line(error))
    reference = references.of(name, row.dtype, adapter.rounding_model)
    key = row.backend.framework, row.dtype, problem.recipe.optimizer
    known = _KNOWN.get(key) if row.backend.shipped else None
    first = _by_epoch(reference.truth)[0]
    furthest = max(float(np.abs(found[n] - reference.truth[n]).max()) for n in first)
    shift = furthest / (problem.batches * problem.recipe.rate)
    verdict = judge_training(found, reference)
    if (
        verdict.differs
        and biases == "separate"
        and counts_biases_twice(adapter.layout, problem.config)
    ):
        twice = judge_training(
            found, references.of(name, row.dtype, adapter.rounding_model, copies=2)
        )
        verdict = dataclasses.replace(verdict, differs=_explain(verdict, twice))
    return Trial(row, name, verdict, known=known, shift=shift, results=found)


def _explain(once: Verdict, twice: Verdict) -> str:
    if twice.differs:
        return once.differs
    return f"{once.differs}; it is as if each bias were there twice ({twice.sigmas:.2g} sigma)"


def _part(distances: Sequence[float]) -> int | None:
    """Return the first epoch after which a weight differs by more than `APART`, or None."""
    return next((k for k, distance in enumerate(distances, 1) if not distance <= APART), None)


def _furthest(a: Trial, b: Trial, names: Sequence[str]) -> float:
    return max(float(np.abs(a.results[n].astype(float) - b.results[n]).max()) for n in names)


def _by_epoch(results: Results) -> list[list[str]]:
    """Return the names of weights, grouped by epoch."""
    return [list(names) for _, names in itertools.groupby(_epochs(results), key=_number)]


def _epochs(results: Results) -> list[str]:
    """Return the names of weights, in order of time."""
    return [name for name in results if not name.startswith(("loss", "norm", "output"))]


def _number(name: str) -> int:
    return int(name.rpartition(" ")[2])
