"""The truth is wider than what it judges, right by the definition, and knows no layout."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity import layouts
from gateparity.backends.numpy import equations as numpy_backend
from gateparity.backends.numpy import scratch
from gateparity.backends.numpy.scratch import Scratch
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.problems.cases import RECIPES, Recipe
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.plan import named_plan
from gateparity.network.batch import arrays_by_name, replace_arrays
from gateparity.network.parameters import CellWeights, fields
from gateparity.packing.layout import Layout
from gateparity.protocol.canonical import Canonical

WIDER = {"float16": np.float64, "float32": np.float64, "float64": np.longdouble}
HARD = Recipe("hard", layers=2, directions=2, lengths=(3, 5, 1))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_definition(case):
    """The equations, one sequence and one step at a time, in longdouble."""
    config, batch = case.config, case.batch
    wide = {
        n: np.asarray(a, np.longdouble) for n, a in arrays_by_name(batch).items() if n != "lengths"
    }
    steps, size, _ = batch.x.shape
    h_n, c_n = wide["h_0"].copy(), wide["c_0"].copy()
    y = np.zeros((steps, size, config.output_size), np.longdouble)
    for b in range(size):
        length = steps if batch.lengths is None else batch.lengths[b]
        below = list(wide["x"][:length, b])
        for layer in range(config.layers):
            above = [[] for _ in below]
            for direction in range(config.directions):
                k = layer * config.directions + direction
                cell = CellWeights(
                    **{n: a.astype(np.longdouble) for n, a in fields(case.params[k]).items()}
                )
                h, c = h_n[k, b], c_n[k, b]
                for t in range(length)[:: -1 if direction else 1]:
                    z = cell.w_ih @ below[t] + cell.b_ih + cell.w_hh @ h + cell.b_hh
                    i, f, g, o = sigmoid(z[0]), sigmoid(z[1]), np.tanh(z[2]), sigmoid(z[3])
                    c = f * c + i * g
                    h = o * np.tanh(c)
                    above[t].extend(h)
                h_n[k, b], c_n[k, b] = h, c
            below = [np.array(backend) for backend in above]
        y[:length, b] = below
    return {"y": y, "h_n": h_n, "c_n": c_n}


@pytest.mark.parametrize("recipe", [*(RECIPES[n] for n in ("sequence", "ragged", "deep")), HARD])
def test_forward_is_the_definition(recipe):
    case = recipe.build("float64", 1)
    found = arrays_by_name(Truth().forward(case.config, case.params, case.batch))
    for name, expected in by_definition(case).items():
        np.testing.assert_allclose(found[name], expected, rtol=0, atol=1e-15, err_msg=name)


@pytest.mark.parametrize("name", [name for name in CHECKS if name != "refusal"])
def test_every_answer_is_one_precision_up(name):
    """All but a refusal, which is yes or no."""
    for check, case in named_plan((), [name], 0):
        for key, array in check.run(Truth(), case).items():
            assert array.dtype == WIDER[case.config.dtype], key


def test_longdouble_is_used_for_more_than_its_name():
    """A float64 result differs from the truth in the last digits."""
    if np.finfo(np.longdouble).eps == np.finfo(np.float64).eps:
        pytest.skip("longdouble is no wider than float64 here")
    case = RECIPES["sequence"].build("float64", 0)
    y = Truth().forward(case.config, case.params, case.batch).y
    assert (y != y.astype(np.float64)).mean() > 0.9


def test_no_layout_is_asked(monkeypatch):
    """Gates renamed in the layout change NumPy's own answer, and not the truth's."""
    plan = named_plan((), (), 0)
    before = [check.run(Truth(), case) for check, case in plan]
    check, case = plan[0]
    honest = check.run(Canonical(Scratch()), case)
    wrong = dataclasses.replace(layouts.D2L, gates=("f", "i", "c", "o"), order="oifg")
    monkeypatch.setattr(layouts, "D2L", wrong)
    monkeypatch.setattr(scratch, "D2L", wrong)
    monkeypatch.setattr(Scratch, "layout", wrong)
    lied = check.run(Canonical(Scratch()), case)
    assert not np.allclose(lied["y"], honest["y"], atol=1e-3)
    for name in ("pack", "unpack", "pullback", "native_arrays"):
        monkeypatch.setattr(Layout, name, None)
    for (check, case), expected in zip(plan, before, strict=True):
        for name, array in check.run(Truth(), case).items():
            np.testing.assert_array_equal(array, expected[name], f"{check.name}: {name}")


def test_what_does_not_fit_is_refused():
    for dtype in ("float16", "float32", "float64"):
        found = CHECKS["refusal"].run(Truth(), RECIPES["ragged"].build(dtype, 0))
        assert len(found) > 20
        assert all(array == 1 for array in found.values())


def test_its_equations_can_be_exchanged():
    """One that forgets the cell state gives other answers, at the same precision."""

    def forgetful(Z_x, H, C, W_h):
        return numpy_backend.cell(Z_x, H, 0 * C, W_h)

    case = RECIPES["sequence"].build("float32", 0)
    truth, other = Truth(), Truth(scratch=Scratch(cell=forgetful))
    right, wrong = (t.forward(case.config, case.params, case.batch) for t in (truth, other))
    assert np.abs(right.y - wrong.y).max() > 0.01
    assert wrong.y.dtype == np.float64


def moved(arrays, directions, step):
    return {name: array + step * directions[name] for name, array in arrays.items()}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("recipe", [HARD, RECIPES["plain"]], ids=["hard", "plain"])
def test_gradients_are_those_of_finite_differences(recipe, seed):
    """Central differences along a random direction in everything at once, in longdouble."""
    case = recipe.build("float64", seed)
    config, batch, cotangent = case.config, case.batch, case.cotangent
    d_params, d_batch = Truth().gradients(config, case.params, batch, cotangent)
    place = {f"{k} {n}": a for k, cell in enumerate(case.params) for n, a in fields(cell).items()}
    slope = {f"{k} {n}": a for k, cell in enumerate(d_params) for n, a in fields(cell).items()}
    assert list(place) == list(slope)
    shape = cotangent.states["h"].shape
    for name in ("x", "h_0", "c_0"):
        place[name] = arrays_by_name(batch).get(name, np.zeros(shape))
        slope[name] = arrays_by_name(d_batch)[name]
    place = {name: array.astype(np.longdouble) for name, array in place.items()}
    generator = np.random.default_rng(seed)
    directions = {n: generator.uniform(-1, 1, a.shape) for n, a in place.items()}

    weights = arrays_by_name(cotangent)

    def value(arrays):
        params = tuple(
            CellWeights(**{n: arrays[f"{k} {n}"] for n in fields(cell)})
            for k, cell in enumerate(case.params)
        )
        states = {name: arrays[name] for name in ("x", "h_0", "c_0")}
        found = Truth().forward(config, params, replace_arrays(batch, **states))
        return sum((weights[n] * array).sum() for n, array in arrays_by_name(found).items())

    step = np.cbrt(np.finfo(np.longdouble).eps)
    rise = value(moved(place, directions, step)) - value(moved(place, directions, -step))
    expected = sum((slope[name] * directions[name]).sum() for name in place)
    assert abs(rise / (2 * step) - expected) < 1e-8 * abs(expected)
    for name in place:  # and of each array by itself: no error of one hides behind another's
        alone = {n: d if n == name else np.zeros_like(d) for n, d in directions.items()}
        rise = value(moved(place, alone, step)) - value(moved(place, alone, -step))
        found = (slope[name] * directions[name]).sum()
        assert abs(rise / (2 * step) - found) < 1e-8 * max(abs(found), 1e-3), name


def test_padding_gets_no_gradient():
    case = HARD.build("float64", 0)
    _, d_batch = Truth().gradients(case.config, case.params, case.batch, case.cotangent)
    live = np.arange(5)[:, None] < case.batch.lengths
    assert not d_batch.x[~live].any()
    assert d_batch.x[live].all()


def test_both_biases_get_the_same_gradient():
    case = HARD.build("float32", 0)
    d_params, _ = Truth().gradients(case.config, case.params, case.batch, case.cotangent)
    for cell in d_params:
        np.testing.assert_array_equal(cell.b_ih, cell.b_hh)
