"""The budget holds what NumPy really does, and not what a small mistake does."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity.backends.numpy import equations as numpy_backend
from gateparity.backends.numpy.scratch import Scratch
from gateparity.conformance.judgement import budget, noise
from gateparity.conformance.judgement.budget import make_budget, make_rounding_model
from gateparity.conformance.judgement.confidence import ALLOWED
from gateparity.conformance.judgement.differences import difference, in_sigmas
from gateparity.conformance.judgement.rounding import make_rounding
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.judgement.verdict import Mismatch, judge
from gateparity.conformance.problems.case import build_case, draw_for
from gateparity.conformance.problems.cases import RECIPES, Recipe
from gateparity.conformance.requirements.checks import CHECKS, Check
from gateparity.conformance.runs.truths import Truths
from gateparity.network.batch import map_arrays
from gateparity.network.config import GATES, Config
from gateparity.network.parameters import build_parameters, cast_parameters
from gateparity.protocol.canonical import Canonical

USED = {
    "forward": ("sequence", "plain"),
    "gates": ("deep", "saturated"),
    "gradients": ("sequence", "saturated"),
    "batch": ("sequence",),
    "carry": ("stacked",),
    "lengths": ("ragged", "nan_padding"),
    "directions": ("deep",),
    "layers": ("stacked",),
    "permutation": ("ragged",),
    "sizes": ("one_step", "one_sequence", "long"),
    "values": ("subnormal", "zeros", "nan", "infinite"),
}
PLAN = [(name, case) for name, cases in USED.items() for case in cases]
EDGES = ("overflowing", "subnormal", "huge", "infinite")
MIDDLE = Recipe("middle", steps=20, size=8, input_size=8, hidden_size=16)


def build(name, dtype="float32", seed=0):
    return RECIPES[name].build(dtype, seed)


def expect(check, case, declared=None):
    return Truths().of(CHECKS[check], case, declared or {})


def run(check, case, adapter=None):
    return CHECKS[check].run(Canonical(adapter or Scratch()), case)


def ratios(found, expected):
    """All errors in standard deviations, where there is any."""
    parts = []
    for name, sigma in expected.budget.sigmas.items():
        errors = in_sigmas(difference(found[name], expected.truth[name]), sigma)
        parts.append(errors[sigma > 0])
    return np.concatenate(parts)


def rms(numbers):
    return np.sqrt(np.mean(np.square(numbers)))


def shift_bias(case, by, cell=0, gate=2, unit=3):
    """Another case, one of whose biases is off."""
    biases = case.params[cell].b_ih.copy()
    biases[gate, unit] += by
    wrong = dataclasses.replace(case.params[cell], b_ih=biases)
    params = (*case.params[:cell], wrong, *case.params[cell + 1 :])
    return dataclasses.replace(case, params=params)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "case"), PLAN, ids=[f"{n}-{c}" for n, c in PLAN])
def test_numpy_stays_within_it_and_uses_it(name, case, dtype):
    found = []
    for seed in range(2):
        problem = build(case, dtype, seed)
        expected, answer = expect(name, problem), run(name, problem)
        assert judge(answer, expected).sigmas < 6
        found.append(ratios(answer, expected))
    assert 0.3 < rms(np.concatenate(found)) < 1.2  # one is about what rounding causes


@pytest.mark.parametrize("case", EDGES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_at_the_limits_raise_no_alarm(case, dtype):
    """Where an exponential, a square or a reciprocal leaves the range of numbers."""
    for seed in range(25):
        problem = build(case, dtype, seed)
        judge(run("values", problem), expect("values", problem))


def test_half_precision_has_a_budget_of_its_own():
    problem = build("sequence", "float16")
    expected, answer = expect("dtypes", problem), run("dtypes", problem)
    judge(answer, expected)
    assert 0.3 < rms(ratios(answer, expected)) < 1.2
    wide = expect("dtypes", dataclasses.replace(build("sequence")))
    for name, sigma in expected.budget.sigmas.items():
        assert rms(sigma) == pytest.approx(rms(wide.budget.sigmas[name]) * 2.0**13, rel=0.5)


def test_below_its_least_normal_number_half_precision_rounds_by_steps():
    """A step is 6e-8 there, however small the number."""
    problem = build("plain", "float16")
    batch = dataclasses.replace(problem.batch, x=problem.batch.x * np.float16(2**-12))
    problem = dataclasses.replace(problem, batch=batch)
    expected, answer = expect("forward", problem), run("forward", problem)
    assert np.abs(answer["y"]).max() < np.finfo(np.float16).tiny
    judge(answer, expected)
    assert 0.2 < rms(ratios(answer, expected)) < 1.2


def test_what_is_below_the_least_normal_number_may_be_flushed_to_zero():
    """All outputs are; that looks like no shift of a bias, and excuses nothing larger."""
    problem = build("plain")
    batch = dataclasses.replace(problem.batch, x=problem.batch.x * np.float32(2.0**-127))
    problem = dataclasses.replace(problem, batch=batch)
    expected, tiny = expect("forward", problem), np.finfo(np.float32).tiny
    assert 0 < np.abs(expected.truth["y"]).max() < tiny
    judge(run("forward", problem), expected)
    found = {name: np.zeros_like(array, np.float32) for name, array in expected.truth.items()}
    assert judge(found, expected).sigmas > 0
    found["y"][1, 2, 3] = 10 * tiny
    with pytest.raises(Mismatch, match=r"^y\[1, 2, 3\].* 1 of 90 elements differ"):
        judge(found, expected)


def test_large_elements_do_not_excuse_small_ones_in_their_array():
    def scaled(lstm, case, *factors):
        y = lstm.forward(case.config, case.params, case.batch).y
        return {"a": np.concatenate([y * factor for factor in factors])}

    problem, rounding_model = build("sequence"), make_rounding_model("float32")
    both, alone = (
        make_budget(
            Check("scaled", lambda *a, f=factors: scaled(*a, *f), (), ()), problem, rounding_model
        )
        for factors in ((1.0, 2.0**-20), (2.0**-20,))
    )
    ratio = both.sigmas["a"][len(problem.batch.x) :] / alone.sigmas["a"]
    assert 0.8 < ratio.min() < ratio.max() < 1.5


@pytest.mark.parametrize("case", ["sequence", "ragged", "stacked", "deep"])
def test_a_bias_that_is_off_by_a_little_is_beyond_it(case):
    problem = build(case)
    found, expected = run("forward", shift_bias(problem, 1e-5)), expect("forward", problem)
    with pytest.raises(Mismatch):
        judge(found, expected)
    # which a comparison at PyTorch's defaults lets pass
    truth = expected.truth
    assert all(np.allclose(found[n], truth[n], rtol=1.3e-6, atol=1e-5) for n in truth)


def test_nothing_may_move_past_the_end_of_a_sequence():
    problem = build("ragged")
    expected = expect("lengths", problem)
    sigmas = expected.budget.sigmas
    past = np.arange(5)[:, None] >= problem.batch.lengths
    for name in ("y", "d_x"):
        assert (sigmas[name][past] == 0).all()
        assert (sigmas[name][~past] > 0).all()
    found = {name: array.astype(np.float32) for name, array in expected.truth.items()}
    judge(found, expected)
    found["y"][4, 2, 0] = 1e-30
    with pytest.raises(Mismatch, match=r"^y\[4, 2, 0\].* rounding can't explain it; 1 of 180"):
        judge(found, expected)


def test_what_is_not_finite_in_the_truth_has_no_budget():
    expected = expect("values", build("nan"))
    lost = np.isnan(expected.truth["y"])
    assert lost.any()
    assert (expected.budget.sigmas["y"][lost] == 0).all()
    assert (expected.budget.sigmas["y"][~lost] > 0).all()


@pytest.mark.parametrize("check", ["forward", "gradients"])
def test_float64_has_float32s_budget_at_its_own_unit(check):
    """The same numbers in both, so the same draws."""
    large = build("sequence")
    given = large.batch, large.cotangent
    batch, cotangents = map_arrays(lambda array: array.astype(np.float64), given)
    params, config = cast_parameters(large.params, "float64"), build("sequence", "float64").config
    small = dataclasses.replace(
        large, config=config, params=params, batch=batch, cotangent=cotangents
    )
    one, other = (expect(check, case).budget for case in (large, small))
    for name, sigma in one.sigmas.items():
        np.testing.assert_allclose(other.sigmas[name] * 2.0**29, sigma, rtol=1e-12)
    if check == "forward":
        np.testing.assert_allclose(other.scores / 2.0**29, one.scores, rtol=1e-12)


def test_a_scaled_budget_scales_the_errors_that_it_allows():
    problem = build("sequence")
    expected = expect("forward", problem)
    found = run("forward", shift_bias(problem, 1e-5))
    errors = {n: difference(found[n], expected.truth[n]) for n in found}
    twice = expected.budget.scaled(2.0)
    assert (twice.sigmas["y"] == 2 * expected.budget.sigmas["y"]).all()
    assert twice.shifts(errors) == pytest.approx(expected.budget.shifts(errors) / 2)


@pytest.mark.parametrize("work", [2**20, 2**10], ids=["32 draws at once", "8 draws one by one"])
def test_a_budget_is_drawn_anew_with_each_seed_and_pass(work, monkeypatch):
    """Draws that were the same in each pass would leave the error of one."""
    monkeypatch.setattr(budget, "_WORK", work)
    problem, rounding_model = MIDDLE.build("float32", 0), make_rounding_model("float32")
    one, again, other = (
        make_budget(CHECKS["forward"], problem, rounding_model, seed) for seed in (0, 0, 50)
    )
    np.testing.assert_array_equal(one.sigmas["y"], again.sigmas["y"])
    np.testing.assert_array_equal(one.scores, again.scores)
    assert 0.05 < np.std(other.sigmas["y"] / one.sigmas["y"]) < 0.35


# The score: do all errors together look like a shift of one bias?


def random_case(seed, *, biases=True):
    """A small LSTM of random sizes, layers, directions, lengths and scales."""
    generator = np.random.default_rng([seed, 11])
    steps, size, inputs, hidden, layers, directions = generator.integers(1, [12, 6, 6, 8, 3, 3])
    config = Config(int(inputs), int(hidden), int(layers), int(directions), biases)
    draw = draw_for("random", seed, "float32")
    weight, scale = 10 ** generator.uniform(-1, 0.5, 2)
    params = build_parameters(config, lambda _, shape: draw(shape, weight * hidden**-0.5))
    lengths = generator.integers(1, steps + 1, size).astype(np.int32)
    x = draw((steps, size, inputs), scale)
    lengths = lengths if generator.random() < 0.4 else None
    return build_case(f"random{seed}", config, x, draw, lengths, params=params)


def test_rounding_looks_like_no_shift():
    """A score's standard deviation is one by the draws, and about one by NumPy."""
    scores = []
    for seed in range(40):
        problem = random_case(seed)
        score = judge(run("forward", problem), expect("forward", problem))
        assert score.shift < 6
        scores.append(score.shifts.ravel())
    assert 0.5 < rms(np.concatenate(scores)) < 1.2


def test_scores_have_a_standard_deviation_of_one_under_drawn_roundings():
    """Other draws than the budget's: Truths draws with seed 0."""
    problem = MIDDLE.build("float32", 0)
    expected = expect("forward", problem)
    rounding = make_rounding(make_rounding_model("float32"), 24, 77)
    found = CHECKS["forward"].run(Truth(rounding.lift, "float64"), problem)
    scores = [
        expected.budget.shifts({n: a.values[..., d] - expected.truth[n] for n, a in found.items()})
        for d in range(24)
    ]
    assert rms(np.array(scores)) == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize(("gate", "by"), [(0, 8e-7), (1, 7e-7), (3, 8e-7)], ids="ifo")
@pytest.mark.parametrize(("depth", "cell", "unit"), [(1, 0, 5), (2, 3, 0)], ids=["one", "four"])
def test_a_shift_is_found_at_its_place_where_no_element_is_beyond(gate, by, depth, cell, unit):
    """One bias of 64 or 256, by a tenth or less of what assert_close lets pass."""
    recipe = dataclasses.replace(MIDDLE, size=24, layers=depth, directions=depth)
    problem = recipe.build("float32", 0)
    expected = expect("forward", problem)
    found = run("forward", shift_bias(problem, by, cell, gate, unit))
    where = f"layer {depth - 1}{', reverse' * (depth - 1)}, gate {GATES[gate]}, unit {unit}:"
    with pytest.raises(Mismatch, match=f"shift of the bias of {where}") as caught:
        judge(found, expected)
    score = caught.value.score
    assert score.sigmas < ALLOWED < score.shift
    assert score.shifts[cell, gate, unit] == score.shift


def test_a_shift_has_a_sign_and_grows_with_what_it_is():
    problem = MIDDLE.build("float32", 0)
    budget, truth = expect("forward", problem).budget, Truth(dtype="float64")
    right = CHECKS["forward"].run(truth, problem)

    def score(by):
        wrong = CHECKS["forward"].run(truth, shift_bias(problem, by))
        return budget.shifts({n: wrong[n] - right[n] for n in wrong})[0, 2, 3]

    assert score(2.0**-14) == pytest.approx(-score(-(2.0**-14)), rel=1e-2)
    assert score(2.0**-14) == pytest.approx(2 * score(2.0**-15), rel=1e-2)
    assert score(2.0**-14) > 0


def test_the_score_is_the_derivative_of_the_weighted_errors():
    """By central differences, for a bias of each gate of each cell."""
    problem = build("ragged", "float64")
    budget = expect("forward", build("ragged")).budget
    generator = np.random.default_rng(0)
    truth = CHECKS["forward"].run(Truth(), problem)
    errors = {n: generator.normal(size=a.shape) for n, a in truth.items()}
    found = budget.shifts(errors) * budget.scores
    weights = {n: 1 / np.where(s > 0, s, np.inf) ** 2 for n, s in budget.sigmas.items()}
    step = 2.0**-16
    for cell in range(problem.config.cells):
        for gate in range(4):
            up, down = (
                CHECKS["forward"].run(Truth(), shift_bias(problem, by, cell, gate, 1))
                for by in (step, -step)
            )
            slope = sum(
                float((weights[n] * errors[n] * (up[n] - down[n])).sum()) / (2 * step) for n in up
            )
            assert found[cell, gate, 1] == pytest.approx(slope, rel=1e-4)


def test_an_lstm_without_biases_has_scores_of_those_that_it_lacks():
    problem = build("plain")
    score = judge(run("forward", problem), expect("forward", problem))
    assert score.shifts.shape == (1, 4, 6)
    assert 0 < score.shift < ALLOWED


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_number_that_is_none_does_not_spoil_the_score(value):
    problem = MIDDLE.build("float32", 0)
    expected, found = expect("forward", problem), run("forward", shift_bias(problem, 3e-6))
    found["y"][3, 2, 1] = value
    errors = {n: difference(found[n], expected.truth[n]) for n in found}
    shifts = expected.budget.shifts(errors)
    assert np.isfinite(shifts).all()
    assert shifts[0, 2, 3] > ALLOWED


def test_where_nothing_can_move_there_is_no_shift():
    for case in ("infinite", "overflowing", "nan"):
        problem = build(case)
        score = judge(run("values", problem), expect("values", problem))
        assert np.isfinite(score.shifts).all()


@pytest.mark.parametrize(
    ("check", "case"), [("gates", "deep"), ("gradients", "unit"), ("batch", "sequence")]
)
def test_a_check_that_has_no_outputs_has_no_scores(check, case):
    problem = build(case)
    expected = expect(check, problem)
    assert expected.budget.scores is None
    score = judge(run(check, problem), expected)
    assert (score.shift, score.shifts) == (0, None)


@pytest.mark.parametrize("case", ["no_steps", "no_sequences"])
def test_nothing_at_all_has_a_budget_too(case):
    problem = build(case)
    expected = expect("sizes", problem)
    assert judge(run("sizes", problem), expected).sigmas == 0
    assert expected.budget.scores is None


# What a backend declares of its arithmetic.

TF32 = 2.0**-11


class CutsFactors(Scratch):
    """Weights, inputs and states cut to TF32's eleven digits before each product."""

    def forward(self, config, params, batch):
        native = {n: a if ".b_" in n else cut(a) for n, a in params.items()}
        return super().forward(config, native, dataclasses.replace(batch, x=cut(batch.x)))


def cut(array):
    mantissa, exponent = np.frexp(array)
    return np.ldexp(np.round(mantissa * 2**11) / 2**11, exponent).astype(array.dtype)


def cut_cell(Z_x, H, C, W_h):
    return numpy_backend.cell(Z_x, cut(H), C, W_h)


def test_what_a_format_keeps_is_what_its_unit_says():
    numbers = np.random.default_rng(0).uniform(-4, 4, 100_000).astype(np.float32)
    errors = np.abs(cut(numbers) / numbers - 1)
    assert 0.98 * TF32 < errors.max() <= TF32


@pytest.mark.parametrize("case", ["sequence", "deep", "ragged"])
def test_tf32_passes_where_it_is_declared_and_nowhere_else(case):
    problem = build(case)
    found = run("forward", problem, CutsFactors(cell=cut_cell))
    with pytest.raises(Mismatch):
        judge(found, expect("forward", problem))
    expected = expect("forward", problem, {"factors": TF32})
    judge(found, expected)
    assert 0.2 < rms(ratios(found, expected)) < 1.2
    with pytest.raises(Mismatch):  # it excuses no other mistake
        judge(run("forward", shift_bias(problem, 0.03), CutsFactors()), expected)


def test_coarse_factors_are_float32s_alone_and_half_precision_has_no_bias():
    declared = {"factors": TF32, "bias": 3.0}
    narrow, single, wide = (
        make_rounding_model(d, declared) for d in ("float16", "float32", "float64")
    )
    assert narrow == make_rounding_model("float16")
    assert (single.factors, single.bias) == (TF32, 3.0)
    assert (wide.factors, wide.bias) == (0.0, 3.0)
    assert single.unit == wide.unit  # float64's draws are scaled


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(
    ("name", "value"),
    [("sloppy", 1.0), ("unit", 1.0), ("bias", -1.0), ("bias", np.nan), ("factors", np.inf)],
)
def test_what_cannot_be_declared_is_refused(dtype, name, value):
    with pytest.raises(
        ValueError, match=f"rounding_model declares '{name}': {value}, expected fact"
    ):
        make_rounding_model(dtype, {"bias": 2.0, name: value})


def off_tanh(units):
    """A cell whose tanh is off by so many units roundoff, always to the same side."""

    def tanh(x):
        return (np.tanh(x.astype(np.float64)) * (1 + units * 2.0**-24)).astype(x.dtype)

    def cell(Z_x, H, C, W_h):
        step = numpy_backend.cell(Z_x, H, C, W_h)
        Z_c = np.split(Z_x + H @ W_h, 4, -1)[2]
        C_new = step.F * C + step.I * tanh(Z_c)
        return dataclasses.replace(step, C_tilde=tanh(Z_c), C=C_new, H=step.O * tanh(C_new))

    return Scratch(cell=cell)


def test_a_tanh_that_is_off_looks_like_a_shift_unless_it_is_declared():
    """1.5 units, as XLA's is on a CPU: no element is beyond rounding, and the score sees it."""
    problem = MIDDLE.build("float32", 0)
    plain, declared = (expect("forward", problem, d) for d in ({}, {"bias": 2.0}))
    right, off = (run("forward", problem, off_tanh(units)) for units in (0, 1.5))
    judge(right, plain)
    with pytest.raises(Mismatch, match="together they look like a shift") as caught:
        judge(off, plain)
    assert caught.value.score.sigmas < ALLOWED
    judge(off, declared)
    with pytest.raises(Mismatch):
        judge(run("forward", problem, off_tanh(30)), declared)


def test_a_declared_arithmetic_allows_more_of_outputs_and_of_shifts():
    problem = build("sequence")
    plain = expect("forward", problem).budget
    for declared in ({"bias": 4.0}, {"factors": TF32}):
        wide = expect("forward", problem, declared).budget
        assert rms(wide.sigmas["y"]) > 1.2 * rms(plain.sigmas["y"])


def test_blocks_of_any_size_have_the_same_bits(monkeypatch):
    problem, rounding_model = MIDDLE.build("float32", 0), make_rounding_model("float32")
    whole = make_budget(CHECKS["gradients"], problem, rounding_model)
    monkeypatch.setattr(budget, "_BLOCK", 100)
    monkeypatch.setattr(noise, "_BLOCK", 100)
    parts = make_budget(CHECKS["gradients"], problem, rounding_model)
    for name, sigma in whole.sigmas.items():
        np.testing.assert_array_equal(parts.sigmas[name], sigma)


@pytest.mark.parametrize(
    ("elements", "draws", "at_once"),
    [(10_000, 71, 71), (170_000, 110, 70), (10_000_000, 32, 1)],
)
def test_many_elements_are_drawn_in_more_passes_and_fewer_times(elements, draws, at_once):
    passes = budget._passes(MIDDLE.build("float32", 0), elements)
    assert (sum(passes), max(passes)) == (draws, at_once)
