"""The table of dtypes: its numbers are NumPy's, and what depends on a dtype follows from it."""

from __future__ import annotations

import numpy as np
import pytest

from gateparity.conformance.judgement.budget import make_rounding_model
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.storage.limits import make_config
from gateparity.conformance.storage.tensors import pack_tensors, unpack_tensors
from gateparity.network.config import Config
from gateparity.network.dtypes import DTYPES, FILE_DTYPES, JUDGED_DTYPES, count_digits
from gateparity.protocol.adapter import FEATURES


@pytest.mark.parametrize("name", JUDGED_DTYPES)
def test_the_digits_tell_every_number_from_the_next_and_one_digit_less_does_not(name):
    kind, digits = np.dtype(name).type, DTYPES[name].digits
    start = kind(2.0**-3)
    numbers = [start]
    while len(numbers) < 2000:
        numbers.append(np.nextafter(numbers[-1], kind(np.inf)))
    near_1000 = [kind(1000)]
    while len(near_1000) < 2000:
        near_1000.append(np.nextafter(near_1000[-1], kind(np.inf)))
    both = numbers + near_1000
    assert all(kind(f"{number:.{digits}g}") == number for number in both)
    assert any(kind(f"{number:.{digits - 1}g}") != number for number in both)


@pytest.mark.parametrize("name", DTYPES)
def test_the_unit_roundoff_is_the_error_of_one_rounding(name):
    one, unit = np.dtype(name).type(1), DTYPES[name].unit_roundoff
    assert one + np.dtype(name).type(unit) == one
    assert one + np.dtype(name).type(unit) * np.dtype(name).type(1.5) > one


def test_the_digits_of_an_array_of_another_kind_are_those_of_the_widest():
    assert count_digits(np.dtype("int64")) == count_digits(np.dtype("longdouble")) == 17


@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype_may_be_a_configs(name):
    assert Config(1, 1, dtype=name).dtype == name


def test_what_an_adapter_may_lack_is_a_feature_that_a_case_needs():
    for name in JUDGED_DTYPES:
        needs = RECIPES["ragged"].build(name, 0).needs
        declared = {DTYPES[name].feature, DTYPES[name].lengths_feature} - {""}
        others = {d.feature for d in DTYPES.values()} | {d.lengths_feature for d in DTYPES.values()}
        assert declared <= {*FEATURES}
        assert declared == {*needs} & others


@pytest.mark.parametrize("code", FILE_DTYPES)
def test_a_file_holds_every_dtype_that_has_a_name_there(code):
    dtype = np.dtype(FILE_DTYPES[code])
    arrays, _ = unpack_tensors(pack_tensors({"x": np.ones(2, dtype)}, {"kind": "test"}))
    assert arrays["x"].dtype == dtype
    assert make_config({"input_size": 1, "hidden_size": 1, "dtype": dtype.name}).dtype == dtype.name


def test_a_dtype_that_nothing_is_judged_at_has_no_rounding_model():
    with pytest.raises(ValueError, match="longdouble has no rounding model"):
        make_rounding_model("longdouble")
