"""The problems: named, seeded, the same everywhere, and nothing in them that hides a mistake."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.errors import InputError
from gateparity.network.batch import arrays_by_name
from gateparity.network.dtypes import SUITE_DTYPES
from gateparity.network.parameters import check_parameters, fields
from gateparity.protocol.validation import check_batch, check_outputs

NAMES = tuple(RECIPES)
EMPTY = ("no_steps", "no_sequences")
ORDINARY = tuple(n for n, recipe in RECIPES.items() if not recipe.values and n not in EMPTY)
DEEP = (
    "ragged",
    "one_empty",
    "all_empty",
    "nan_padding",
)  # with lengths, two layers and both directions
PADDED = ("uneven", *DEEP)
STATELESS = ("plain", "zero_states", "uneven", "square", "growing", "all_zero")
COTANGENTS = {"steep": "", "half_steep": "", "nan_cotangent": "y"}  # that change; "" for all
SPECIAL = tuple(n for n, recipe in RECIPES.items() if recipe.values)
PLAIN_STATES = {"h_0", "c_0"}  # of the case that starts from zeros


def arrays(case):
    """Every float array of a case by name."""
    found = {
        f"cell {k}: {n}": a for k, cell in enumerate(case.params) for n, a in fields(cell).items()
    }
    found |= arrays_by_name(dataclasses.replace(case.batch, lengths=None))
    found |= {f"cotangent {name}": array for name, array in arrays_by_name(case.cotangent).items()}
    return found


def build(name, dtype="float32", seed=0):
    return arrays(RECIPES[name].build(dtype, seed))


@pytest.mark.parametrize("dtype", SUITE_DTYPES)
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


@pytest.mark.parametrize("name", ORDINARY)
def test_another_seed_draws_every_array_anew(name):
    one, other = build(name, "float64", seed=0), build(name, "float64", seed=1)
    for key, array in one.items():
        assert not np.isin(array, other[key]).any(), key


def test_another_name_draws_other_numbers():
    recipe = RECIPES["sequence"]
    one = arrays(recipe.build("float64", 0))
    other = arrays(dataclasses.replace(recipe, name="other").build("float64", 0))
    for key, array in one.items():
        assert not np.isin(array, other[key]).any(), key


@pytest.mark.parametrize("name", ORDINARY)
def test_the_dtypes_hold_the_same_numbers_apart_from_rounding(name):
    single, double = build(name, "float32"), build(name, "float64")
    for key, array in double.items():
        assert array.dtype == np.float64
        np.testing.assert_array_equal(array.astype(np.float32), single[key], key)
        assert (array != single[key]).any(), key  # float64 has digits that float32 lacks


@pytest.mark.parametrize("name", ORDINARY)
def test_no_number_stands_twice_and_none_is_zero(name):
    numbers = np.concatenate([array.ravel() for array in build(name, "float64").values()])
    assert len(np.unique(numbers)) == len(numbers)
    assert numbers.all()
    assert np.isfinite(numbers).all()


@pytest.mark.parametrize("seed", range(5))
def test_unit_is_positive(seed):
    for key, array in build("unit", seed=seed).items():
        assert (array > 0).all(), key


@pytest.mark.parametrize("name", [name for name in ORDINARY if name != "unit"])
def test_others_have_both_signs(name):
    for key, array in build(name).items():
        if array.size > 6:  # few numbers may be of one sign by chance
            assert array.min() < 0 < array.max(), key


def test_where_initial_states_and_biases_are_missing():
    for name in NAMES:
        case = RECIPES[name].build("float32", 0)
        plain = name in ("plain", "all_zero")
        assert (case.batch.states is None) == (name in STATELESS)
        assert (case.params[0].b_ih is None) == (case.params[0].b_hh is None) == plain
        assert case.config.biases != plain


def test_lengths_of_ragged_are_unsorted_and_reach_the_end():
    lengths = RECIPES["ragged"].build("float32", 0).batch.lengths
    assert lengths.dtype.kind == "i"
    assert lengths.max() == 5  # T
    assert list(lengths) not in (sorted(lengths), sorted(lengths, reverse=True))
    assert all(
        RECIPES[n].build("float32", 0).batch.lengths is None
        for n in NAMES
        if n not in (*PADDED, "many_steps")
    )


def test_sizes_differ_so_that_no_transposition_goes_unseen():
    case = RECIPES["sequence"].build("float32", 0)
    steps, size, features = case.batch.x.shape
    assert len({steps, size, features, case.config.hidden_size}) == 4


def test_layers_and_directions():
    found = {n: (r.layers, r.directions) for n, r in RECIPES.items() if r.layers * r.directions > 1}
    others = {"stacked": (2, 1), "deep": (2, 2), "wide": (1, 2)}
    others |= {"many_layers": (11, 1)}
    assert found == {**dict.fromkeys(DEEP, (2, 2)), **others}


def test_ids_tell_sizes_dtype_and_name():
    ids = [RECIPES[name].build(dtype, 0).id for name in NAMES for dtype in SUITE_DTYPES]
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


@pytest.mark.parametrize("dtype", SUITE_DTYPES)
@pytest.mark.parametrize("name", SPECIAL)
def test_special_values_are_those_of_an_ordinary_case_changed(name, dtype):
    recipe = RECIPES[name]
    plain = arrays(dataclasses.replace(recipe, values=None).build(dtype, 3))
    special = arrays(recipe.build(dtype, 3))
    assert list(special) == list(plain)
    changed = {key for key in plain if not np.array_equal(special[key], plain[key])}
    assert changed
    for key, array in special.items():
        assert array.dtype == dtype
        assert array.shape == plain[key].shape
    cotangents = {key for key in plain if key.startswith("cotangent")}
    expected = {key for key in cotangents if key.endswith(COTANGENTS.get(name, "none"))}
    if name == "expanded":
        expected = cotangents
    assert changed & cotangents == expected
    assert name not in COTANGENTS or changed == expected


def test_all_sequences_of_expanded_are_alike():
    case = arrays(RECIPES["expanded"].build("float32", 3))
    for name in ("x", "h_0", "c_0", "cotangent y", "cotangent h_n", "cotangent c_n"):
        repeated = np.broadcast_to(case[name][:, :1], case[name].shape)
        np.testing.assert_array_equal(case[name], repeated)
    assert len(np.unique(case["cotangent y"])) == 1


def test_one_sequence_of_one_empty_has_no_steps():
    for name in PADDED:
        lengths = RECIPES[name].build("float32", 0).batch.lengths
        assert (lengths == 0).sum() == {"one_empty": 1, "all_empty": 3}.get(name, 0)
    lengths = RECIPES["one_empty"].build("float32", 0).batch.lengths
    assert list(lengths) not in (sorted(lengths), sorted(lengths, reverse=True))
    assert lengths.max() == 5  # T


@pytest.mark.parametrize(
    ("name", "dtype", "needs"),
    [
        ("plain", "float32", ()),
        ("zero_states", "float16", ("float16",)),
        ("sequence", "float32", ("initial_states",)),
        ("uneven", "float32", ("lengths",)),
        ("no_steps", "float32", ("initial_states", "empty_sequence")),
        ("no_sequences", "float64", ("initial_states", "empty_batch", "float64")),
        ("ragged", "float32", ("initial_states", "lengths")),
        ("nan_padding", "float64", ("initial_states", "lengths", "lengths_float64", "float64")),
        ("one_empty", "float32", ("initial_states", "lengths", "zero_length")),
    ],
)
def test_a_case_tells_what_it_needs(name, dtype, needs):
    assert RECIPES[name].build(dtype, 0).needs == needs


def test_where_there_are_no_steps_there_is_no_length_to_be_zero():
    case = dataclasses.replace(RECIPES["ragged"], steps=0, lengths=(0, 0, 0)).build("float32", 0)
    assert case.needs == ("initial_states", "lengths", "empty_sequence")


def test_a_size_of_1_stands_alone():
    """Where several are, a transposition of them goes unseen."""
    sizes = {n: RECIPES[n].build("float32", 0) for n in CHECKS["sizes"].cases if n[:4] == "one_"}
    assert len(sizes) == 4
    for case in sizes.values():
        assert [*case.batch.x.shape, case.config.hidden_size].count(1) == 1


@pytest.mark.parametrize("dtype", SUITE_DTYPES)
def test_subnormal_inputs_are_below_the_least_normal_number_and_matter(dtype):
    case = RECIPES["subnormal"].build(dtype, 0)
    tiny = np.finfo(dtype).tiny
    assert 0 < np.abs(case.batch.x).max() <= tiny
    assert np.abs(case.batch.states["c"]).max() <= tiny
    flushed = dataclasses.replace(case.batch, x=np.zeros_like(case.batch.x))
    y, other = (Truth().forward(case.config, case.params, b).y for b in (case.batch, flushed))
    assert np.abs(y - other).max() > 0.01


@pytest.mark.parametrize("dtype", SUITE_DTYPES)
@pytest.mark.parametrize("name", ["saturated", "overflowing"])
def test_most_gates_are_saturated(name, dtype):
    case = RECIPES[name].build(dtype, 0)
    trace = Truth().gates(case.config, case.params, case.batch)
    if name == "overflowing":
        assert np.abs(trace.z).max() > np.log(np.finfo(dtype).max)
    i = trace.gates[:, :, 0]
    assert ((i < 1e-3) | (i > 1 - 1e-3)).mean() > 0.5


@pytest.mark.parametrize("dtype", SUITE_DTYPES)
def test_zeros_are_inputs_and_states_alone(dtype):
    case = RECIPES["zeros"].build(dtype, 0)
    assert not any(a.any() for a in (case.batch.x, case.batch.states["h"], case.batch.states["c"]))
    assert case.params[0].b_ih.all()


def test_nan_reaches_the_rest_of_its_sequence_and_nothing_else():
    case = RECIPES["nan"].build("float32", 0)
    found = Truth().forward(case.config, case.params, case.batch)
    expected = np.zeros(found.y.shape, bool)
    expected[1:, 1] = True
    np.testing.assert_array_equal(np.isnan(found.y), expected)
    np.testing.assert_array_equal(np.isnan(found.states["c"]), expected[-1:])


def test_infinity_stays_in_the_cell_and_makes_no_nan():
    case = RECIPES["infinite"].build("float32", 0)
    found = Truth().forward(case.config, case.params, case.batch)
    assert np.isfinite(found.y).all()
    assert found.states["c"][0, 2, 0] == np.inf
    assert found.states["c"][0, 2, 5] == -np.inf
    assert np.isinf(found.states["c"]).sum() == 2
    assert np.isinf(case.batch.x).sum() == 2
