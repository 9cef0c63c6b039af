"""NumPy's training against finite differences, and against optimisers written out by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity.backends.numpy.scratch import Scratch
from gateparity.backends.numpy.training import differentiate
from gateparity.network.batch import Batch
from gateparity.network.config import Config
from gateparity.protocol.training import Examples, Recipe, TrainingState

STEP = 1e-6
RATE, CLIP = 0.5, 0.125


def make(loss="cross_entropy", layers=1, directions=1, seed=0, **recipe):
    config = Config(5, 3, layers, directions, dtype="float64")
    generator = np.random.default_rng(seed)
    outputs = 5 if loss == "cross_entropy" else 2
    shapes = {block.name: block.shape for block in Scratch().layout.native_arrays(config)}
    shapes |= {"W_hq": (3 * directions, outputs), "b_q": (outputs,)}
    params = {name: generator.normal(size=shape) * 0.5 for name, shape in shapes.items()}
    if loss == "cross_entropy":
        codes = generator.integers(0, 5, (5, 2))
        examples = Examples(codes[:-1], codes[1:])
    else:
        examples = Examples(generator.normal(size=(4, 2, 5)), generator.normal(size=(2, 2)))
    return config, params, examples, Recipe(loss, **recipe)


def gradients(config, params, examples, recipe, states=None):
    x = examples.x
    if recipe.loss == "cross_entropy":
        x = np.eye(config.input_size)[x]
    return differentiate(Scratch(), config, params, Batch(x, states), examples.target, recipe)


def loss_of(config, params, examples, recipe, states=None):
    """By the loss' own definition, from the outputs."""
    x = np.eye(5)[examples.x] if recipe.loss == "cross_entropy" else examples.x
    outputs = Scratch().forward(config, params, Batch(x, states))
    if recipe.loss == "squared_error":
        last = np.concatenate(outputs.states["h"][-config.directions :], -1)
        return np.mean((last @ params["W_hq"] + params["b_q"] - examples.target) ** 2)
    logits = outputs.y @ params["W_hq"] + params["b_q"]
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    return -np.mean(np.log((probabilities * np.eye(5)[examples.target]).sum(-1)))


@pytest.mark.parametrize(
    ("loss", "layers", "directions"),
    [("cross_entropy", 1, 1), ("cross_entropy", 2, 2), ("squared_error", 2, 2)],
)
def test_gradients_are_those_of_finite_differences(loss, layers, directions):
    config, params, examples, recipe = make(loss, layers, directions)
    found, gradient, *_ = gradients(config, params, examples, recipe)
    assert found == pytest.approx(loss_of(config, params, examples, recipe), abs=1e-14)
    for name, array in params.items():
        for at in np.ndindex(array.shape):
            moved = [{**params, name: array.copy()} for _ in range(2)]
            moved[0][name][at] += STEP
            moved[1][name][at] -= STEP
            up, down = (loss_of(config, p, examples, recipe) for p in moved)
            assert gradient[name][at] == pytest.approx((up - down) / (2 * STEP), abs=1e-9), name


def train(config, params, batches, recipe, state=None):
    return Scratch().train(config, state or TrainingState(params), batches, recipe)


def clipped(gradient, clip):
    norm = np.sqrt(sum((g**2).sum() for g in gradient.values()))
    scale = min(1.0, clip / norm) if clip else 1.0
    return norm, {name: g * scale for name, g in gradient.items()}


@pytest.mark.parametrize("clip", [None, CLIP, 1024.0])
def test_sgd_is_its_formula(clip):
    config, params, examples, recipe = make(rate=RATE, clip=clip)
    found = train(config, params, [examples], recipe)
    loss, gradient, *_ = gradients(config, params, examples, recipe)
    norm, gradient = clipped(gradient, clip)
    assert found.losses[0] == loss
    assert found.norms[0] == pytest.approx(norm, rel=1e-14)
    for name, array in params.items():
        expected = array - RATE * gradient[name]
        np.testing.assert_allclose(found.state.params[name], expected, rtol=1e-13)


def by_hand(recipe, config, params, examples, steps):
    """Momentum and Adam as their papers have them, one element-wise formula after another."""
    params, m, v = dict(params), dict.fromkeys(params, 0.0), dict.fromkeys(params, 0.0)
    for t in range(1, steps + 1):
        _, gradient, *_ = gradients(config, params, examples, recipe)
        for name, g in clipped(gradient, recipe.clip)[1].items():
            if recipe.optimizer == "momentum":
                m[name] = recipe.momentum * m[name] + g
                params[name] = params[name] - recipe.rate * m[name]
                continue
            m[name] = recipe.beta_1 * m[name] + (1 - recipe.beta_1) * g
            v[name] = recipe.beta_2 * v[name] + (1 - recipe.beta_2) * g**2
            m_hat, v_hat = m[name] / (1 - recipe.beta_1**t), v[name] / (1 - recipe.beta_2**t)
            change = m_hat / (np.sqrt(v_hat) + recipe.epsilon)
            params[name] = params[name] - recipe.rate * change
    return params


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
def test_an_optimiser_is_its_formula(optimizer, loss):
    config, params, examples, recipe = make(loss, optimizer=optimizer, rate=0.25, clip=CLIP)
    found = train(config, params, [examples] * 4, recipe)
    expected = by_hand(recipe, config, params, examples, 4)
    for name, array in expected.items():
        np.testing.assert_allclose(found.state.params[name], array, rtol=1e-11, atol=1e-14)


def test_states_are_carried_and_not_differentiated_through():
    config, params, examples, recipe = make(layers=2, rate=RATE, carry=True)
    found = train(config, params, [examples, examples], recipe)
    _, gradient, states = gradients(config, params, examples, recipe)
    moved = {name: array - RATE * gradient[name] for name, array in params.items()}
    loss, gradient, states = gradients(config, moved, examples, recipe, states)
    assert found.losses[1] == pytest.approx(loss, rel=1e-14)
    np.testing.assert_allclose(found.state.h, states["h"], rtol=1e-13)
    for name, array in moved.items():
        expected = array - RATE * gradient[name]
        np.testing.assert_allclose(found.state.params[name], expected, rtol=1e-12, atol=1e-14)


def test_without_carry_every_batch_begins_from_zeros():
    config, params, examples, recipe = make(rate=0.0)
    found = train(config, params, [examples, examples], recipe)
    assert found.losses[0] == found.losses[1]
    assert found.state.h is None


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_run_in_two_calls_ends_in_the_bits_of_one(optimizer, dtype):
    config, params, examples, recipe = make(optimizer=optimizer, rate=0.25, clip=CLIP, carry=True)
    config = dataclasses.replace(config, dtype=dtype)
    params = {name: array.astype(dtype) for name, array in params.items()}
    whole = train(config, params, [examples] * 5, recipe)
    first = train(config, params, [examples] * 2, recipe)
    then = train(config, params, [examples] * 3, recipe, first.state)
    assert then.state.step == 5
    np.testing.assert_array_equal(np.concatenate([first.losses, then.losses]), whole.losses)
    for name, array in whole.state.params.items():
        np.testing.assert_array_equal(then.state.params[name], array, name)
        assert array.dtype == dtype


def test_the_order_of_names_means_nothing():
    config, params, examples, recipe = make(optimizer="adam", rate=0.25, clip=CLIP)
    config = dataclasses.replace(config, dtype="float32")
    params = {name: array.astype("float32") for name, array in params.items()}
    other = dict(reversed(params.items()))
    one, two = (train(config, p, [examples] * 6, recipe) for p in (params, other))
    np.testing.assert_array_equal(one.norms, two.norms)
    for name, array in one.state.params.items():
        np.testing.assert_array_equal(two.state.params[name], array)


def test_a_call_writes_to_nothing_that_it_is_given():
    config, params, examples, recipe = make(optimizer="adam", rate=0.25)
    before = {name: array.copy() for name, array in params.items()}
    first = train(config, params, [examples], recipe)
    kept = {name: array.copy() for name, array in first.state.slots.items()}
    train(config, params, [examples], recipe, first.state)
    for name, array in params.items():
        np.testing.assert_array_equal(array, before[name])
    for name, array in first.state.slots.items():
        np.testing.assert_array_equal(array, kept[name])


def test_the_prediction_is_the_output_layer_on_the_outputs():
    config, params, examples, recipe = make()
    answer = Scratch().predict(config, TrainingState(params), examples.x, recipe)
    outputs = Scratch().forward(config, params, Batch(np.eye(5)[examples.x]))
    np.testing.assert_array_equal(answer.output, outputs.y @ params["W_hq"] + params["b_q"])
    np.testing.assert_array_equal(answer.h_n, outputs.states["h"])


@pytest.mark.parametrize("choice", ["loss", "optimizer"])
def test_an_unknown_loss_or_optimiser_trains_as_no_other(choice):
    config, params, examples, recipe = make()
    object.__setattr__(recipe, choice, "new")  # what a Literal that grew would let in
    with pytest.raises(AssertionError, match="'new' is a choice that no branch handles"):
        train(config, params, [examples], recipe)
