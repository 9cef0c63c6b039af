"""A failing case gets as small as it can be, and whatever it loses, it stays a case."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity.conformance.failures import reductions
from gateparity.conformance.failures.shrink import GiveUp, shrink
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.problems.arrays import join_arrays, name_arrays
from gateparity.conformance.problems.cases import RECIPES, Recipe
from gateparity.network.batch import arrays_by_name

BIG = Recipe("big", steps=6, layers=3, directions=2, lengths=(3, 6, 1))


@pytest.fixture
def big():
    return BIG.build("float32", 0)


def forward(case):
    with np.errstate(invalid="ignore"):  # biases of inf and -inf have no sum
        return Truth().forward(case.config, case.params, case.batch)


def steps(case):
    return len(case.batch.x)


# What is left is a case, and computes what it computed in the larger one.


@pytest.mark.parametrize("recipe", [BIG, *RECIPES.values()], ids=lambda recipe: recipe.name)
def test_every_reduction_of_every_case_is_a_case(recipe):
    case = recipe.build("float32", 0)
    smaller = [without(case) for without in reductions.WITHOUT]
    smaller += [reductions.keep_layers(case, n + 1) for n in range(case.config.layers)]
    for axis in reductions.AXES:
        size = axis.size(case)
        smaller += [axis.keep(case, np.arange(0, size, k)) for k in (1, 2, 3) if size]
    for one in smaller:
        again = join_arrays(one.name, one.config, name_arrays(one))
        assert again.name == recipe.name
        assert all(a.flags.c_contiguous for a in name_arrays(again).values())
        forward(again)


def test_the_first_steps_are_what_they_were():
    case = RECIPES["stacked"].build("float32", 0)
    fewer = reductions.keep_steps(case, np.arange(4))
    np.testing.assert_array_equal(forward(fewer).y, forward(case).y[:4])


def test_a_sequence_keeps_the_steps_that_it_had(big):
    assert reductions.keep_steps(big, np.array([0, 2, 4])).batch.lengths.tolist() == [2, 3, 1]
    assert reductions.keep_steps(big, np.array([4, 5])).batch.lengths.tolist() == [0, 2, 0]


def test_a_sequence_alone_is_what_it_was(big):
    alone = reductions.keep_sequences(big, np.array([2]))
    for name in ("y", "h_n", "c_n"):
        found = arrays_by_name(forward(alone))[name]
        expected = arrays_by_name(forward(big))[name][:, 2:]
        np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_the_layers_below_are_what_they_were(big):
    found, expected = forward(reductions.keep_layers(big, 2)), forward(big)
    np.testing.assert_array_equal(found.states["h"], expected.states["h"][:4])
    np.testing.assert_array_equal(found.states["c"], expected.states["c"][:4])


def test_the_forward_direction_is_what_it_was():
    case = dataclasses.replace(RECIPES["ragged"], layers=1).build("float32", 0)
    found, expected = forward(reductions.forward_only(case)), forward(case)
    np.testing.assert_allclose(found.y, expected.y[..., :6], rtol=1e-14)
    np.testing.assert_allclose(found.states["h"], expected.states["h"][:1], rtol=1e-14)


def test_units_and_inputs_that_nothing_depends_on_may_go(big):
    """With the weights of the others zero, the rest computes what it did."""
    units, inputs = np.array([1, 4]), np.array([0, 3])
    features = np.concatenate([units, 6 + units])
    arrays = {name: array.copy() for name, array in name_arrays(big).items()}
    for name, array in arrays.items():
        if name.endswith("w_hh"):
            array[..., np.delete(np.arange(6), units)] = 0
        if name.endswith("w_ih"):
            kept = inputs if int(name.split(".")[1]) < 2 else features
            array[..., np.delete(np.arange(array.shape[-1]), kept)] = 0
    sparse = join_arrays(big.name, big.config, arrays)
    small = reductions.keep_inputs(reductions.keep_units(sparse, units), inputs)
    found, expected = forward(small), forward(sparse)
    np.testing.assert_allclose(found.y, expected.y[..., features], rtol=1e-12)
    np.testing.assert_allclose(found.states["c"], expected.states["c"][..., units], rtol=1e-12)
    assert (small.config.hidden_size, small.config.input_size) == (2, 2)


@pytest.mark.parametrize("spoilt", ["missing", "left over", "of another cell", "of another shape"])
def test_arrays_that_make_no_case_are_named(big, spoilt):
    arrays = name_arrays(big)
    if spoilt == "missing":
        del arrays["params.1.w_hh"]
    elif spoilt == "of another shape":
        arrays["params.1.w_hh"] = arrays["params.1.w_hh"][..., 1:]
    else:
        name = {"left over": "batch.w_hh", "of another cell": "params.6.w_hh"}[spoilt]
        arrays[name] = arrays["params.1.w_hh"]
    with pytest.raises((ValueError, TypeError), match="w_hh"):
        join_arrays("x", big.config, arrays)


# The search.


def test_what_fails_always_shrinks_to_nothing_but_ones_and_zeros(big):
    tried = []
    smallest = shrink(big, lambda case: tried.append(case) or True)
    assert smallest.sizes == "T1-B1-I1-H1"
    config = smallest.config
    assert (config.layers, config.directions, config.biases) == (1, 1, False)
    assert (smallest.batch.lengths, smallest.batch.states) == (None, None)
    assert not any(array.any() for array in name_arrays(smallest).values())
    assert (smallest.name, config.dtype) == ("big", "float32")
    shapes = {case.sizes for case in tried}
    assert shapes == {"T1-B1-I1-H1"}  # one compilation


@pytest.mark.parametrize(
    ("fails", "sizes"),
    [
        (lambda case: steps(case) >= 3, "T3-B1-I1-H1"),
        (lambda case: case.config.hidden_size >= 5, "T1-B1-I1-H5"),
        (lambda case: case.config.input_size >= 2 <= case.config.hidden_size, "T1-B1-I2-H2"),
        (lambda case: case.batch.x.shape[1] == 3, "T1-B3-I1-H1"),
        (lambda case: steps(case) * case.config.hidden_size >= 9, "T2-B1-I1-H5"),
    ],
)
def test_what_a_failure_needs_stays(big, fails, sizes):
    assert shrink(big, fails).sizes == sizes


@pytest.mark.parametrize(
    "fails",
    [
        lambda case: case.config.layers > 1,
        lambda case: case.config.directions > 1,
        lambda case: case.config.biases,
        lambda case: case.batch.states is not None,
        lambda case: case.batch.lengths is not None and case.batch.lengths.min() < steps(case),
    ],
    ids=["layers", "directions", "biases", "states", "lengths"],
)
def test_a_part_that_a_failure_needs_stays(big, fails):
    smallest = shrink(big, fails)
    assert fails(smallest)
    assert smallest.sizes == "T1-B1-I1-H1"
    parts = [
        smallest.config.layers > 1,
        smallest.config.directions > 1,
        smallest.config.biases,
        smallest.batch.states is not None,
        smallest.batch.lengths is not None,
    ]
    assert sum(parts) == 1


def test_the_numbers_that_a_failure_needs_stay_and_are_simple(big):
    smallest = shrink(big, lambda case: np.abs(case.batch.x).max() > 0.9)
    assert smallest.batch.x.size == 1
    assert float(abs(smallest.batch.x.item())) == float(np.float32(1.0))
    assert not any(cell.w_hh.any() for cell in smallest.params)


def test_a_case_of_no_steps_stays_one():
    smallest = shrink(RECIPES["no_steps"].build("float32", 0), lambda _: True)
    assert smallest.sizes == "T0-B1-I1-H1"


@pytest.mark.parametrize("name", ["nan", "infinite"])
def test_one_number_that_is_not_finite_stays(name):
    case = RECIPES[name].build("float32", 0)
    smallest = shrink(case, lambda one: not np.isfinite(one.batch.x).all())
    assert smallest.sizes == "T1-B1-I1-H1"
    assert not np.isfinite(smallest.batch.x).any()


def test_rounding_makes_no_infinity():
    case = Recipe("largest").build("float16", 0)
    x = np.full_like(case.batch.x, 65504)
    case = dataclasses.replace(case, batch=dataclasses.replace(case.batch, x=x))
    smallest = shrink(case, lambda one: one.batch.x.max() > 60_000)
    assert smallest.batch.x.tolist() == [[[65504]]]


def test_an_exception_is_no_failure(big):
    def fails(case):
        if steps(case) < 4:
            raise RuntimeError("another defect")
        return True

    assert shrink(big, fails).sizes == "T4-B1-I1-H1"


def test_giving_up_leaves_the_best_so_far(big):
    calls = []

    def fails(case):
        calls.append(case)
        if len(calls) > 1:
            raise GiveUp
        return True

    assert shrink(big, fails) is calls[0]
    assert len(calls) == 2


def test_nothing_smaller_leaves_the_case_itself(big):
    assert shrink(big, lambda _: False) is big


def test_no_time_leaves_the_case_itself(big):
    calls = []
    assert shrink(big, calls.append, limit_s=0) is big
    assert not calls


def test_no_candidate_is_tried_twice(big):
    tried = []

    def fails(case):
        tried.append(tuple((n, a.shape, a.tobytes()) for n, a in name_arrays(case).items()))
        return steps(case) > 2 and case.config.hidden_size > 2

    shrink(big, fails)
    assert len(set(tried)) == len(tried)


def test_it_is_deterministic_and_leaves_the_case_alone(big):
    before = {name: array.copy() for name, array in name_arrays(big).items()}

    def fails(case):
        return bool(np.abs(case.params[0].w_hh).sum() > 2 and case.batch.x.any())

    one, other = shrink(big, fails), shrink(big, fails)
    assert one.config == other.config
    for name, array in name_arrays(one).items():
        np.testing.assert_array_equal(array, name_arrays(other)[name])
    for name, array in name_arrays(big).items():
        np.testing.assert_array_equal(array, before[name])
