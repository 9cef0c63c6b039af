"""Expected values of a user: explained by rounding, not explained, or undecidable."""

from __future__ import annotations

import numpy as np

import gateparity
from gateparity import Case, Config
from gateparity.conformance.judgement.truth import Truth
from gateparity.network.parameters import build_parameters


def _case(scale, steps, hidden):
    generator = np.random.default_rng(0)
    config = Config(4, hidden)
    params = build_parameters(
        config, lambda _, shape: generator.normal(0, scale, shape).astype("float32")
    )
    x = generator.normal(size=(steps, 2, 4)).astype("float32")
    return Case.from_arrays(config, params, x)


def _check(case, y):
    run = gateparity.check(["numpy"], own=case, expected={"y": y})
    return run, run.explanations["problem"]


def test_right_values_are_explained_by_rounding():
    case = _case(0.3, 5, 6)
    y = Truth().forward(case.config, case.params, case.batch).y.astype("float32")
    run, sentence = _check(case, y)
    assert sentence.startswith("Explained by rounding: numpy:scratch, expected differ")
    assert [pair.status for pair in run.pairs] == ["pass"]


def test_wrong_values_are_not_and_the_place_is_named():
    case = _case(0.3, 5, 6)
    y = Truth().forward(case.config, case.params, case.batch).y.astype("float32")
    y[3, 1, 2] += 0.1
    run, sentence = _check(case, y)
    assert sentence.startswith("Not explained by rounding: expected values, forward: y[3, 1, 2]")
    assert run.exit_code == 1


def test_a_chaotic_lstm_is_undecidable_with_the_number():
    case = _case(3.0, 50, 32)
    y = np.zeros((50, 2, 32), "float32")
    assert _check(case, y)[1].startswith("Undecidable: rounding in float32 alone moves y by 1")
