"""Sensitivity: the smallest shift of one bias that is caught, from forward outputs alone."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.backends.numpy.scratch import Scratch
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.judgement.verdict import passes
from gateparity.conformance.problems.random_cases import random_case
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.truths import Truths
from gateparity.network.parameters import CellWeights
from gateparity.protocol.canonical import Canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gateparity.conformance.judgement.verdict import Expected
    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.results import Results

    Passes = Callable[[Results, Expected], bool]

SHIFTS: Final = tuple(10 ** (k / 8) for k in range(-64, 1))  # eight to a decade, from 1e-8 to 1


def close_passes(rtol: float, atol: float) -> Passes:
    """Return a method that passes if every element is within `atol + rtol * |expected|`."""

    def passes(found: Results, expected: Expected) -> bool:
        return all(np.allclose(found[n], expected.truth[n], rtol, atol) for n in found)

    return passes


# What the others use for float32 by default: torch.testing.assert_close and
# numpy.testing.assert_allclose, as their documentation gives them.
METHODS: Final[dict[str, Passes]] = {
    "gateparity": passes,
    "torch.testing.assert_close": close_passes(1.3e-6, 1e-5),
    "numpy.testing.assert_allclose": close_passes(1e-7, 0.0),
}


@dataclasses.dataclass(frozen=True)
class Caught:
    """The smallest shift that one method catches in each random LSTM, and its false alarms.

    A shift is infinite where even the largest of `SHIFTS` passes.
    """

    shifts: tuple[float, ...]
    alarms: int

    def smallest(self, share: float) -> float:
        """Return the smallest shift that is caught in this share of the cases."""
        ordered = sorted(self.shifts)
        return ordered[int(np.ceil(share * len(ordered))) - 1]


def measure(seed: int, piece: Iterable[int]) -> dict[str, Caught]:
    """Measure every method on random float32 LSTMs, each with the same random bias shifted."""
    found = [_measure_case(_biased_case(seed * 10**6 + k), k) for k in piece]
    return {
        name: Caught(tuple(f[name][0] for f in found), sum(f[name][1] for f in found))
        for name in METHODS
    }


def join(parts: Iterable[dict[str, Caught]]) -> dict[str, Caught]:
    """Join the results of several pieces."""
    parts = list(parts)
    return {
        name: Caught(
            tuple(shift for part in parts for shift in part[name].shifts),
            sum(part[name].alarms for part in parts),
        )
        for name in METHODS
    }


def _biased_case(seed: int) -> Case:
    """Return a random case with biases and without empty sequences.

    If a seed gives none, it tries others that no caller uses.
    """
    case = random_case(seed, "float32", shortest=1)  # of no steps at all, no bias is seen
    return case if case.config.biases else _biased_case(seed + 500_000)


def _measure_case(case: Case, seed: int) -> dict[str, tuple[float, bool]]:
    case = _one_bias(case)
    at = _choose_bias(case, np.random.default_rng([seed, 4]))
    expected = Truths().of(CHECKS["forward"], case)

    def find(shift: float) -> Results:
        return CHECKS["forward"].run(Canonical(Scratch()), _shifted(case, at, shift))

    sound = find(0.0)
    return {
        name: (_smallest(passes, find, expected), not passes(sound, expected))
        for name, passes in METHODS.items()
    }


def _choose_bias(case: Case, generator: np.random.Generator) -> tuple[int, int, int]:
    """Choose a random bias that the outputs depend on.

    A forget gate's bias has no effect if the cell state before it is zero, for example.
    """
    config, check = case.config, CHECKS["forward"]
    truth = check.run(Truth(), case)
    while True:
        cell, gate, unit = (
            int(generator.integers(n))
            for n in (config.cells, len(config.cell.gates), config.hidden_size)
        )
        moved = check.run(Truth(), _shifted(case, (cell, gate, unit), 1.0))
        if any((moved[name] != truth[name]).any() for name in truth):
            return cell, gate, unit


def _smallest(passes: Passes, find: Callable[[float], Results], expected: Expected) -> float:
    """Find the smallest of `SHIFTS` that does not pass, by bisection; infinite if all pass."""
    low, high = 0, len(SHIFTS)
    while low < high:
        middle = (low + high) // 2
        if passes(find(SHIFTS[middle]), expected):
            low = middle + 1
        else:
            high = middle
    return SHIFTS[low] if low < len(SHIFTS) else np.inf


def _one_bias(case: Case) -> Case:
    """Return the case with the sum of both biases in one array, so that a shift is rounded once."""
    return dataclasses.replace(case, params=tuple(_joined(cell) for cell in case.params))


def _joined(cell: CellWeights) -> CellWeights:
    if cell.b_ih is None or cell.b_hh is None:
        return cell
    return CellWeights(cell.w_ih, cell.w_hh, cell.b_ih + cell.b_hh, np.zeros_like(cell.b_hh))


def _shifted(case: Case, at: Sequence[int], shift: float) -> Case:
    k, gate, unit = at
    cells = list(case.params)
    if (bias := cells[k].b_ih) is None:
        raise ValueError(f"{case.name} has no biases to shift")
    wide = bias.astype(np.float64)
    wide[gate, unit] += shift
    cells[k] = dataclasses.replace(cells[k], b_ih=wide.astype(case.config.dtype))
    return dataclasses.replace(case, params=tuple(cells))
