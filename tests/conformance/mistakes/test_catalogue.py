"""Every mistake shows in exactly the checks that its entry names, and is what its words say.

Mistaken and honest LSTM are compared at one precision, so no verdict and no rounding takes part.
"""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from gateparity.conformance.judgement.rounding import make_rounding
from gateparity.conformance.judgement.rounding_model import RoundingModel
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.mistakes.catalogue import CATALOGUE
from gateparity.conformance.mistakes.equations import change_equations
from gateparity.conformance.mistakes.precision import FLOAT32, TF32, cut
from gateparity.conformance.problems.cases import RECIPES, Recipe
from gateparity.conformance.requirements.answers import forward, gates, gradients, layout
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.requirements.invariances import layers
from gateparity.conformance.runs.plan import named_plan
from gateparity.errors import Impure
from gateparity.layouts import LAYOUTS, TORCH
from gateparity.network.batch import arrays_by_name, replace_arrays
from gateparity.network.parameters import CellWeights, fields
from gateparity.protocol.guard import Guarded

HARD = Recipe("hard", size=4, layers=2, directions=2, lengths=(3, 5, 1, 0))
BY_NAME = {mistake.name: mistake for mistake in CATALOGUE}
IDS = list(BY_NAME)
CONDUCT = ("purity", "refusal", "calls")
EDGES = ("sizes", "values")  # no ordinary case shows them
NOTHING, SOMETHING = 1e-12, 1e-9  # errors relative to the largest element of an array


@pytest.fixture(scope="module")
def plan():
    """What each check finds of the honest LSTM, at the widest dtype that it is run at."""
    return [
        (check, case, _run(check, Truth(dtype="float64"), case))
        for check, case in named_plan((), (), 0)
        if case.config.dtype == max(check.dtypes)
    ]


def _run(check, lstm, case):
    with np.errstate(all="ignore"):
        try:
            return check.run(lstm, case)
        except Impure:
            return None


def _error(found, expected):
    """Infinity if an LSTM is impure, or a number isn't finite where the other is."""
    if found is None:
        return np.inf
    assert list(found) == list(expected)
    return max((_of_array(found[n], expected[n]) for n in expected), default=0.0)


def _of_array(found, expected):
    assert found.shape == expected.shape
    with np.errstate(all="ignore"):
        same = (found == expected) | (np.isnan(found) & np.isnan(expected))
        error = np.where(same, 0.0, np.abs(found - expected))
        largest = np.abs(expected[np.isfinite(expected)]).max(initial=0)
    error = np.where(np.isnan(error), np.inf, error).max(initial=0)
    return float(error / largest) if largest else float(error and np.inf)


def test_there_are_enough_of_them():
    assert len(BY_NAME) == len(CATALOGUE) >= 60
    assert len({mistake.words for mistake in CATALOGUE}) == len(CATALOGUE)
    assert len({mistake.family for mistake in CATALOGUE}) >= 8


def test_every_wrong_gate_order_is_among_them():
    for order in itertools.permutations("ifgo"):
        assert (f"gates packed {', '.join(order)}" in BY_NAME) == (order != tuple("ifgo"))


@pytest.mark.parametrize("mistake", CATALOGUE, ids=IDS)
def test_an_entry_tells_what_it_should(mistake):
    assert mistake.checks
    assert mistake.checks <= set(CHECKS)
    assert mistake.violates
    assert not mistake.words.endswith(".")
    if mistake.path == "backward":
        assert not mistake.checks & {"forward", "gates", "batch", "sizes", "values"}
    if mistake.path == "forward":
        assert "gradients" not in mistake.checks


@pytest.mark.parametrize("mistake", CATALOGUE, ids=IDS)
def test_it_shows_in_exactly_the_checks_that_its_entry_names(mistake, plan):
    errors = dict.fromkeys(CHECKS, 0.0)
    for check, case, honest in plan:
        decided = errors[check.name] > SOMETHING  # a check's other cases can't change that
        if case.config.dtype in mistake.dtypes and not decided:
            found = _run(check, mistake.apply(Truth(dtype="float64")), case)
            errors[check.name] = max(errors[check.name], _error(found, honest))
    assert {name for name, error in errors.items() if error > NOTHING} == mistake.checks
    assert all(errors[name] > SOMETHING for name in mistake.checks)


@pytest.mark.parametrize("name", [m.name for m in CATALOGUE if m.dtypes == ("float64",)])
def test_what_is_precise_enough_for_float32_is_no_mistake_there(name):
    for check, case in named_plan((), (), 0):
        if case.config.dtype != "float32":
            continue
        honest = _run(check, Truth(dtype="float32"), case)
        found = _run(check, BY_NAME[name].apply(Truth(dtype="float32")), case)
        assert _error(found, honest) < 1e-5


def _differentiable(mistake):
    return mistake.path == "both" and mistake.family not in ("precision", *CONDUCT)


@pytest.mark.parametrize("name", [m.name for m in CATALOGUE if _differentiable(m)])
def test_gradients_are_those_of_the_wrong_lstm(name):
    """By central differences in a random direction, in everything at once."""
    case = HARD.build("float64", 0)
    lstm = BY_NAME[name].apply(Truth(dtype="longdouble"))
    generator = np.random.default_rng(1)
    place = [case.batch.x, case.batch.states["h"], case.batch.states["c"]]
    place += [array for cell in case.params for array in fields(cell).values()]
    directions = [generator.uniform(-1, 1, array.shape) for array in place]

    def value(step):
        moved = [a + step * d for a, d in zip(place, directions, strict=True)]
        params = tuple(CellWeights(*moved[k : k + 4]) for k in range(3, len(moved), 4))
        inputs = dict(zip(("x", "h_0", "c_0"), moved, strict=False))
        batch = replace_arrays(case.batch, **inputs)
        found = arrays_by_name(lstm.forward(case.config, params, batch))
        weights = arrays_by_name(case.cotangent)
        return sum((weights[n] * array).sum() for n, array in found.items())

    d_params, d = lstm.gradients(case.config, case.params, case.batch, case.cotangent)
    slopes = [d.x, d.states["h"], d.states["c"]]
    slopes += [array for cell in d_params for array in fields(cell).values()]
    expected = sum((s * d).sum() for s, d in zip(slopes, directions, strict=True))
    step = 2.0**-16
    assert abs((value(step) - value(-step)) / (2 * step) - expected) < 1e-6 * abs(expected)


def test_no_two_do_the_same():
    """Or a diagnosis couldn't tell which it was."""
    cases = [HARD.build("float64", 0), RECIPES["saturated"].build("float64", 0)]
    found = {}
    for mistake in CATALOGUE:
        if mistake.family not in (*CONDUCT, *EDGES) and mistake.name != "padding times zero":
            lstm = mistake.apply(Truth(dtype="float64"))
            results = [f(lstm, case) for f in (forward, gates, gradients, layout) for case in cases]
            found[mistake.name] = np.concatenate([a.ravel() for r in results for a in r.values()])
    for one, other in itertools.combinations(found, 2):
        assert np.abs(found[one] - found[other]).max() > 1e-10, f"{one} and {other}"


@pytest.mark.parametrize("name", [m.name for m in CATALOGUE if m.family != "refusal"])
def test_it_can_be_made_in_rounding_arithmetic(name):
    """Where every operation rounds at random, and most of NumPy isn't to be had."""
    case = HARD.build("float32", 0)
    rounding = make_rounding(RoundingModel(2.0**-24), 2, 0)
    for results in (forward, gates, gradients, layout, layers):
        exact = results(BY_NAME[name].apply(Truth(dtype="float64")), case)
        found = results(BY_NAME[name].apply(Truth(rounding.lift, "float64")), case)
        for key, array in exact.items():
            drawn = getattr(found[key], "values", found[key])
            assert drawn.shape[: array.ndim] == array.shape
            assert np.isfinite(drawn).all()


def test_parts_that_are_right_change_nothing():
    case = HARD.build("float64", 0)
    same = change_equations(lambda equations: equations)(Truth())
    for results in (forward, gates):
        for name, array in results(Truth(), case).items():
            np.testing.assert_array_equal(results(same, case)[name], array)
    assert _error(gradients(same, case), gradients(Truth(), case)) < 1e-17


PAIRS = [
    ("gates packed i, o, f, g", "no b_hh"),
    ("hard sigmoid of Keras 2", "1 added to the forget gate after the sigmoid"),
    ("recurrent kernels transposed", "reverse direction not reversed"),
    ("h_0 ignored", "output by relu"),
    ("lengths ignored", "stopped at h"),
    ("cell state in bfloat16", "no forget gate"),
    ("final states batch-major", "x batch-major"),
    ("d_w_hh doubled", "first layer alone"),
    ("products in TF32", "padding times zero"),
    ("h_0 and c_0 overwritten", "tanh by a fraction"),
    ("trace packed i, f, o, g", "weights come back packed i, f, o, g"),
    ("forget gate by the new c", "cell state squashed"),
]


@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_two_can_be_made_at_once_in_either_order(pair):
    """And both are there: the pair is neither of the two."""
    case = HARD.build("float64", 0)
    first, second = (BY_NAME[name].apply for name in pair)
    for both in (first(second(Truth())), second(first(Truth()))):
        for results in (forward, gates, gradients, layout, layers):
            results(both, case)
        for alone in (first(Truth()), second(Truth())):
            assert _differ(both, alone, case)


def _differ(one, other, case):
    kinds = (forward, gates, gradients, layout, CHECKS["purity"].run)
    nan = RECIPES["nan_padding"].build("float64", 0)
    pairs = [(_run_kind(k, one, c), _run_kind(k, other, c)) for k in kinds for c in (case, nan)]
    return any(a is None or b is None or _error(a, b) > SOMETHING for a, b in pairs if a is not b)


def _run_kind(kind, lstm, case):
    with np.errstate(all="ignore"):
        try:
            return kind(lstm, case)
        except Impure:
            return None


BY_HAND = {
    "1 added to the forget gate before the sigmoid": lambda p, b: (_add(p, 1), b),
    "no biases": lambda p, b: (_map(p, ("b_ih", "b_hh"), np.zeros_like), b),
    "recurrent kernels transposed": lambda p, b: (
        _map(p, ("w_hh",), lambda w: w.swapaxes(1, 2)),
        b,
    ),
    "h_0 ignored": lambda p, b: (p, dataclasses.replace(b, states={"c": b.states["c"]})),
    "h_0 and c_0 exchanged": lambda p, b: (
        p,
        replace_arrays(b, h_0=b.states["c"], c_0=b.states["h"]),
    ),
    "lengths ignored": lambda p, b: (p, dataclasses.replace(b, lengths=None)),
    "weights of the directions exchanged": lambda p, b: ((p[1], p[0], p[3], p[2]), b),
}


def _map(params, names, change):
    return tuple(
        dataclasses.replace(cell, **{n: change(getattr(cell, n)) for n in names}) for cell in params
    )


def _add(params, offset):
    there = np.array([[0], [offset], [0], [0]])
    return _map(params, ("b_ih",), lambda b: b + there)


@pytest.mark.parametrize("name", BY_HAND)
def test_outputs_are_those_of_the_mistake_made_by_hand(name):
    case = HARD.build("float64", 0)
    params, batch = BY_HAND[name](case.params, case.batch)
    expected = arrays_by_name(Truth().forward(case.config, params, batch))
    lstm = BY_NAME[name].apply(Truth())
    for key, array in arrays_by_name(lstm.forward(case.config, case.params, case.batch)).items():
        np.testing.assert_allclose(array, expected[key], rtol=1e-12)


@pytest.mark.parametrize("order", ["iofg", "figo", "gifo"])
def test_a_wrong_gate_order_is_a_layout_read_in_that_order(order):
    case = HARD.build("float64", 0)
    packed = dataclasses.replace(TORCH, order=order).pack(case.params, case.config)
    expected = Truth().forward(
        case.config, LAYOUTS["torch"].unpack(packed, case.config), case.batch
    )
    lstm = BY_NAME[f"gates packed {', '.join(order)}"].apply(Truth())
    found = lstm.forward(case.config, case.params, case.batch)
    np.testing.assert_array_equal(found.y, expected.y)


def test_cutting_bits_is_rounding_to_a_narrower_dtype():
    numbers = np.random.default_rng(0).normal(0, 8, 10_000)
    np.testing.assert_array_equal(cut(numbers, TF32), numbers.astype("float16"))
    np.testing.assert_array_equal(cut(numbers, FLOAT32), numbers.astype("float32"))
    odd = np.array([0, -0.0, np.inf, -np.inf, np.nan, 2.0**-1022, 1e300])
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(cut(odd, TF32), odd, rtol=2.0**-11)


def test_a_wire_keeps_what_is_written_from_the_caller():
    case = RECIPES["sequence"].build("float32", 0)
    before = case.batch.x.copy()
    lstm = BY_NAME["x overwritten"].apply(Truth(dtype="float32"))
    lstm.forward(case.config, case.params, case.batch)
    np.testing.assert_array_equal(case.batch.x, before)
    with pytest.raises(Impure, match="forward wrote to x"):
        lstm.guarded().forward(case.config, case.params, case.batch)


@pytest.mark.parametrize("name", IDS)
def test_a_guard_finds_nothing_in_a_mistake_without_side_effects(name):
    """So its eleven calls are one calculation, which `guarded` takes for them."""
    case = RECIPES["ragged"].build("float64", 0)
    with np.errstate(all="ignore"):
        lstm = BY_NAME[name].apply(Truth(dtype="float64"))
        if getattr(lstm, "has_side_effects", False):
            assert isinstance(lstm.guarded(), Guarded)
            return
        assert lstm.guarded() is lstm
        found = Guarded(lstm).forward(case.config, case.params, case.batch)
        alone = lstm.forward(case.config, case.params, case.batch)
    np.testing.assert_allclose(found.y, alone.y, rtol=NOTHING, atol=NOTHING)
