"""What checks do otherwise on problems of the array: NaN is counted, and calls have bits alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity.backends.numpy.scratch import Scratch
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.judgement.verdict import Mismatch, judge
from gateparity.conformance.problems.space import draw_problems
from gateparity.conformance.requirements.answers import COUNTED
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


class Deaf(Scratch):
    """Read NaN in a recurrent kernel as zero."""

    def forward(self, config, params, batch):
        heard = {n: np.nan_to_num(v) if "W_h" in n else v for n, v in params.items()}
        return super().forward(config, heard, batch)


class Late(Scratch):
    """Double y from the 20th call on."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        self.calls += 1
        return dataclasses.replace(found, y=found.y * (1 + (self.calls >= 20)))


def test_a_nan_in_each_array_is_counted_where_it_comes_out():
    found = VALUES.run(Canonical(Scratch()), SMALL)
    assert {name.rpartition(" ")[2] for name in found} >= {"x", "h_0", "c_0", "w_ih", "w_hh"}
    assert all(name.startswith(COUNTED) for name in found)
    assert all(array.any() for array in found.values())
    judge(found, Truths().of(VALUES, SMALL))


def test_a_nan_that_is_read_as_zero_differs_by_any_count():
    expected = Truths().of(VALUES, SMALL)
    with pytest.raises(Mismatch, match="with one in w_hh"):
        judge(VALUES.run(Canonical(Deaf()), SMALL), expected)


def test_calls_of_a_problem_compare_bits_and_no_numbers():
    assert CALLS.run(Truth(), SMALL) == {}
    assert CALLS.run(Canonical(Scratch()), SMALL) == {}
    with pytest.raises(Impure, match="differs from the first such call"):
        CALLS.run(Canonical(Late()), SMALL)
