"""What is cut up, turned round and put together again is the whole: shown on the truth."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity.backends.numpy.scratch import Scratch
from gateparity.conformance.judgement.budget import make_budget, make_rounding_model
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.problems.cases import RECIPES, Recipe
from gateparity.conformance.problems.slices import cut_steps, pick_sequences
from gateparity.conformance.requirements.answers import forward, gradients
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.requirements.symmetries import Symmetry
from gateparity.errors import InputError, Unsupported
from gateparity.network.batch import arrays_by_name
from gateparity.network.parameters import fields
from gateparity.protocol.canonical import Canonical

HARD = Recipe("hard", layers=3, directions=2, lengths=(3, 5, 1))
BOTH = Recipe("both", layers=2, lengths=(3, 5, 1))
ROUTES = {
    "batch": ("step by step", "sequence by sequence"),
    "carry": ("in chunks",),
    "directions": ("in reversed time",),
    "layers": ("layer by layer",),
    "permutation": ("with units permuted", "with sequences permuted"),
}
ORDINARY = ("sequence", "unit", "plain", "ragged", "stacked", "deep")
MINE = ("layout", *ROUTES, "lengths", "refusal")


def whole(case):
    return forward(Truth(), case) | gradients(Truth(), case)


@pytest.mark.parametrize(
    ("name", "recipe"),
    [
        pytest.param(name, recipe, id=f"{name}-{recipe.name}")
        for name in ROUTES
        for recipe in (*(RECIPES[n] for n in ORDINARY), HARD, BOTH)
        if name != "carry" or recipe.directions == 1
    ],
)
def test_every_route_leads_to_the_whole(name, recipe):
    case = recipe.build("float32", 0)
    expected, found, seen = whole(case), CHECKS[name].run(Truth(), case), set()
    for words in ROUTES[name]:
        for key, array in found.items():
            if key.endswith(f", {words}"):
                seen.add(words)
                base = expected[key.removesuffix(f", {words}")]
                np.testing.assert_allclose(array, base, rtol=1e-9, atol=1e-12, err_msg=key)
    two = recipe.directions == 2
    one_way = {"step by step"} if two else {"in reversed time"}
    assert seen == set(ROUTES[name]) - one_way


def test_gradients_stop_at_a_cut():
    """The last chunk's are its own; those of the first don't know what came later."""
    case = RECIPES["stacked"].build("float64", 0)
    found, steps = CHECKS["carry"].run(Truth(), case), len(case.batch.x)
    assert found["d_h_0, stopped at each cut"].shape == (3, *case.batch.states["h"].shape)
    kept = found["d_x, stopped at each cut"], whole(case)["d_x"]
    np.testing.assert_allclose(kept[0][-2:], kept[1][-2:], rtol=1e-12)
    first = cut_steps(case, 0, 2, case.batch.states)
    np.testing.assert_array_equal(kept[0][:2], whole(first)["d_x"])
    assert not np.allclose(kept[0][: steps - 2], kept[1][: steps - 2], rtol=1e-3)


def test_carry_refuses_two_directions():
    case = RECIPES["deep"].build("float32", 0)
    with pytest.raises(InputError, match=r"^carry needs an LSTM of 1 direction, found 2$"):
        CHECKS["carry"].run(Truth(), case)


def test_a_short_sequence_is_what_it_is_alone():
    found = CHECKS["lengths"].run(Truth(), RECIPES["ragged"].build("float64", 0))
    np.testing.assert_allclose(found["y, sequence 0 alone"], found["y"][:3, :1], rtol=1e-15)
    for name in ("h_n", "c_n"):
        alone = found[f"{name}, sequence 0 alone"]
        np.testing.assert_allclose(alone, found[name][:, :1], rtol=1e-15)


def test_nan_in_the_padding_changes_nothing():
    case = RECIPES["nan_padding"].build("float32", 0)
    dead = np.arange(5)[:, None] >= case.batch.lengths
    assert np.isnan(case.batch.x[dead]).all()
    assert np.isfinite(case.batch.x[~dead]).all()
    clean = dataclasses.replace(case.batch, x=np.nan_to_num(case.batch.x, nan=0.5))
    expected = CHECKS["lengths"].run(Truth(), dataclasses.replace(case, batch=clean))
    for name, array in CHECKS["lengths"].run(Truth(), case).items():
        np.testing.assert_array_equal(array, expected[name], name)


def test_lengths_are_cut_with_the_steps():
    case = BOTH.build("float32", 0)
    cut = cut_steps(case, 2, 4, {"h": case.batch.states["h"]}).batch
    assert list(cut.lengths) == [1, 2, 0]
    assert cut.lengths.dtype == case.batch.lengths.dtype
    assert set(cut.states) == {"h"}


def test_sequences_are_picked_in_order():
    case = BOTH.build("float32", 0)
    picked = pick_sequences(case, np.array([2, 0]))
    assert list(picked.batch.lengths) == [1, 3]
    np.testing.assert_array_equal(picked.batch.x, case.batch.x[:, [2, 0]])
    np.testing.assert_array_equal(picked.batch.states["c"], case.batch.states["c"][:, [2, 0]])
    np.testing.assert_array_equal(
        picked.cotangent.states["h"], case.cotangent.states["h"][:, [2, 0]]
    )


@pytest.mark.parametrize("reverses_time", [False, True])
def test_a_symmetry_undoes_itself(reverses_time):
    case, generator = HARD.build("float32", 0), np.random.default_rng(0)
    units = np.stack([generator.permutation(6) for _ in range(6)])
    cells = np.array([1, 0, 2, 3, 5, 4])
    turn = Symmetry(case.config, cells, units, reverses_time=reverses_time)
    back, ends = turn.inverse, case.batch.lengths
    params = back.turn_parameters(turn.turn_parameters(case.params))
    for cell, expected in zip(params, case.params, strict=True):
        for name, array in fields(expected).items():
            np.testing.assert_array_equal(fields(cell)[name], array, name)
    batch = back.turn_batch(turn.turn_batch(case.batch, ends), ends)
    cotangents = back.turn_outputs(turn.turn_outputs(case.cotangent, ends), ends)
    for found, expected in ((batch, case.batch), (cotangents, case.cotangent)):
        for name, array in arrays_by_name(expected).items():
            np.testing.assert_array_equal(arrays_by_name(found)[name], array, name)
    assert not np.array_equal(turn.turn_outputs(case.cotangent, ends).y, case.cotangent.y)


@pytest.mark.parametrize("name", MINE)
def test_the_budget_covers_every_array(name):
    for recipe in CHECKS[name].cases:
        case = RECIPES[recipe].build("float32", 0)
        budget = make_budget(CHECKS[name], case, make_rounding_model("float32", {}))
        assert list(budget.sigmas) == list(CHECKS[name].run(Truth(), case))


@pytest.mark.parametrize("lstm", [Truth(), Canonical(Scratch())], ids=["truth", "numpy"])
@pytest.mark.parametrize("name", ORDINARY)
def test_nonsense_is_refused_by_name(name, lstm):
    for dtype in ("float32", "float64"):
        found = CHECKS["refusal"].run(lstm, RECIPES[name].build(dtype, 0))
        assert len(found) == 24
        assert {name for name, array in found.items() if array != 1} == set()


class Careless(Truth):
    """Takes what it gets."""

    def accept(self, config, params, batch, cotangent=None):
        return self._config(config)


class Vague(Truth):
    """Refuses without a name."""

    def accept(self, config, params, batch, cotangent=None):
        try:
            return super().accept(config, params, batch, cotangent)
        except (ValueError, TypeError):
            raise ValueError("no") from None


class Shy(Truth):
    """Calls nonsense a feature that it lacks."""

    def accept(self, config, params, batch, cotangent=None):
        try:
            return super().accept(config, params, batch, cotangent)
        except (ValueError, TypeError) as error:
            raise Unsupported(str(error)) from None


@pytest.mark.parametrize("lstm", [Careless(), Vague(), Shy()], ids=["careless", "vague", "shy"])
def test_nonsense_that_is_not_refused_by_name_is_seen(lstm):
    found = CHECKS["refusal"].run(lstm, RECIPES["sequence"].build("float32", 0))
    assert any(array == 0 for array in found.values())
    if not isinstance(lstm, Careless):  # which fails by itself at some
        assert all(array == 0 for array in found.values())


def test_an_adapter_may_tell_what_its_weights_hold():
    class Halves(Scratch):
        def weights(self, config, params):
            return {n: a.astype("float16").astype(a.dtype) for n, a in params.items()}

    class Renames(Scratch):
        def weights(self, config, params):
            return {n.lower(): a for n, a in params.items()}

    case = RECIPES["deep"].build("float32", 0)
    kept = CHECKS["layout"].run(Canonical(Scratch()), case)
    cut = CHECKS["layout"].run(Canonical(Halves()), case)
    truth = CHECKS["layout"].run(Truth(), case)
    assert list(kept) == list(cut) == list(truth)
    for name, array in truth.items():
        np.testing.assert_allclose(kept[name], array, rtol=0, atol=1e-7, err_msg=name)
        assert np.abs(cut[name] - array).max() > 1e-5, name
    with pytest.raises(ValueError, match="missing arrays"):
        CHECKS["layout"].run(Canonical(Renames()), case)


def test_one_layer_alone_reads_what_it_is_given():
    """Layer by layer asks for LSTMs of one layer, each of its own input size."""
    asked = []

    class Notes(Truth):
        def forward(self, config, params, batch):
            asked.append((config.layers, config.input_size, batch.x.shape[-1]))
            return super().forward(config, params, batch)

    case = RECIPES["stacked"].build("float32", 0)
    CHECKS["layers"].run(Notes(), case)
    assert set(asked) == {(2, 4, 4), (1, 4, 4), (1, 6, 6)}
