"""Probes: the checks on cases that a diagnosis uses, and a backend's results in them."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.problems.arrays import name_arrays
from gateparity.conformance.problems.case import number_problem
from gateparity.conformance.problems.cases import RECIPES, SPOILED
from gateparity.conformance.requirements.answers import (
    find_lacks,
    has_gradients,
    leave_out_gradients,
)
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.requirements.task import Task
from gateparity.errors import Impure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.checks import Check
    from gateparity.conformance.requirements.results import Results
    from gateparity.conformance.requirements.task import Key
    from gateparity.conformance.runs.plan import Plan
    from gateparity.conformance.runs.result import Result
    from gateparity.protocol.canonical import Lstm

    Found = Results | str  # what a probe found, or in which way it was impure
    Asked = tuple[str, str, bytes]  # check, case, a digest of its numbers

# Cheap ones first: most mistakes are ruled out by the first of them.
PROBES: Final = (
    ("sizes", "one_step", "float32"),
    ("forward", "sequence", "float32"),
    ("gradients", "sequence", "float32"),
    ("lengths", "ragged", "float32"),
    ("gates", "deep", "float32"),
    ("directions", "deep", "float32"),
    ("layers", "stacked", "float32"),
    ("lengths", "one_empty", "float32"),
    ("lengths", "nan_padding", "float32"),
    ("gates", "ragged", "float32"),
    ("gates", "saturated", "float32"),
    ("layout", "deep", "float32"),
    ("sizes", "long", "float32"),
    ("sizes", "wide", "float32"),
    ("values", "overflowing", "float32"),
    ("values", "nan", "float32"),
    ("forward", "sequence", "float64"),
    ("gradients", "sequence", "float64"),
    ("purity", "sequence", "float32"),
    ("purity", "ragged", "float32"),
    ("refusal", "sequence", "float32"),
    *(("values", r.name, "float32") for r in SPOILED if r.name.startswith("nan_")),
    ("gradients", "steep", "float32"),
    ("calls", "zero_states", "float32"),
    ("calls", "uneven", "float32"),
)
_MOST_PROBLEMS: Final = 3  # of the array: each costs as much as several named cases


@dataclasses.dataclass(frozen=True, eq=False)
class Probe:
    """A check on a case, and what a backend found there. Each instance is a distinct key."""

    check: Check
    case: Case
    found: Found

    @property
    def key(self) -> Key:
        """Return the names that identify the question: check, case and dtype."""
        return Task(self.check, self.case).key

    @property
    def outputs_alone(self) -> bool:
        """Return whether the backend found no gradients, though a check may have some."""
        return not isinstance(self.found, str) and not has_gradients(self.found)

    @functools.cached_property
    def lacks(self) -> frozenset[str]:
        """Return the states that the backend lacks, as far as its results show."""
        return frozenset() if isinstance(self.found, str) else find_lacks(self.found)

    @functools.cached_property
    def asked(self) -> Asked:
        """Return a key of the question with a digest of all its numbers.

        A saved case may hold other numbers than the case that it is named after.
        """
        return self._digest(self.case.config.dtype)

    @functools.cached_property
    def numbers(self) -> Asked:
        """Return the same key for the same numbers at another dtype."""
        return self._digest("float32")

    def _digest(self, dtype: str) -> Asked:
        config = dataclasses.replace(self.case.config, dtype=dtype)
        digest = hashlib.sha256(repr((config, sorted(self.lacks))).encode())
        for name, array in name_arrays(self.case).items():
            with np.errstate(over="ignore"):
                same = array.astype(dtype) if array.dtype.kind == "f" else array
            digest.update(f"{name} {array.shape}".encode() + same.tobytes())
        return self.check.name, self.case.name, digest.digest()


def probe_cases(seed: int = 0, probes: Iterable[Key] = PROBES) -> list[Task]:
    """Return the check and the case of each probe, drawn from `seed`."""
    return [Task(CHECKS[check], RECIPES[case].build(dtype, seed)) for check, case, dtype in probes]


def is_probe(key: Key) -> bool:
    """Return whether a diagnosis looks at a check: at some named cases, and at every case of the
    user's own, which is a checkpoint's LSTM or a text.
    """
    return key in PROBES or (key[1] not in RECIPES and not number_problem(key[1]))


def make_probes(plan: Plan, results: Iterable[Result]) -> list[Probe]:
    """Return a backend's results in those checks and cases of a plan that are probes.

    If it fails in none of them, the smallest problems of the array in which it fails are too.
    """
    judged = ("pass", "undecided", "fail")
    found = {result.key: result for result in results if result.status in judged}
    tasks = [task for task in plan if task.key in found and is_probe(task.key)]
    failing = [task for task in plan if task.key in found and found[task.key].status == "fail"]
    if not any(is_probe(task.key) for task in failing):
        problems = [task for task in failing if task.case.problem]
        tasks += sorted(problems, key=lambda task: _count_numbers(task.case))[:_MOST_PROBLEMS]
    probes = []
    for task in tasks:
        result = found[task.key]
        answer = result.reason if result.arrays is None else result.arrays
        if task.check.name == "purity" and not isinstance(answer, str):
            answer = leave_out_gradients(answer)  # `gradients` has them, where it is in the plan
        probes.append(Probe(*task, answer))
    return sorted(probes, key=lambda p: PROBES.index(p.key) if p.key in PROBES else len(PROBES))


def _count_numbers(case: Case) -> int:
    """Return how many numbers a case has: what it costs to compute it again."""
    return sum(array.size for array in name_arrays(case).values())


def run_probe(lstm: Lstm, check: Check, case: Case) -> Found:
    """Return the check's arrays, or the message if the LSTM is impure."""
    try:
        with np.errstate(all="ignore"):
            return check.run(lstm, case)
    except Impure as impure:
        return str(impure)
