"""The suite's own figures: mistakes caught, false alarms, and sensitivity.

The work is cut into pieces that run on all cores, each in its own interpreter.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.backends.numpy.scratch import Scratch
from gateparity.conformance.diagnosis.predictions import Predictions, apply_mistakes
from gateparity.conformance.diagnosis.probes import Probe, probe_cases, run_probe
from gateparity.conformance.diagnosis.search import Diagnoser
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.judgement.verdict import Mismatch, judge
from gateparity.conformance.problems.random_cases import random_case
from gateparity.conformance.selftest import sensitivity
from gateparity.conformance.selftest.conditioned import CONDITIONS, are_enough
from gateparity.conformance.selftest.false_alarms import Alarms, count_alarms
from gateparity.conformance.selftest.mutants import are_killed
from gateparity.conformance.selftest.pieces import (
    CATALOGUE,
    kept_truths,
    load_catalogue,
    make_pieces,
    plan_of_cases,
    run_pieces,
)
from gateparity.conformance.selftest.unseen import MUTANTS, condition_pieces, mutant_pieces
from gateparity.errors import Impure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateparity.conformance.mistakes.mistake import Mistake
    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.checks import Check
    from gateparity.conformance.runs.plan import Plan
    from gateparity.conformance.runs.truths import Truths
    from gateparity.conformance.selftest.conditioned import Trial
    from gateparity.conformance.selftest.mutants import Mutant
    from gateparity.conformance.selftest.pieces import Progress
    from gateparity.conformance.selftest.sensitivity import Caught

FALSE_ALARMS: Final = 10_000
SENSITIVITY: Final = 100  # LSTMs with biases
PAIRS: Final = 20  # of mistakes, diagnosed


@dataclasses.dataclass(frozen=True)
class Kill:
    """The checks that caught a mistake, and those that should have caught it."""

    name: str
    family: str
    violates: str
    caught: frozenset[str]
    expected: frozenset[str]

    @property
    def exact(self) -> bool:
        """Return whether exactly the checks that its entry names caught the mistake."""
        return self.caught == self.expected


@dataclasses.dataclass(frozen=True)
class Naming:
    """The diagnosis of one mistake or pair that was put in."""

    mistakes: tuple[str, ...]
    said: tuple[tuple[str, ...], ...]
    right: bool  # they are the answer, or no probe distinguishes them from it


@dataclasses.dataclass(frozen=True)
class Figures:
    """All figures of one self-test."""

    kills: tuple[Kill, ...]
    alarms: Alarms
    caught: dict[str, Caught]
    namings: tuple[Naming, ...]
    seed: int
    trials: tuple[Trial, ...] = ()
    mutants: tuple[Mutant, ...] = ()

    @property
    def singles(self) -> list[Naming]:
        """Return the diagnoses of single mistakes."""
        return [naming for naming in self.namings if len(naming.mistakes) == 1]

    @property
    def pairs(self) -> list[Naming]:
        """Return the diagnoses of two mistakes at once."""
        return [naming for naming in self.namings if len(naming.mistakes) == 2]

    @property
    def exit_code(self) -> int:
        """Return 0 if the figures are as they should be, else 1.

        Every mistake has to be caught by exactly its checks and named rightly, 9 of 10 pairs have
        to be named rightly, there must be no false alarm, and enough mistakes under conditions and
        mutants must be caught.
        """
        exact = all(kill.exact for kill in self.kills)
        named = all(naming.right for naming in self.singles)
        pairs = sum(naming.right for naming in self.pairs) >= 0.9 * len(self.pairs)
        unseen = are_enough(self.trials) and are_killed(self.mutants)
        good = exact and named and pairs and unseen
        return int(not good or bool(self.alarms.reasons))


def run_selftest(
    catalogue: str = CATALOGUE,
    *,
    alarms: int = FALSE_ALARMS,
    shifts: int = SENSITIVITY,
    pairs: int = PAIRS,
    conditions: int = CONDITIONS,
    mutants: int = MUTANTS,
    seed: int = 0,
    progress: Progress = lambda _, __: None,
) -> Figures:
    """Measure all figures, on all cores. Raise `InputError` for a catalogue that can't load.

    `mutants` is how many of those that compute something else are drawn and tried.
    """
    count = len(load_catalogue(catalogue))
    work: dict[str, list[Any]] = {
        "mistakes": [(_kill_some, catalogue, k, seed) for k in make_pieces(count)],
        "diagnoses": [
            (_name_some, catalogue, k, seed)
            for k in [*make_pieces(count), *_pairs(count, pairs, seed)]
        ],
        "false alarms": [(_count_some, k, seed) for k in make_pieces(alarms)],
        "sensitivity": [(_measure_some, k, seed) for k in make_pieces(shifts)],
        "conditions": condition_pieces(catalogue, conditions, seed),
        "mutants": mutant_pieces(seed, mutants),
    }
    found = run_pieces(work, progress)
    return Figures(
        tuple(itertools.chain(*found["mistakes"])),
        sum(found["false alarms"], start=Alarms()),
        sensitivity.join(found["sensitivity"]),
        tuple(itertools.chain(*found["diagnoses"])),
        seed,
        tuple(itertools.chain(*found["conditions"])),
        tuple(itertools.chain(*found["mutants"])),
    )


def kill(mistake: Mistake, plan: Plan, truths: Truths) -> Kill:
    """Put a mistake into NumPy's LSTM, and return which checks catch it."""
    caught: set[str] = set()
    for check, case in plan:
        # one case is enough: a check that has caught the mistake is not run on its others
        if check.name not in caught and case.config.dtype in mistake.dtypes:
            caught |= {check.name} if _catches(check, case, mistake, truths) else set()
    return Kill(mistake.name, mistake.family, mistake.violates, frozenset(caught), mistake.checks)


def _catches(check: Check, case: Case, mistake: Mistake, truths: Truths) -> bool:
    lstm = mistake.apply(Truth(dtype=case.config.dtype))
    try:
        with np.errstate(all="ignore"):
            judge(check.run(lstm, case), truths.of(check, case))
    except (Mismatch, Impure):
        return True
    return False


def _kill_some(catalogue: str, which: Sequence[int], seed: int) -> list[Kill]:
    mistakes, plan = load_catalogue(catalogue), plan_of_cases(seed)
    return [kill(mistakes[k], plan, kept_truths(seed)) for k in which]


def _name_some(catalogue: str, which: Sequence[int | tuple[int, int]], seed: int) -> list[Naming]:
    mistakes, diagnoser = load_catalogue(catalogue), _diagnoser(catalogue)
    chosen = [(k,) if isinstance(k, int) else k for k in which]
    return [_name(tuple(mistakes[k] for k in some), diagnoser, seed) for some in chosen]


@functools.cache
def _diagnoser(catalogue: str) -> Diagnoser:
    """Return the diagnoser for a catalogue, made once in each process."""
    return Diagnoser(Predictions(), load_catalogue(catalogue))


def _name(mistakes: tuple[Mistake, ...], diagnoser: Diagnoser, seed: int) -> Naming:
    probes = []
    for check, case in probe_cases(seed):
        lstm = apply_mistakes(mistakes, Truth(dtype=case.config.dtype), case)
        probes.append(Probe(check, case, run_probe(lstm, check, case)))
    found = diagnoser.name(probes, pairs=len(mistakes) > 1)
    said = tuple(tuple(m.name for m in some) for some in found.explanations)
    right = any(diagnoser.are_alike(mistakes, some, probes) for some in found.explanations)
    return Naming(tuple(m.name for m in mistakes), said, right)


def _count_some(piece: Sequence[int], seed: int) -> Alarms:
    return count_alarms(Scratch(), [seed * 10**6 + k for k in piece], random_case)


def _measure_some(piece: Sequence[int], seed: int) -> dict[str, Caught]:
    return sensitivity.measure(seed, piece)


def _pairs(count: int, pairs: int, seed: int) -> list[Sequence[tuple[int, int]]]:
    """Return random pairs of different mistakes, one pair for each piece of work."""
    generator = np.random.default_rng([seed, 6])
    chosen = [generator.choice(count, 2, replace=False) for _ in range(pairs if count > 1 else 0)]
    return [[(int(a), int(b))] for a, b in chosen]
