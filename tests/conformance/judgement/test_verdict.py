"""The one comparison: so many standard deviations of rounding, and nothing more."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateparity.conformance.judgement.budget import Budget
from gateparity.conformance.judgement.confidence import ALLOWED
from gateparity.conformance.judgement.differences import difference, in_sigmas
from gateparity.conformance.judgement.verdict import (
    Expected,
    Mismatch,
    Score,
    judge,
    judge_pair,
)
from gateparity.conformance.problems.cases import RECIPES
from gateparity.network.config import Config
from gateparity.network.dtypes import count_digits, unit_roundoff

DTYPES = ("float32", "float64")
WIDER = {"float32": np.float64, "float64": np.longdouble}
CASE = RECIPES["sequence"].build("float32", 0)


def expect(truth, sigmas=1e-6, case=CASE):
    """What is right; `sigmas` are one number, or arrays by name."""
    truth = {name: np.asarray(array) for name, array in truth.items()}
    if not isinstance(sigmas, dict):
        sigmas = {name: np.full(array.shape, float(sigmas)) for name, array in truth.items()}
    return Expected(truth, Budget(case, sigmas))


def compare(found, truth, sigma=1e-6, dtype="float64"):
    """Judge one array called a."""
    return judge({"a": np.asarray(found, dtype)}, expect({"a": np.asarray(truth)}, sigma))


def mismatch(found, truth, sigma=1e-6, dtype="float64"):
    with pytest.raises(Mismatch) as caught:
        compare(found, truth, sigma, dtype)
    return caught.value


def test_unit_roundoff_is_half_an_epsilon():
    assert unit_roundoff("float16") == 2.0**-11
    assert unit_roundoff("float32") == 2.0**-24
    assert unit_roundoff("float64") == 2.0**-53


@pytest.mark.parametrize("dtype", DTYPES)
@settings(deadline=None)
@given(
    exponent=st.integers(-60, 60),
    sign=st.sampled_from([-1, 1]),
    roundings=st.integers(0, 20),
    others=st.lists(st.floats(-1, 1, width=16), max_size=5),
)
def test_both_sides_of_the_threshold(dtype, exponent, sign, roundings, others):
    """The error is exact: a multiple of a power of two; so is what is allowed."""
    sigma = 2.0**exponent
    truth = np.array([0, *(sigma * other for other in others)], WIDER[dtype])
    found = truth.astype(dtype)
    found[0] = sign * roundings * sigma
    if roundings <= ALLOWED:
        assert compare(found, truth, sigma, dtype).sigmas == roundings
        return
    assert mismatch(found, truth, sigma, dtype).score.sigmas == roundings


def test_a_hair_decides():
    assert compare([ALLOWED], [0.0], 1.0).sigmas == ALLOWED
    assert mismatch([np.nextafter(ALLOWED, 9)], [0.0], 1.0).score.sigmas > ALLOWED


def test_float64_is_judged_in_longdouble():
    """Beside a float64 truth the error would round away."""
    truth = np.longdouble(1) + np.finfo(np.longdouble).eps
    if truth == 1:
        pytest.skip("longdouble is no wider than float64 here")
    error = float(np.finfo(np.longdouble).eps)
    assert compare([1.0], [truth], error).sigmas == 1


def test_each_element_has_a_standard_deviation_of_its_own():
    truth, sigmas = np.zeros((2, 2)), np.array([[1.0, 10.0], [100.0, 1000.0]])
    found = {"a": np.array([[8.0, 80.0], [800.0, 8000.0]])}
    assert judge(found, expect({"a": truth}, {"a": sigmas})).sigmas == ALLOWED
    with pytest.raises(Mismatch, match=r"^a\[0, 1\]: found 80, .* 1 of 4 elements"):
        judge(found, expect({"a": truth}, {"a": np.where(sigmas == 10, 9, sigmas)}))


def test_the_worst_of_all_arrays_is_the_score():
    truth = {"a": np.ones(3), "b": np.full(3, -4.0)}
    found = {"a": np.array([1, 1 + 2**-20, 1]), "b": np.array([-4, -4, -4 - 2**-18])}
    score = judge(found, expect(truth, 2**-20))
    assert score == Score(sigmas=4, shift=0, relative=2**-20, absolute=2**-18)
    score = judge(found, expect(truth, {"a": np.full(3, 2**-23), "b": np.full(3, 2**-20)}))
    assert score == Score(sigmas=8, shift=0, relative=2**-20, absolute=2**-18)


def test_the_relative_error_is_one_of_the_largest_element():
    assert compare([2.0, 1e-6], [2.0, 0.0]).relative == 5e-7
    assert compare([-2.0, 1e-6], [-2.0, 0.0]).relative == 5e-7
    assert compare([np.inf, 2.0, 1e-6], [np.inf, 2.0, 0.0]).relative == 5e-7
    assert compare([1e-6], [0.0]).relative == np.inf
    assert compare([0.0], [0.0]).relative == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_where_the_truth_is_differs(value):
    for found, truth in (([1, value], [1, 2]), ([1, 2], [1, value])):
        score = mismatch(found, truth, 1e300).score
        assert (score.sigmas, score.relative) == (np.inf, np.inf)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("sigma", [0.0, 1e-6])
def test_what_is_not_finite_equals_itself_in_its_place(value, sigma):
    assert compare([1, value], [1, value], sigma).sigmas == 0
    assert mismatch([value, 1], [1, value], sigma).score.sigmas == np.inf


def test_infinities_of_other_sign_and_nan_differ():
    mismatch([np.inf], [-np.inf])
    mismatch([np.nan], [np.inf])
    mismatch([np.inf], [np.nan])


def test_an_infinite_truth_hides_no_other_element():
    assert mismatch([np.inf, 1.1], [np.inf, 1.0]).score.sigmas == pytest.approx(1e5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_where_rounding_cannot_reach_nothing_but_the_truth_will_do(dtype):
    assert compare([0, -0.0, 2], [0, 0, 2], 0.0, dtype).sigmas == 0
    error = mismatch([0, np.finfo(dtype).smallest_subnormal], [0, 0], 0.0, dtype)
    assert error.score.sigmas == np.inf
    assert "rounding can't explain it; 1 of 2 elements differ" in str(error)
    mismatch([np.nextafter(np.dtype(dtype).type(2), 3)], [2], 0.0, dtype)


def test_a_budget_that_is_no_number_excuses_nothing():
    mismatch([1.5], [1.0], np.nan)
    mismatch([np.nan], [1.0], np.nan)


def test_an_error_that_no_float_holds_is_infinite():
    """In longdouble it is finite, and the cast to float64 must not warn."""
    assert mismatch([1e308], np.array([-1e308], np.longdouble)).score.sigmas == np.inf
    assert mismatch([1e308], np.array([1e-5], np.longdouble)).score.sigmas == np.inf


def test_empty_arrays_agree():
    assert compare(np.zeros((0, 3)), np.zeros((0, 3))) == Score(0.0)
    assert judge({}, expect({})) == Score(0.0)


def test_shapes_must_be_the_same():
    error = mismatch([[1.0, 1.0]], [1.0, 1.0])
    assert str(error) == "a has shape (1, 2), expected (2,)"
    assert error.score.sigmas == np.inf
    mismatch([1.0], [1.0, 1.0])  # no broadcasting


@pytest.mark.parametrize("found", [["a"], ["a", "b", "c"], ["a", "c"], ["b", "a"], []])
def test_names_must_be_the_same(found):
    expected = expect({"a": np.ones(1), "b": np.ones(1)})
    with pytest.raises(Mismatch) as caught:
        judge({name: np.ones(1) for name in found}, expected)
    assert str(caught.value) == f"found {', '.join(found)}, expected a, b"
    assert caught.value.score.sigmas == np.inf


GRADIENT = {"d_x": np.ones(2)}


def test_where_one_side_has_no_gradients_outputs_are_compared():
    outputs = {"y": np.ones(2), "y, alone": np.ones(3)}
    wrong = outputs | {"y, alone": np.array([1.0, 1.0, 2.0])}
    for found, truth in ((outputs, outputs | GRADIENT), (outputs | GRADIENT, outputs)):
        assert judge(found, expect(truth, dict.fromkeys(outputs | GRADIENT, 1.0))) == Score(0.0)
    for found, truth in ((wrong, outputs | GRADIENT), (outputs | GRADIENT, wrong)):
        with pytest.raises(Mismatch, match=r"^y, alone\[2\]: .*; 1 of 2 arrays differ$") as caught:
            judge(found, expect(truth))
        assert list(caught.value.ratios) == list(outputs)


@pytest.mark.parametrize(
    ("found", "truth"),
    [
        ({}, GRADIENT),
        (GRADIENT, {}),
        ({"y": np.ones(2)}, GRADIENT),
        ({}, {"y": np.ones(2)} | GRADIENT),
        ({"h_n": np.ones(2)}, {"y": np.ones(2)} | GRADIENT),
        (GRADIENT, {"d_h_0": np.ones(2)}),
        ({"y": np.ones(2)} | GRADIENT, {"y": np.ones(2), "d_h_0": np.ones(2)} | GRADIENT),
    ],
)
def test_gradients_are_left_out_of_no_other_comparison(found, truth):
    """Not where nothing is left of either side, and not one by one."""
    with pytest.raises(Mismatch, match=r"^found .*, expected ") as caught:
        judge(found, expect(truth))
    assert caught.value.score.sigmas == np.inf


def test_the_message_tells_the_worst_element():
    truth = np.zeros((2, 3, 4))
    found = truth.copy()
    found[0, 1, 2] = 0.25
    found[1, 2, 3] = -0.5
    assert str(mismatch(found, truth, 0.001, "float32")) == (
        "a[1, 2, 3]: found -0.5, expected 0: 500 sigma of rounding, 8 allowed; "
        "2 of 24 elements differ"
    )


def test_the_message_tells_the_first_array_that_differs_and_how_many_do():
    truth = {name: np.ones(2) for name in "abc"}
    found = truth | {"b": np.array([1, 2.0]), "c": np.array([5.0, 1])}
    with pytest.raises(Mismatch) as caught:
        judge(found, expect(truth))
    assert str(caught.value) == (
        "b[1]: found 2, expected 1: 1e+06 sigma of rounding, 8 allowed; "
        "1 of 2 elements differ; 2 of 3 arrays differ"
    )
    assert caught.value.score.sigmas == 4e6  # the largest of all arrays


def test_a_single_number_has_no_index():
    found = {"a": np.array(2.0)}
    with pytest.raises(Mismatch, match=r"^a: found 2, expected 1: 10 sigma"):
        judge(found, expect({"a": np.array(1.0)}, 0.1))


@pytest.mark.parametrize(
    ("dtype", "off", "words"),
    [
        ("float16", 2**-10, "found 1.001, expected 1:"),
        ("float32", 2**-23, "found 1.00000012, expected 1:"),
        ("float64", 2**-52, "found 1.0000000000000002, expected 1:"),
    ],
)
def test_the_message_shows_a_difference_in_the_last_digits(dtype, off, words):
    assert words in str(mismatch([1 + off], [1.0], off / 100, dtype))


def test_outputs_are_told_by_layer_direction_and_step():
    """The first step at which anything is beyond rounding, not the worst one."""
    case = RECIPES["deep"].build("float32", 0)
    truth = {"y": np.zeros((5, 3, 12)), "h_n": np.zeros((4, 3, 6)), "c_n": np.zeros((4, 3, 6))}
    found = {name: array.copy() for name, array in truth.items()}
    found["y"][2, 1, 4], found["y"][4, 0, 0] = 0.125, 1.0
    with pytest.raises(Mismatch) as caught:
        judge(found, expect(truth, 0.0125, case))
    assert str(caught.value) == (
        "y[2, 1, 4] (layer 1, forward, step 2, h, sequence 1, unit 4): found 0.125, expected 0: "
        "10 sigma of rounding, 8 allowed; 2 of 180 elements differ; 1 of 3 arrays differ"
    )
    assert caught.value.begins.words == "layer 1, forward, step 2, h"


def test_a_mismatch_is_an_assertion_error():
    assert isinstance(mismatch([1.0], [2.0]), AssertionError)


# Shifts: no element is beyond rounding, and all together are.


def shifted(shifts, config=CASE.config):
    """A budget that finds these shifts, whatever the errors; and an answer that is right."""

    @dataclasses.dataclass(frozen=True)
    class Shifted(Budget):
        def shifts(self, errors):
            assert set(errors) == {"y"}
            return shifts

    case = dataclasses.replace(CASE, config=config)
    truth = {"y": np.zeros((5, 3, 6))}
    return {"y": np.zeros((5, 3, 6))}, Expected(truth, Shifted(case, {"y": np.ones((5, 3, 6))}))


def test_a_shift_is_told_with_its_layer_direction_gate_and_unit():
    for (cell, gate, unit), words in {
        (0, 0, 0): "layer 0, forward, gate i, unit 0",
        (1, 1, 5): "layer 0, reverse, gate f, unit 5",
        (2, 2, 3): "layer 1, forward, gate g, unit 3",
        (3, 3, 1): "layer 1, reverse, gate o, unit 1",
    }.items():
        shifts = np.zeros((4, 4, 6))
        shifts[cell, gate, unit], shifts[0, 3, 2] = -41.25, 12.0
        found, expected = shifted(shifts, Config(4, 6, layers=2, directions=2))
        with pytest.raises(Mismatch) as caught:
            judge(found, expected)
        assert str(caught.value) == (
            "no element is beyond rounding, but together they look like a shift of the bias of "
            f"{words}: 41.2 sigma of rounding, 8 allowed"
        )
        assert caught.value.score == Score(sigmas=0, shift=41.25)
        assert caught.value.score.shifts is shifts
        assert caught.value.begins is None


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_shift_has_the_same_threshold(sign):
    shifts = np.zeros((1, 4, 6))
    shifts[0, 1, 2] = sign * ALLOWED
    assert judge(*shifted(shifts)).shift == ALLOWED
    shifts[0, 1, 2] = sign * np.nextafter(ALLOWED, 9)
    with pytest.raises(Mismatch, match="gate f, unit 2: 8 sigma"):
        judge(*shifted(shifts))


def test_an_element_is_told_before_a_shift():
    found, expected = shifted(np.full((1, 4, 6), 100.0))
    found["y"][1, 2, 3] = 9.0
    with pytest.raises(Mismatch, match=r"^y\[1, 2, 3\]") as caught:
        judge(found, expected)
    assert caught.value.score == Score(sigmas=9, shift=100, relative=np.inf, absolute=9)


# Pairs.


def test_of_two_backends_variances_add():
    expected, one = expect({"a": np.zeros(2)}, 1.0), {"a": np.array([-4.0, 0.0])}
    edge = ALLOWED * 2**0.5
    near, far = ({"a": np.array([edge * k - 4.0, 0.0])} for k in (1 - 1e-9, 1 + 1e-9))
    assert judge_pair(one, near, None, expected).sigmas == pytest.approx(ALLOWED)
    with pytest.raises(Mismatch, match=r"^a\[0\]: found 7\.31.*, expected -4: 8 sigma"):
        judge_pair(one, far, None, expected)


def test_two_backends_are_compared_with_each_other_and_not_with_the_truth():
    expected = expect({"a": np.zeros(2)}, 1.0)
    wrong = {"a": np.array([100.0, np.nan])}
    assert judge_pair(wrong, dict(wrong), None, expected).sigmas == 0
    with pytest.raises(Mismatch):
        judge_pair(wrong, {"a": np.zeros(2)}, None, expected)


def test_of_two_backends_shifts_are_told_apart():
    found, expected = shifted(np.full((1, 4, 6), 100.0))  # each has it, and it isn't asked
    apart = np.zeros((1, 4, 6))
    apart[0, 2, 4] = -ALLOWED * 2**0.5 * (1 - 1e-9)
    score = judge_pair(found, dict(found), apart, expected)
    assert score.shift == pytest.approx(ALLOWED)
    with pytest.raises(Mismatch, match="shift of the bias of layer 0, gate g, unit 4: 8 sigma"):
        judge_pair(found, dict(found), apart * (1 + 1e-6), expected)
    assert judge_pair(found, dict(found), None, expected).shift == 0


# What it is made of.


def test_a_difference_is_zero_where_nothing_differs():
    found = np.array([1.5, np.inf, -np.inf, np.nan, np.inf, 1.0, np.nan], np.float32)
    truth = np.array([1.0, np.inf, -np.inf, np.nan, -np.inf, np.inf, 1.0])
    error = difference(found, truth)
    assert error.dtype == np.float64
    np.testing.assert_array_equal(error, [0.5, 0, 0, 0, np.nan, np.nan, np.nan])


def test_errors_in_standard_deviations():
    errors = np.array([0.0, 0.0, -3.0, 1.0, np.nan, np.nan])
    sigmas = np.array([0.0, 2.0, 2.0, 0.0, 2.0, 0.0])
    expected = [0, 0, 1.5, np.inf, np.inf, np.inf]
    np.testing.assert_array_equal(in_sigmas(errors, sigmas), expected)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_so_many_digits_tell_every_number_from_the_next(dtype):
    one = np.array(1, dtype)
    numbers = np.nextafter(one, one + one, dtype=dtype), one, np.nextafter(one, one - one)
    digits = count_digits(dtype)
    for exponent in (-3, 0, 3, 9):
        written = {f"{float(n) * 2.0**exponent:.{digits}g}" for n in numbers}
        assert len(written) == 3
    assert np.dtype(dtype).type(f"{float(numbers[0]):.{digits}g}") == numbers[0]
