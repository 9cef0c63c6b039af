"""Draws are NumPy's arrays, many at once; what rounds moves them as rounding does, and no more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gateparity.conformance.judgement.products import count_terms, find_walk
from gateparity.conformance.judgement.rounding import Draws, Rounding, make_rounding
from gateparity.conformance.judgement.rounding_model import RoundingModel
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS

U = 2.0**-24
N = 20_000
DRAWS = 3
EXACT = make_rounding(RoundingModel(0.0), DRAWS, 0)
NUMBERS = st.floats(-4, 4, width=32)
KINDS = st.sampled_from(["draws", "plain"])
quick = settings(max_examples=40, deadline=None)


def lift(array, draws=DRAWS, seed=0, unit=U, **rounding_model):
    return make_rounding(RoundingModel(unit, **rounding_model), draws, seed).lift(np.asarray(array))


def arrays(shape):
    """Draws of this shape that differ from each other, or a plain array."""

    def build(kind, values):
        return Draws(values, EXACT) if kind == "draws" else values[..., 0]

    return st.builds(build, KINDS, hnp.arrays(np.float64, (*shape, DRAWS), elements=NUMBERS))


def draws_of(shape):
    values = hnp.arrays(np.float64, (*shape, DRAWS), elements=NUMBERS)
    return values.map(lambda found: Draws(found, EXACT))


SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=3)


def assert_as_numpy(operation, *operands):
    """The operation on draws is NumPy's on each of them."""
    found = operation(*operands)
    if not isinstance(found, list):
        found = [found]
    for d in range(DRAWS):
        expected = operation(*(_draw(x, d) for x in operands))
        expected = expected if isinstance(expected, list) else [expected]
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            if isinstance(one, Draws):
                assert (one.shape, one.ndim, one.size) == (*_facts(other),)
            np.testing.assert_allclose(_draw(one, d), other, rtol=1e-13, atol=1e-13)


def _draw(x, d):
    if isinstance(x, list):
        return [_draw(item, d) for item in x]
    return x.values[..., d] if isinstance(x, Draws) else x


def _facts(array):
    return np.shape(array), np.ndim(array), np.size(array)


UNARY = (np.negative, np.absolute, np.exp, np.tanh, np.square, np.isfinite)
BINARY = (
    *(np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum),
    *(np.greater, np.greater_equal, np.less, np.equal, np.not_equal),
)
OPERATORS = {
    "-a": lambda a: -a,
    "abs": abs,
    "2 a": lambda a: 2 * a,
    "a + 1": lambda a: a + 1,
    "1 - a": lambda a: 1 - a,
    "1 / (2 + |a|)": lambda a: 1 / (2 + abs(a)),
    "a > 0": lambda a: a > 0,
    "sum": lambda a: sum([a, a], start=a),
}


@pytest.mark.parametrize("ufunc", UNARY, ids=lambda f: f.__name__)
@given(data=st.data())
@quick
def test_functions_are_numpys(ufunc, data):
    assert_as_numpy(ufunc, data.draw(draws_of(data.draw(SHAPES))))


@pytest.mark.parametrize("operator", OPERATORS)
@given(data=st.data())
@quick
def test_operators_are_numpys(operator, data):
    assert_as_numpy(OPERATORS[operator], data.draw(draws_of(data.draw(SHAPES))))


@pytest.mark.parametrize("ufunc", BINARY, ids=lambda f: f.__name__)
@given(data=st.data(), shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3))
@quick
def test_functions_of_two_are_numpys_and_broadcast(ufunc, data, shapes):
    one, other = shapes.input_shapes
    found = [data.draw(draws_of(one)), data.draw(arrays(other))]
    if ufunc is np.divide:
        found = [abs(a) + 1 for a in found]
    assert_as_numpy(ufunc, *found)
    assert_as_numpy(ufunc, *found[::-1])


@given(
    data=st.data(),
    shapes=hnp.mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=3),
)
@settings(max_examples=150, deadline=None)
def test_products_are_numpys_whatever_the_dimensions(data, shapes):
    one, other = shapes.input_shapes
    assert_as_numpy(np.matmul, data.draw(draws_of(one)), data.draw(arrays(other)))
    assert_as_numpy(np.matmul, data.draw(arrays(one)), data.draw(draws_of(other)))


@given(data=st.data(), shapes=hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3))
@quick
def test_where_is_numpys(data, shapes):
    condition, one, other = shapes.input_shapes
    chosen = data.draw(arrays(condition)) > 0
    a, b = data.draw(draws_of(one)), data.draw(arrays(other))
    assert_as_numpy(np.where, chosen, a, b)
    assert_as_numpy(np.where, chosen, b, a)


def keys(shape):
    """Everything that an array takes between brackets."""
    if 0 in shape:
        return hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True)
    return st.one_of(
        hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True),
        hnp.integer_array_indices(shape),
        hnp.arrays(np.bool_, shape),
        st.tuples(st.just(...), st.lists(st.integers(0, shape[-1] - 1), max_size=3)),
        st.tuples(st.integers(0, shape[0] - 1), st.just(...)),
    )


@given(data=st.data(), shape=SHAPES)
@settings(max_examples=150, deadline=None)
def test_indexing_is_numpys(data, shape):
    key = data.draw(keys(shape))
    assert_as_numpy(lambda a: a[key], data.draw(draws_of(shape)))


@given(data=st.data(), shape=SHAPES)
@settings(max_examples=150, deadline=None)
def test_setting_is_numpys(data, shape):
    key = data.draw(hnp.basic_indices(shape, allow_ellipsis=True))
    part = data.draw(draws_of(shape))[key]
    value = data.draw(st.one_of(NUMBERS, arrays(part.shape)))

    def put(array, value):
        changed = array.copy()
        changed[key] = value
        return changed

    assert_as_numpy(put, data.draw(draws_of(shape)), value)


@pytest.mark.parametrize("join", [np.concatenate, np.stack], ids=lambda f: f.__name__)
@given(data=st.data(), shape=SHAPES, count=st.integers(1, 3))
@quick
def test_joining_is_numpys_on_every_axis(join, data, shape, count):
    parts = [data.draw(draws_of(shape)), *(data.draw(arrays(shape)) for _ in range(count))]
    ndim = len(shape) + (join is np.stack)
    axis = data.draw(st.integers(-ndim, ndim - 1))
    assert_as_numpy(lambda *a: join(a, axis), *parts)
    assert_as_numpy(lambda *a: join(a), *parts[::-1])


@given(data=st.data(), shape=SHAPES, pieces=st.integers(1, 3))
@quick
def test_splitting_is_numpys_on_every_axis(data, shape, pieces):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    longer = list(shape)
    longer[axis] *= pieces
    cuts = data.draw(st.lists(st.integers(0, longer[axis]), max_size=2).map(sorted))
    array = data.draw(draws_of(tuple(longer)))
    assert_as_numpy(lambda a: np.split(a, pieces, axis), array)
    assert_as_numpy(lambda a: np.split(a, cuts, axis), array)


@given(data=st.data(), shape=SHAPES)
@settings(max_examples=100, deadline=None)
def test_moving_axes_about_is_numpys(data, shape):
    axes = st.integers(-len(shape), len(shape) - 1)
    array, one, other = data.draw(draws_of(shape)), data.draw(axes), data.draw(axes)
    shift = data.draw(st.integers(-3, 3))
    assert_as_numpy(lambda a: a.T, array)
    assert_as_numpy(lambda a: np.flip(a, one), array)
    assert_as_numpy(lambda a: np.roll(a, shift, one), array)
    assert_as_numpy(lambda a: np.moveaxis(a, one, other), array)
    assert_as_numpy(lambda a: np.swapaxes(a, one, other), array)
    assert_as_numpy(lambda a: a.reshape(shape[::-1]), array)
    assert_as_numpy(lambda a: a.reshape(*shape[::-1], 1), array)
    if array.size:
        assert_as_numpy(lambda a: a.reshape(-1, shape[-1]), array)


@given(data=st.data(), shape=SHAPES, other=SHAPES)
@quick
def test_new_arrays_are_draws(data, shape, other):
    array = data.draw(draws_of(shape))
    assert_as_numpy(np.zeros_like, array)
    assert_as_numpy(lambda a: np.zeros_like(a, shape=other), array)
    empty = np.empty_like(array, shape=other)
    assert isinstance(empty, Draws)
    assert empty.shape == other
    empty[...] = 1.0  # of its own
    assert (empty.values == 1).all()


@pytest.mark.parametrize("use", [np.sum, np.linalg.norm, np.add.reduce, np.cumsum])
def test_what_it_does_not_know_it_refuses(use):
    with pytest.raises(TypeError):
        use(lift(np.ones((2, 3))))


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_on_draws_that_round_nothing_is_the_check(name):
    """Forward, gates and backpropagation, through layers, directions, lengths and no steps."""
    check = CHECKS[name]
    for case in check.cases:
        problem = RECIPES[case].build("float32", 0)
        with np.errstate(all="ignore"):
            found = check.run(Truth(EXACT.lift, "float64"), problem)
            expected = check.run(Truth(dtype="float64"), problem)
        assert list(found) == list(expected)
        for key, array in expected.items():
            values = found[key].values if isinstance(found[key], Draws) else found[key][..., None]
            np.testing.assert_allclose(values, values[..., :1].repeat(values.shape[-1], -1))
            np.testing.assert_allclose(values[..., 0], array, rtol=1e-11, atol=1e-13, err_msg=key)


def test_equal_numbers_round_equally_and_draws_do_not():
    found = (lift([1.1, 2.2, 1.1, 1.1]) * 3).values
    assert (found[0] == found[2]).all()
    assert (found[0] == found[3]).all()
    assert (found[1] / 2 != found[0]).all()
    assert len(np.unique(found[0])) == DRAWS
    halves, thirds = (lift([3.0]) * 0.5).values, (lift([4.5]) / 3).values
    assert (halves == thirds).all()  # 1.5 both, whatever it was made of


def test_draws_are_those_of_the_seed():
    values = np.linspace(1, 2, 50)
    one, again, other = ((lift(values, seed=seed) * 3).values for seed in (5, 5, 6))
    assert (one == again).all()
    assert (one != other).all()
    more = (lift(values, seed=5, draws=2 * DRAWS) * 3).values
    assert (more[:, :DRAWS] == one).all()


OPERATIONS = {
    "add": (lambda a: a + 0.5, 1),
    "subtract": (lambda a: 0.5 - a, 1),
    "multiply": (lambda a: a * a, 1),
    "divide": (lambda a: 1 / a, 1),
    "square": (np.square, 1),
    "exp": (np.exp, 2),
    "tanh": (np.tanh, 2),
}


@pytest.mark.parametrize(("operation", "ulps"), OPERATIONS.values(), ids=OPERATIONS)
def test_an_operation_errs_by_its_units_evenly_spread(operation, ulps):
    values = np.random.default_rng(1).uniform(1, 2, N)
    found = operation(lift(values, draws=2)).values
    errors = (found / operation(values)[:, None] - 1) / (ulps * U)
    assert np.abs(errors).max() < 1 + 1e-6
    assert np.std(errors) == pytest.approx(3**-0.5, rel=0.02)
    assert abs(np.mean(errors)) < 4 * 3**-0.5 / np.sqrt(2 * N)
    counts = np.histogram(errors, 10, (-1, 1))[0]
    assert np.abs(counts - N / 5).max() < 5 * np.sqrt(N / 5)
    for one, other in (errors.T, (errors[:-1, 0], errors[1:, 0])):  # draws, and neighbours
        assert abs(np.corrcoef(one, other)[0, 1]) < 4 / np.sqrt(N)


NUMBERS_OF_FEW_DIGITS = {
    "integers": np.arange(1.0, 4097),
    "quarters": np.arange(1.0, 4097) / 4,
    "powers of two": 2.0 ** np.arange(-500, 500),
    "float32": np.linspace(1, 2, 4096, dtype=np.float32).astype(float),
}


@pytest.mark.parametrize("values", NUMBERS_OF_FEW_DIGITS.values(), ids=NUMBERS_OF_FEW_DIGITS)
def test_numbers_of_few_digits_round_as_evenly_as_others(values):
    """A weak hash leaves a pattern where most digits are zero."""
    errors = ((lift(values, draws=8) * 1.0).values / values[:, None] - 1) / U
    counts = np.histogram(errors, 16, (-1, 1))[0]
    expected = errors.size / 16
    assert np.square(counts - expected).sum() / expected < 45  # of chi squared, 15 degrees
    for lag in (1, 2, 4, 64):
        found = np.corrcoef(errors[lag:].ravel(), errors[:-lag].ravel())[0, 1]
        assert abs(found) < 4 / np.sqrt(errors[lag:].size)
    among = np.corrcoef(errors.T)[np.triu_indices(8, 1)]
    assert np.abs(among).max() < 5 / np.sqrt(len(values))


@pytest.mark.parametrize("low", [-1, 0], ids=["cancelling", "same sign"])
@pytest.mark.parametrize("terms", [1, 2, 3, 8, 32, 128, 512])
def test_a_product_errs_as_float32_does_term_by_term(terms, low):
    generator = np.random.default_rng(terms)
    size = (max(400, N // terms), terms)
    a, b = (generator.uniform(low, 1, size).astype(np.float32) for _ in range(2))
    exact = (a.astype(float) * b).sum(1)
    added = np.add.accumulate(a * b, 1, dtype=np.float32)[:, -1]  # one after another
    found = (lift(a[:, None]) @ lift(b[..., None])).values[:, 0, 0]
    walked, modelled = (np.sqrt(np.mean(np.square(e))) for e in (added - exact, found.T - exact))
    assert 1 < modelled / walked < 2


@pytest.mark.parametrize("low", [-1, 0], ids=["cancelling", "same sign"])
@pytest.mark.parametrize("terms", [2, 8, 64])
def test_a_product_is_the_random_walk_of_its_partial_sums(terms, low):
    """Added one after another in random orders, each operation off by even noise."""
    generator = np.random.default_rng(terms)
    a, b = generator.uniform(low, 1, (2, 100, terms))
    orders = generator.permuted(np.tile(a * b, (200, 1, 1)), axis=-1)

    def noise():
        return 1 + 1e-6 * generator.uniform(-1, 1, orders.shape[:-1])

    total = orders[..., 0] * noise()
    for k in range(1, terms):
        total = (total + orders[..., k] * noise()) * noise()
    found = (lift(a[:, None], 200, unit=1e-6) @ lift(b[..., None], 200, unit=1e-6)).values[:, 0, 0]
    exact = (a * b).sum(1)
    walked, modelled = (np.sqrt(np.mean(np.square(e))) for e in (total - exact, found.T - exact))
    assert modelled / walked == pytest.approx(1, abs=0.07 if terms > 2 else 0.15)


def test_a_product_in_order_of_time_may_walk_further_than_by_chance():
    """Terms of one sign and then of the other: float32 adds them one by one, and drifts."""
    generator = np.random.default_rng(0)
    terms = generator.uniform(0.5, 1, (200, 600)) * np.where(np.arange(600) < 300, 1, -1)
    a = terms.astype(np.float32)
    added = np.add.accumulate(a, 1, dtype=np.float32)[:, -1]
    walked = np.sqrt(np.mean(np.square(added - a.astype(float).sum(1))))
    drawn = (lift(a[:, None], 50, unit=2**-24) @ lift(np.ones((600, 1)), 50, unit=2**-24)).values
    modelled = np.sqrt(np.mean(np.square(drawn[:, 0, 0] - a.astype(float).sum(1)[:, None])))
    chance = 2**-24 / 3**0.5 * np.sqrt((np.square(terms).sum(1) * 600 / 6).mean())
    assert walked > 5 * chance
    assert 0.8 < modelled / walked < 1.5


@pytest.mark.parametrize("order", [1, -1])
def test_a_product_may_walk_in_order_or_in_reverse(order):
    """A few terms of one sign, then many of the other: in reverse the sums are larger."""
    a = np.repeat([-1.0, 1.0], (160, 480))[None, ::order]
    b = np.linspace(0.5, 1, 640)[::order, None]
    sums = np.cumsum(a * b.T)
    farther = max(np.square(sums).sum(), np.square(sums[-1] - sums).sum())
    walk = find_walk(a, b, a @ b, count_terms(a, b))
    expected = np.square(a * b.T).sum() + 3 / 8 / np.log(2) * farther
    assert float(walk.item() ** 2) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(("terms", "larger"), [(161, True), (9, True), (8, False)])
def test_many_terms_may_be_added_onto_what_the_product_is_added_to(terms, larger):
    """As `torch.addmm` does: each partial sum is then rounded at the size of the whole."""
    generator = np.random.default_rng(terms)
    a, b = (generator.uniform(-0.1, 0.1, shape) for shape in ((500, terms), (terms, 1)))
    rounding = make_rounding(RoundingModel(2.0**-24), 64, 0)
    start = rounding.lift(np.ones((500, 1)))
    found = (start + rounding.lift(a) @ rounding.lift(b)).values
    total = np.ones((500, 1), np.float32)
    for k in range(terms):
        total = total + np.float32(a[:, k : k + 1]) * np.float32(b[k])
    exact = 1 + np.float32(a).astype(float) @ np.float32(b).astype(float)
    error, allowed = np.std(total - exact), np.std(found - (1 + a @ b)[..., None])
    assert error < 4 * allowed
    assert (error < allowed) == larger
    assert allowed < 4 * error


def test_a_bias_is_added_onto_too_and_a_number_of_the_same_axes_is_not():
    """The second is a gradient that is added to a product: nothing adds onto it."""
    rounding = make_rounding(RoundingModel(2.0**-24), 64, 0)
    product = rounding.lift(np.full((3, 100), 0.01)) @ rounding.lift(np.full((100, 2), 0.01))
    bias, same = rounding.lift(np.ones(2)), rounding.lift(np.ones((3, 2)))
    onto, beside = np.std((product + bias).values), np.std((product + same).values)
    assert onto == pytest.approx(np.sqrt(101) * 2.0**-24 / np.sqrt(3), rel=0.25)
    assert beside == pytest.approx(2.0**-24 / np.sqrt(3), rel=0.25)


def test_terms_that_are_zero_are_no_terms():
    few, many = np.ones((1, 4)), np.zeros((1, 400))
    many[:, :4] = few
    errors = [(lift(x, draws=9) @ lift(x.T, draws=9)).values - 4 for x in (few, many)]
    assert (errors[0] == errors[1]).all()


def test_what_rounds_nothing_moves_nothing():
    values = np.random.default_rng(3).uniform(-1, 1, (4, 6))
    array = lift(values)
    assert (array.values == values[..., None]).all()
    assert ((-array).values == -array.values).all()
    assert (abs(array).values == abs(array.values)).all()
    assert (np.maximum(array, 0.1).values == np.maximum(array.values, 0.1)).all()
    assert ((array > 0).values == (array.values > 0)).all()
    assert (np.concatenate([array, array.T.T], -1).values[:, 6:] == array.values).all()
    assert (np.where(values > 0, array, 0).values == np.maximum(array.values, 0)).all()


@pytest.mark.parametrize("value", [0.0, -0.0, np.inf, -np.inf, np.nan])
def test_zeros_and_what_is_not_finite_stay_what_they_are(value):
    array = lift([value, 1.0], floor=1e-3)
    for found in (
        (array * 1.0).values,
        (array / 1.0).values,
        np.maximum(array + 0.0, value).values,
    ):
        np.testing.assert_array_equal(found[0], np.full(DRAWS, value))
    assert ((array * 1.0).values[1] != 1).all()
    zeros = lift(np.zeros((2, 3)), floor=1e-3)
    assert not (zeros @ zeros.T).values.any()


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_a_product_with_what_is_not_finite_is_numpys(value):
    a, b = np.array([[value, 1.0], [2.0, 3.0]]), np.ones((2, 2))
    with np.errstate(invalid="ignore"):  # infinity times the zeros that fill up a block
        found = (lift(a) @ lift(b)).values
    np.testing.assert_array_equal(found[0], np.full((2, DRAWS), value))
    assert np.abs(found[1] / 5 - 1).max() < 10 * U
    assert (found[1] != 5).all()


@pytest.mark.parametrize("bias", [0.0, 4.0])
def test_functions_at_infinity_are_what_they_are(bias):
    array = lift([-np.inf, np.inf, np.nan], floor=1e-30, bias=bias)
    np.testing.assert_array_equal(np.exp(array).values[:, 0], [0, np.inf, np.nan])
    assert np.abs(np.tanh(array).values[:2] - [[-1], [1]]).max() < 10 * U
    assert np.isnan(np.tanh(array).values[2]).all()


def test_a_reciprocal_of_what_is_too_large_is_flushed_to_zero_or_not():
    """And is no certain zero, as it would be if the exponential were infinite."""
    with np.errstate(over="ignore"):
        found = (1 / (1 + np.exp(lift([800.0, np.inf], floor=1e-38)))).values
    assert (np.abs(found[0]) < 1e-38).all()
    assert (found[0] != 0).all()
    assert (found[1] == 0).all()


@pytest.mark.parametrize("scale", [2.0**-540, 2.0**540], ids=["small", "large"])
def test_a_product_rounds_where_squares_are_out_of_range(scale):
    values = np.random.default_rng(6).uniform(-1, 1, (2, 50, 8))
    a, b = lift(values[0] * scale), lift(values[1].T / scale)
    plain = (lift(values[0]) @ lift(values[1].T)).values
    found, exact = (a @ b).values, (values[0] @ values[1].T)[..., None]
    assert np.std((found - exact) / U) == pytest.approx(np.std((plain - exact) / U), rel=0.05)


def test_below_the_floor_a_number_may_go_to_zero():
    values = np.random.default_rng(4).uniform(1e-42, 1e-40, N)
    moved = ((lift(values, floor=1e-38) * 1.0).values - values[:, None]) / 1e-38
    assert np.std(moved) == pytest.approx(3**-0.5, rel=0.02)
    assert np.abs(moved).max() < 1
    above = ((lift([1e-20], floor=1e-38) * 1.0).values / 1e-20 - 1) / U
    assert 0 < np.abs(above).max() < 1 + 1e-6


@pytest.mark.parametrize(("digits", "coarse"), [(11, 2.0**-11), (8, 2.0**-8)], ids=["tf32", "bf16"])
def test_factors_of_products_are_cut_as_a_format_cuts_them(digits, coarse):
    """TF32 keeps 11 binary digits of a number, bfloat16 8: half a last place is the unit."""
    generator = np.random.default_rng(5)
    a, b = (generator.uniform(1, 2, (N, 1, 1)) for _ in range(2))
    cut = np.abs(_keep(a, digits) - a).max()
    assert cut == pytest.approx(coarse, rel=0.01)
    found = (lift(a, factors=coarse) @ lift(b, factors=coarse)).values / (a * b)[..., None] - 1
    assert np.std(found) == pytest.approx(coarse * np.sqrt(2 / 3), rel=0.02)
    really = _keep(a, digits) * _keep(b, digits) / (a * b) - 1
    assert 1 < np.std(found) / np.std(really) < 2


def _keep(numbers, digits):
    """Round numbers in [1, 2) to so many binary digits."""
    return np.round(numbers * 2.0 ** (digits - 1)) * 2.0 ** (1 - digits)


def test_a_factor_is_cut_once_and_nothing_else_is():
    array, coarse = lift([[1.1]], factors=2.0**-11), 2.0**-11
    twice = (array @ lift([[1.0, 1.0]], factors=coarse)).values
    assert (twice[0, 0] == twice[0, 1]).all()
    assert np.abs((array * 1.0).values / 1.1 - 1).max() < 2 * U
    fine, none = (lift([[1.1]], factors=f) @ lift([[1.0]], factors=f) for f in (U / 2, 0.0))
    assert (fine.values == none.values).all()


@pytest.mark.parametrize("function", [np.exp, np.tanh], ids=["exp", "tanh"])
def test_a_biased_function_is_off_by_a_wave(function):
    """Its scatter aside: noise is evenly spread about what is a smooth curve in each draw."""
    x, draws = np.linspace(-4, 4, 1600), 400
    plain, biased = (function(lift(x, draws, bias=b)).values for b in (0.0, 50.0))
    exact = function(x)[:, None]
    wave = (biased - plain) / exact / U
    scatter = 4.0  # at most 2 units in each
    assert 49 < np.abs(wave).max() < 50 + scatter
    assert np.std(wave) == pytest.approx(50 / np.sqrt(2), rel=0.1)
    assert abs(np.mean(wave)) < 4 * 50 / np.sqrt(2 * draws)
    steps = np.abs(np.diff(wave, axis=0))
    assert steps.max() < 2 * np.pi * 50 * 0.005 + 2 * scatter  # no wave is shorter than 1
    half = np.abs(wave[:800] - wave[800:]).max(0)
    assert np.median(half) > 50  # and none is as long as all of the arguments
    assert np.abs(np.corrcoef(wave.T) - np.eye(draws)).mean() < 0.4


def test_a_bias_is_one_of_functions_alone():
    values = np.linspace(1, 2, 50)
    plain, biased = (lift(values, bias=b) for b in (0.0, 50.0))
    for use in (
        lambda a: a * 3,
        lambda a: a + 1,
        lambda a: 1 / a,
        lambda a: a.reshape(-1, 1) @ a[None],
    ):
        assert (use(plain).values == use(biased).values).all()


def test_lifting_draws_changes_nothing():
    rounding = Rounding(RoundingModel(U), np.arange(DRAWS, dtype=np.uint64))
    array = rounding.lift(np.ones(3))
    assert rounding.lift(array) is array
    assert array.astype("float32") is array
    assert (array.dtype, len(array)) == (np.float64, 3)
    copy = array.copy()
    copy[0] = 5.0
    assert (array.values == 1).all()
