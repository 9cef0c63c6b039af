"""Mistakes under conditions: each one of the catalogue, made only where a random condition holds.

The catalogue says how well the suite sees what somebody wrote down. This figure estimates how well
it sees what nobody did: the share that the default plan catches, with an interval.
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.conformance.judgement.differences import difference
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.judgement.verdict import passes
from gateparity.conformance.mistakes.cells import confine
from gateparity.conformance.requirements.answers import forward, gates, gradients, layout
from gateparity.conformance.selftest.conditions import KINDS, draw_condition
from gateparity.conformance.selftest.fresh_cases import fresh_case
from gateparity.conformance.selftest.switched import Conditioned, RightLstm, Switched
from gateparity.errors import InputError
from gateparity.network.dtypes import unit_roundoff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gateparity.conformance.mistakes.cells import Place
    from gateparity.conformance.mistakes.mistake import Mistake
    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.results import Results
    from gateparity.conformance.requirements.task import Task
    from gateparity.conformance.runs.plan import Plan
    from gateparity.conformance.runs.truths import Truths
    from gateparity.network.parameters import Array
    from gateparity.protocol.canonical import Lstm

FRESH: Final = 500  # problems, in one of which a mistake has to change a number
CONDITIONS: Final = 150  # mistakes under conditions
LEAST_CAUGHT: Final = 0.75  # lower end of the interval of the share
_MOST_DRAWS: Final = 1000  # that change no number, one after another
_FAR: Final = 64  # units roundoff of the array's largest number, which rounding doesn't reach
_Z: Final = 1.959964  # of a 95 % interval
_METHODS: Final = {"forward": forward, "gradients": gradients, "gates": gates, "weights": layout}
# What a mistake that is on one path alone leaves right, which needs no comparison.
_RIGHT: Final = {"both": (), "forward": ("gradients",), "backward": ("forward", "gates")}


@dataclasses.dataclass(frozen=True)
class Trial:
    """One mistake under a condition, and the task that caught it first, or nothing.

    `redrawn` counts the draws before it that changed no number.
    """

    mistake: str
    words: str
    kind: str
    condition: str
    caught: str
    redrawn: int


@dataclasses.dataclass(frozen=True)
class Share:
    """How many of how many were caught, with Wilson's 95 % interval of the share."""

    caught: int
    trials: int

    @property
    def interval(self) -> tuple[float, float]:
        """Return both ends of the interval; (0, 1) without trials."""
        if not self.trials:
            return 0.0, 1.0
        n, p, squared = self.trials, self.caught / self.trials, _Z**2
        middle = (p + squared / (2 * n)) / (1 + squared / n)
        half = _Z * (p * (1 - p) / n + squared / (4 * n * n)) ** 0.5 / (1 + squared / n)
        return max(middle - half, 0.0), min(middle + half, 1.0)


def count_caught(trials: Iterable[Trial]) -> Share:
    """Return the share of the trials in which a task caught the mistake."""
    caught = [bool(trial.caught) for trial in trials]
    return Share(sum(caught), len(caught))


def are_enough(trials: Sequence[Trial]) -> bool:
    """Return whether the interval of the share caught is high enough; few trials say nothing."""
    return len(trials) < CONDITIONS or count_caught(trials).interval[0] >= LEAST_CAUGHT


def describe_trials(trials: Sequence[Trial]) -> dict[str, Any]:
    """Return the shares caught, of all and by class of condition, and every trial, as data."""
    by_kind = {"all": trials} | {k: [t for t in trials if t.kind == k] for k in KINDS}
    shares = {kind: count_caught(some) for kind, some in by_kind.items()}
    return {
        "least": LEAST_CAUGHT,
        "enough": are_enough(trials),
        "redrawn": sum(trial.redrawn for trial in trials),
        "shares": {k: {**vars(share), "interval": share.interval} for k, share in shares.items()},
        "trials": [dict(vars(trial)) for trial in trials],
    }


class FreshProblems:
    """Fresh problems with the right answers, to see whether a mistake changes any number."""

    def __init__(self, seed: int = 0, count: int = FRESH) -> None:
        self._cases = [fresh_case(k, seed) for k in range(count)]
        self._lstm = RightLstm()
        self._right: dict[tuple[int, str], Results | None] = {}

    def show(self, conditioned: Conditioned) -> bool:
        """Return whether any number of any problem changes by more than rounding.

        All problems go to one LSTM, which is asked everything that it can be asked.
        """
        lstm = Switched(conditioned, self._lstm)
        return any(
            self._changes(lstm, k, method) for k in range(len(self._cases)) for method in _METHODS
        )

    def _changes(self, lstm: Switched, k: int, method: str) -> bool:
        case = self._cases[k]
        asked = {"weights": (), "gradients": (case.batch, case.cotangent)}.get(
            method, (case.batch,)
        )
        wrong = lstm.choose(method, case.config, case.params, *asked)
        if wrong is None or method in _RIGHT[lstm.path]:
            return False
        if (k, method) not in self._right:
            self._right[k, method] = _answer(Truth(dtype=case.config.dtype), method, case)
        return _differ(_answer(wrong, method, case), self._right[k, method], case.config.dtype)


def try_some(
    which: Iterable[int],
    seed: int,
    catalogue: Sequence[Mistake],
    plan: Plan,
    judge: Judge,
    fresh: FreshProblems,
) -> list[Trial]:
    """Draw mistakes under conditions, and run the plan on each until a task catches it."""
    trials = []
    for k in which:
        conditioned, redrawn = draw_trial(np.random.default_rng([seed, 7, k]), catalogue, fresh)
        lstm = Switched(conditioned, judge.right)
        caught = next((task for task in plan if judge.catches(lstm, task)), None)
        mistake, condition = conditioned.mistake, conditioned.condition
        words = ", ".join(caught.key) if caught else ""
        trials.append(
            Trial(mistake.name, mistake.words, condition.kind, condition.words, words, redrawn)
        )
    return trials


def draw_trial(
    generator: np.random.Generator, catalogue: Sequence[Mistake], fresh: FreshProblems
) -> tuple[Conditioned, int]:
    """Draw a mistake under a condition that changes a number, and count those before it.

    Raise `InputError` if hardly any mistake of the catalogue changes a number.
    """
    for redrawn in range(_MOST_DRAWS):
        condition = draw_condition(generator)
        able = _able(catalogue, condition.place)
        if able and fresh.show(
            found := Conditioned(able[int(generator.integers(len(able)))], condition)
        ):
            return found, redrawn
    raise InputError(f"{_MOST_DRAWS} mistakes under conditions changed no number of any problem")


def _able(catalogue: Sequence[Mistake], place: Place | None) -> Sequence[Mistake]:
    """Return the mistakes; for a place, those that can be made in one, and there alone."""
    if place is None:
        return catalogue
    return [found for mistake in catalogue if (found := confine(mistake, place))]


class Judge:
    """Judges answers, and equal answers to the same task once: most calls are right ones."""

    def __init__(self, truths: Truths) -> None:
        self.right = RightLstm()
        self._truths = truths
        self._known: dict[tuple[Any, ...], bool] = {}

    def catches(self, lstm: Lstm, task: Task) -> bool:
        """Return whether a task fails, in whatever way."""
        try:
            with np.errstate(all="ignore"):
                found = task.check.run(lstm, task.case)
        except Exception:  # noqa: BLE001  a mistake that keeps arrays may fail in any way
            return True
        key = *task.key, _digest(found)
        if key not in self._known:
            with np.errstate(all="ignore"):
                self._known[key] = not passes(found, self._truths.of(*task))
        return self._known[key]


def _digest(found: Results) -> bytes:
    digest = hashlib.sha256()
    for name, array in found.items():
        digest.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
    return digest.digest()


def _answer(lstm: Any, method: str, case: Case) -> Results | None:
    """Return what a method answers, or None if it fails."""
    ask: Callable[[Any, Case], Results] = _METHODS[method]
    try:
        with np.errstate(all="ignore"):
            return ask(lstm, case)
    except Exception:  # noqa: BLE001  a mistake that keeps arrays may fail in any way
        return None


def _differ(one: Results | None, other: Results | None, dtype: str) -> bool:
    if one is None or other is None:
        return one is not other
    if [(n, a.shape) for n, a in one.items()] != [(n, a.shape) for n, a in other.items()]:
        return True
    return any(_is_far(array, other[name], dtype) for name, array in one.items())


@np.errstate(all="ignore")
def _is_far(one: Array, other: Array, dtype: str) -> bool:
    if not one.size:
        return False
    scale = np.abs(other[np.isfinite(other)]).max(initial=0)
    off = np.abs(difference(one, other)).max()
    return not off <= _FAR * unit_roundoff(dtype) * scale
