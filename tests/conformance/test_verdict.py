"""The one comparison: 100 roundings of an array's largest true value, and nothing more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateparity.conformance.verdict import Mismatch, judge, unit_roundoff

DTYPES = ("float32", "float64")
WIDER = {"float32": np.float64, "float64": np.longdouble}


def compare(found, expected, dtype="float64", truth=None):
    """Judge one array called y."""
    found = np.asarray(found, dtype)
    expected = np.asarray(expected)
    truth = expected if truth is None else np.asarray(truth)
    return judge({"y": found}, {"y": expected}, {"y": truth}, dtype)


def mismatch(found, expected, dtype="float64", truth=None):
    with pytest.raises(Mismatch) as caught:
        compare(found, expected, dtype, truth)
    return caught.value


def test_unit_roundoff_is_half_an_epsilon():
    assert unit_roundoff("float32") == 2.0**-24
    assert unit_roundoff("float64") == 2.0**-53


@pytest.mark.parametrize("dtype", DTYPES)
@given(
    exponent=st.integers(-60, 60),
    sign=st.sampled_from([-1, 1]),
    roundings=st.integers(0, 1000),
    others=st.lists(st.floats(-1, 1, width=16), max_size=5),
)
def test_both_sides_of_the_threshold(dtype, exponent, sign, roundings, others):
    """The error is exact: a multiple of u beside a power of two that no other element exceeds."""
    largest = 2.0**exponent
    u = unit_roundoff(dtype)
    truth = np.array([largest, 0, *(largest * other for other in others)], WIDER[dtype])
    found = truth.astype(dtype)
    found[1] = sign * roundings * u * largest
    truth = found.astype(WIDER[dtype])
    truth[1] = 0
    if roundings <= 100:
        assert compare(found, truth, dtype) == pytest.approx(roundings * u, rel=1e-9)
        return
    assert mismatch(found, truth, dtype).error == pytest.approx(roundings * u, rel=1e-9)


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_rounding_decides(dtype):
    u = unit_roundoff(dtype)
    assert compare([1, 100 * u], [1, 0], dtype) == 100 * u
    assert mismatch([1, 100 * u * (1 + 4 * u)], [1, 0], dtype).error > 100 * u


def test_float64_is_judged_in_longdouble():
    """Beside a float64 truth the error would round away."""
    truth = np.longdouble(1) + np.finfo(np.longdouble).eps
    if truth == 1:
        pytest.skip("longdouble is no wider than float64 here")
    assert compare([1.0], [truth]) > 0


def test_the_largest_element_sets_the_scale_even_where_it_is_negative():
    assert compare([-1000, 1e-12], [-1000, 0]) == 1e-15
    assert mismatch([1, 1e-12], [1, 0]).error == 1e-12


def test_each_array_has_a_scale_of_its_own():
    truth = {"large": np.array([1e6]), "small": np.array([1e-6])}
    found = {"large": np.array([1e6]), "small": np.array([1.1e-6])}
    with pytest.raises(Mismatch, match=r"^small\[0\]") as caught:
        judge(found, truth, truth, "float64")
    assert caught.value.error == pytest.approx(0.1)


def test_of_two_backends_the_truth_sets_the_scale():
    assert compare([1e-14], [0.0], truth=[1.0]) == 1e-14
    assert mismatch([1e-14], [0.0], truth=[0.5]).error == 2e-14


def test_the_worst_of_all_arrays_is_returned():
    truth = {"a": np.ones(3), "b": np.ones(3)}
    found = {"a": np.array([1, 1 + 2**-50, 1]), "b": np.array([1, 1, 1 + 2**-48])}
    assert judge(found, truth, truth, "float64") == 2**-48


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_where_the_truth_is_differs(value):
    assert mismatch([1, value], [1, 2]).error == np.inf
    assert mismatch([1, 2], [1, value]).error == np.inf


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_equals_itself(value):
    assert compare([1, value], [1, value]) == 0
    assert mismatch([value, 1], [1, value]).error == np.inf


def test_infinities_of_other_sign_and_nan_differ():
    mismatch([np.inf], [-np.inf])
    mismatch([np.nan], [np.inf])
    mismatch([np.inf], [np.nan])


def test_an_infinite_truth_hides_no_other_element():
    assert mismatch([np.inf, 1.1], [np.inf, 1.0]).error == pytest.approx(0.1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_zeros_are_exact(dtype):
    assert compare([0, -0.0], [0, 0], dtype) == 0
    assert mismatch([0, np.finfo(dtype).smallest_subnormal], [0, 0], dtype).error == np.inf


def test_an_error_that_no_float_holds_is_infinite():
    """In longdouble it is finite, and the cast to float64 must not warn."""
    assert mismatch([1e308], np.array([1e-5], np.longdouble)).error == np.inf


def test_empty_arrays_agree():
    assert compare(np.zeros((0, 3)), np.zeros((0, 3))) == 0


def test_shapes_must_be_the_same():
    error = mismatch([[1.0, 1.0]], [1.0, 1.0])
    assert str(error) == "y has shape (1, 2), expected (2,)"
    assert error.error == np.inf
    mismatch([1.0], [1.0, 1.0])  # no broadcasting


@pytest.mark.parametrize("found", [["a"], ["a", "b", "c"], ["a", "c"], []])
def test_names_must_be_the_same(found):
    truth = {"a": np.ones(1), "b": np.ones(1)}
    with pytest.raises(Mismatch, match="expected a, b") as caught:
        judge({name: np.ones(1) for name in found}, truth, truth, "float32")
    assert caught.value.error == np.inf


def test_the_message_tells_the_worst_element():
    truth = np.zeros((2, 3, 4))
    truth[0, 0, 0] = 2
    found = truth.copy()
    found[0, 1, 2] = 0.25
    found[1, 2, 3] = -0.5
    assert str(mismatch(found, truth, "float32")) == (
        "y[1, 2, 3]: found -0.5, expected 0: 0.25 of the largest element, 6e-06 allowed; "
        "2 of 24 elements differ"
    )


def test_the_message_tells_the_first_array_that_differs_and_how_many_do():
    truth = {name: np.ones(2) for name in "abc"}
    found = truth | {"b": np.array([1, 2.0]), "c": np.array([5.0, 1])}
    with pytest.raises(Mismatch) as caught:
        judge(found, truth, truth, "float64")
    assert str(caught.value).startswith("b[1]: found 2, expected 1: 1 of the largest element")
    assert str(caught.value).endswith("; 1 of 2 elements differ; 2 of 3 arrays differ")
    assert caught.value.error == 4  # the largest of all arrays


def test_the_message_shows_a_difference_in_the_last_digits():
    assert "found 1.0000000000000999, expected 1:" in str(mismatch([1 + 1e-13], [1.0]))


def test_a_mismatch_is_an_assertion_error():
    assert isinstance(mismatch([1.0], [2.0]), AssertionError)
