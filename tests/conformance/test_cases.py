"""The problems: named, seeded, the same everywhere, and nothing in them that hides a mistake."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity.adapter import check_batch, check_outputs
from gateparity.conformance.cases import DTYPES, RECIPES
from gateparity.errors import InputError
from gateparity.parameters import check_parameters, fields

NAMES = tuple(RECIPES)
PLAIN_STATES = {"h_0", "c_0"}  # of the case that starts from zeros


def arrays(case):
    """Every float array of a case by name."""
    found = {
        f"cell {k}: {n}": a for k, cell in enumerate(case.params) for n, a in fields(cell).items()
    }
    found |= {name: getattr(case.batch, name) for name in ("x", "h_0", "c_0")}
    found |= {f"cotangent {name}": array for name, array in vars(case.cotangent).items()}
    return {name: array for name, array in found.items() if array is not None}


def build(name, dtype="float32", seed=0):
    return arrays(RECIPES[name].build(dtype, seed))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_a_case_fits_its_config(name, dtype):
    case = RECIPES[name].build(dtype, 7)
    check_parameters(case.params, case.config)
    check_batch(case.batch, case.config)
    check_outputs(case.cotangent, case.config, case.batch)
    assert case.config.dtype == dtype


@pytest.mark.parametrize("name", NAMES)
def test_a_name_and_a_seed_determine_every_number(name):
    one, other = build(name, seed=5), build(name, seed=5)
    assert list(one) == list(other)
    for key, array in one.items():
        np.testing.assert_array_equal(array, other[key], key)


@pytest.mark.parametrize("name", NAMES)
def test_another_seed_draws_every_array_anew(name):
    one, other = build(name, seed=0), build(name, seed=1)
    for key, array in one.items():
        assert not np.isin(array, other[key]).any(), key


def test_another_name_draws_other_numbers():
    recipe = RECIPES["sequence"]
    one = arrays(recipe.build("float64", 0))
    other = arrays(dataclasses.replace(recipe, name="other").build("float64", 0))
    for key, array in one.items():
        assert not np.isin(array, other[key]).any(), key


@pytest.mark.parametrize("name", NAMES)
def test_the_dtypes_hold_the_same_numbers_apart_from_rounding(name):
    single, double = build(name, "float32"), build(name, "float64")
    for key, array in double.items():
        assert array.dtype == np.float64
        np.testing.assert_array_equal(array.astype(np.float32), single[key], key)
        assert (array != single[key]).any(), key  # float64 has digits that float32 lacks


@pytest.mark.parametrize("name", NAMES)
def test_no_number_stands_twice_and_none_is_zero(name):
    numbers = np.concatenate([array.ravel() for array in build(name, "float64").values()])
    assert len(np.unique(numbers)) == len(numbers)
    assert numbers.all()
    assert np.isfinite(numbers).all()


@pytest.mark.parametrize("seed", range(5))
def test_unit_is_positive(seed):
    for key, array in build("unit", seed=seed).items():
        assert (array > 0).all(), key


@pytest.mark.parametrize("name", [name for name in NAMES if name != "unit"])
def test_others_have_both_signs(name):
    for key, array in build(name).items():
        assert array.min() < 0 < array.max(), key


def test_initial_states_and_biases_are_missing_in_plain_alone():
    for name in NAMES:
        case = RECIPES[name].build("float32", 0)
        plain = name == "plain"
        assert (case.batch.h_0 is None) == (case.batch.c_0 is None) == plain
        assert (case.params[0].b_ih is None) == (case.params[0].b_hh is None) == plain
        assert case.config.biases != plain


def test_lengths_of_ragged_are_unsorted_and_reach_the_end():
    lengths = RECIPES["ragged"].build("float32", 0).batch.lengths
    assert lengths.dtype.kind == "i"
    assert lengths.max() == 5  # T
    assert list(lengths) not in (sorted(lengths), sorted(lengths, reverse=True))
    assert all(RECIPES[n].build("float32", 0).batch.lengths is None for n in NAMES if n != "ragged")


def test_sizes_differ_so_that_no_transposition_goes_unseen():
    case = RECIPES["sequence"].build("float32", 0)
    steps, size, features = case.batch.x.shape
    assert len({steps, size, features, case.config.hidden_size}) == 4


def test_layers_and_directions():
    found = {n: (r.layers, r.directions) for n, r in RECIPES.items() if r.layers * r.directions > 1}
    assert found == {"ragged": (1, 2), "stacked": (2, 1), "deep": (2, 2)}


def test_ids_tell_sizes_dtype_and_name():
    ids = [RECIPES[name].build(dtype, 0).id for name in NAMES for dtype in DTYPES]
    assert ids[0] == "T5-B3-I4-H6-float32-sequence"
    assert RECIPES["unit"].build("float64", 3).id == "T1-B1-I1-H1-float64-unit"
    assert len(set(ids)) == len(ids)


def test_weights_lie_within_pytorchs_default_range():
    weights = [array for key, array in build("deep").items() if key.startswith("cell")]
    largest = max(np.abs(array).max() for array in weights)
    assert 0.95 * 6**-0.5 < largest <= 6**-0.5


def test_a_negative_seed_is_refused():
    with pytest.raises(InputError, match="seed is -1, expected 0 or more"):
        RECIPES["sequence"].build("float32", -1)


def test_a_seed_may_be_large():
    assert np.isfinite(build("sequence", seed=10**30)["x"]).all()
