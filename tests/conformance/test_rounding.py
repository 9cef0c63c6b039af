"""Random rounding moves numbers as rounding does, and only where something rounds."""

from __future__ import annotations

import numpy as np
import pytest

from gateparity.conformance.rounding import UNIT, RandomlyRounded, randomly_rounded

N = 20_000


def rounded(array, seed=0):
    return randomly_rounded(np.asarray(array), np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("operation", "ulps"),
    [
        (lambda a: a + 0.5, 1),
        (lambda a: 0.5 - a, 1),
        (lambda a: a * a, 1),
        (lambda a: 1 / a, 1),
        (np.exp, 2),
        (np.tanh, 2),
    ],
    ids=["add", "subtract", "multiply", "divide", "exp", "tanh"],
)
def test_an_operation_errs_by_its_ulps_evenly_spread(operation, ulps):
    values = np.random.default_rng(1).uniform(1, 2, N)
    errors = np.asarray(operation(rounded(values))) / operation(values) - 1
    assert np.std(errors) == pytest.approx(ulps * UNIT / np.sqrt(3), rel=0.05)
    assert abs(np.mean(errors)) < 4 * np.std(errors) / np.sqrt(N)


@pytest.mark.parametrize("terms", [1, 8, 512])
@pytest.mark.parametrize("product", [True, False], ids=["matmul", "sum"])
def test_a_sum_errs_as_float32_adding_one_after_another_does(terms, product):
    values = np.random.default_rng(2).uniform(-1, 1, (2000, terms)).astype("float32")
    if product:
        found = np.asarray(rounded(values.astype(float)) @ np.ones(terms))
    else:
        found = np.asarray(rounded(values.astype(float)).sum(1))
    modelled = np.std(found - values.astype(float).sum(1))
    walked = np.cumsum(values, axis=1, dtype="float32")[:, -1] - values.astype(float).sum(1)
    if terms == 1:  # a sum of one term rounds nothing, and the model allows it a rounding
        assert modelled <= 2 * UNIT
        return
    assert 1 < modelled / np.std(walked) < 4  # not less than the worst order, nor much more


def test_what_rounds_nothing_moves_nothing():
    values = np.random.default_rng(3).uniform(-1, 1, (4, 6))
    array = rounded(values)
    for found in (-array, abs(array), array[1:, ::2], array.T, np.split(array, 2, -1)[1]):
        assert isinstance(found, RandomlyRounded)
    assert (np.asarray(-array) == -values).all()
    assert (np.asarray(np.concatenate([array, array], -1))[:, :6] == values).all()
    assert (np.asarray(array * 0) == 0).all()
    assert ((array > 0) == (values > 0)).all()


def test_draws_differ_and_are_seeded():
    values = np.linspace(1, 2, 50)
    same = [np.asarray(rounded(values, seed=5) * 3) for _ in range(2)]
    assert (same[0] == same[1]).all()
    assert (same[0] != np.asarray(rounded(values, seed=6) * 3)).any()
