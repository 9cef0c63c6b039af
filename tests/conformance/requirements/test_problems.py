"""What checks do otherwise on problems of the array: NaN in turn, and calls that compare bits."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity.backends.numpy.scratch import Scratch
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.judgement.verdict import Mismatch, judge
from gateparity.conformance.problems.further import INFINITE
from gateparity.conformance.problems.space import draw_problems
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.truths import Truths
from gateparity.errors import Impure
from gateparity.protocol.canonical import Canonical

VALUES, CALLS = CHECKS["values"], CHECKS["calls"]
SMALL = next(
    case
    for case in (problem.build() for problem in draw_problems(0))
    if case.config.dtype == "float32" and CALLS.applies(case) and case.batch.states
)
SHALLOW = next(  # a NaN in a bias reaches one unit of the first step alone
    problem.build()
    for problem in draw_problems(0)
    if problem.choice["layers"] == 1 and problem.choice["biases"] and 2 < problem.sizes["H"] < 10
)


class Deaf(Scratch):
    """Read NaN in a recurrent kernel as zero."""

    def forward(self, config, params, batch):
        heard = {n: np.nan_to_num(v) if "W_h" in n else v for n, v in params.items()}
        return super().forward(config, heard, batch)


class Unbiased(Scratch):
    """Leave out the biases of a layer whose biases have a NaN, which reaches one unit alone."""

    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        if not any(np.isnan(array).any() for n, array in params.items() if "b_" in n):
            return found
        silent = {n: array * (n.startswith("W") or "W" in n) for n, array in params.items()}
        other = super().forward(config, {n: np.nan_to_num(a) for n, a in silent.items()}, batch)
        return dataclasses.replace(found, y=np.where(np.isnan(found.y), found.y, other.y))


class Late(Scratch):
    """Double y from the 20th call on."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        self.calls += 1
        return dataclasses.replace(found, y=found.y * (1 + (self.calls >= 20)))


def test_a_nan_stands_in_each_array_in_turn():
    found = VALUES.run(Canonical(Scratch()), SMALL)
    assert {name.rpartition(" ")[2] for name in found} >= {"x", "h_0", "c_0", "w_ih", "w_hh"}
    assert all(np.isnan(array).any() for name, array in found.items() if name.startswith("y,"))
    judge(found, Truths().of(VALUES, SMALL))


def test_a_nan_that_is_read_as_zero_differs():
    expected = Truths().of(VALUES, SMALL)
    with pytest.raises(Mismatch, match="with a NaN in w_hh"):
        judge(VALUES.run(Canonical(Deaf()), SMALL), expected)


def test_numbers_that_a_nan_does_not_reach_are_compared_too():
    found = VALUES.run(Canonical(Unbiased()), SHALLOW)
    assert np.isfinite(found["y, with a NaN in b_ih"]).any()
    with pytest.raises(Mismatch, match="with a NaN in b_"):
        judge(found, Truths().of(VALUES, SHALLOW))


def test_a_problem_with_an_infinity_has_checks_of_outputs_and_gates_alone():
    infinite = [p for p in draw_problems(0) if p.infinite]
    assert {problem.infinite for problem in infinite} == set(INFINITE)
    for case in (problem.build() for problem in infinite):
        assert not case.is_finite
        found = {name for name, check in CHECKS.items() if check.applies_to(case)}
        assert found == {"forward", "gates"}
        expected = Truths().of(CHECKS["forward"], case)
        judge(CHECKS["forward"].run(Canonical(Scratch()), case), expected)


def test_calls_of_a_problem_compare_bits_and_no_numbers():
    assert CALLS.run(Truth(), SMALL) == {}
    assert CALLS.run(Canonical(Scratch()), SMALL) == {}
    with pytest.raises(Impure, match="differs from the first such call"):
        CALLS.run(Canonical(Late()), SMALL)
