"""Training in each framework's own environment: its optimiser, its autodiff, its deviations."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.conformance.training.horizon import ReferenceCache
from gateparity.conformance.training.parity import judge_training
from gateparity.conformance.training.problems import CALM, make_problem, run_problem
from gateparity.conformance.training.trainers import AdapterTrainer

ROWS = [(n, v) for n in FRAMEWORKS if n != "numpy" for v in FRAMEWORKS[n].targets]
TWO_BIASES = {("torch", "layer"), ("mxnet", "layer")}
COURSES = ReferenceCache(0)


def judged(adapter, problem, copies=1):
    reference = COURSES.of(problem.name, problem.config.dtype, adapter.rounding_model, copies)
    return judge_training(run_problem(AdapterTrainer(adapter), problem), reference)


def in_float32(name, problem):
    """Whether the framework holds a float64 problem's constants in float32."""
    return (name, problem.config.dtype, problem.recipe.optimizer) == ("mxnet", "float64", "adam")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("problem", CALM)
@pytest.mark.parametrize(("name", "variant"), ROWS)
def test_it_trains_within_rounding(load, name, variant, problem, dtype):
    adapter, made = load(name, variant), make_problem(problem, dtype)
    found = judged(adapter, made)
    assert bool(found.differs) == in_float32(name, made), found.differs


@pytest.mark.parametrize("problem", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize(("name", "variant"), ROWS)
def test_a_run_in_two_calls_ends_in_the_bits_of_one(load, name, variant, problem):
    adapter, made = load(name, variant), make_problem(problem, "float32")
    config, recipe, trainer = made.config, made.recipe, AdapterTrainer(adapter)
    start = trainer.begin(config, made.params, made.head, recipe)
    batches = [batch for epoch in made.epochs[:3] for batch in epoch]
    whole = trainer.train(config, start, batches, recipe)
    first = trainer.train(config, start, batches[:2], recipe)
    again = trainer.train(config, start, batches[:1], recipe)  # what is in between must not matter
    params = dict(reversed(first.state.params.items()))  # a file keeps no order
    state = dataclasses.replace(first.state, params=params)
    then = trainer.train(config, state, batches[2:], recipe)
    np.testing.assert_array_equal(np.concatenate([first.losses, then.losses]), whole.losses)
    np.testing.assert_array_equal(again.losses, whole.losses[:1])
    for key, array in whole.state.params.items():
        np.testing.assert_array_equal(then.state.params[key], array, key)


@pytest.mark.parametrize("name", ["jax", "tensorflow"])
def test_a_step_is_compiled_once_for_a_shape(load, name):
    adapter = load(name, "scratch")
    made = make_problem("sgd", "float32")
    recipe = dataclasses.replace(made.recipe, rate=0.5 + 2**-7)  # one that no other test compiled
    trainer = AdapterTrainer(adapter)
    state = trainer.begin(made.config, made.params, made.head, recipe)
    first = trainer.train(made.config, state, made.epochs[0], recipe)
    second = trainer.train(made.config, first.state, made.epochs[0], recipe)
    assert (first.compiled, second.compiled) == (1, 0)


@pytest.mark.parametrize(("name", "variant"), ROWS)
def test_two_native_biases_train_as_if_each_bias_were_there_twice(load, name, variant):
    adapter = load(name, variant)
    problem = make_problem("sgd", "float32", biases="separate")
    assert bool(judged(adapter, problem).differs) == ((name, variant) in TWO_BIASES)
    if (name, variant) in TWO_BIASES:
        assert not judged(adapter, problem, copies=2).differs


@pytest.mark.parametrize(("name", "variant"), ROWS)
def test_a_gradient_that_is_stopped_at_a_step_is_seen_at_step_1(load, name, variant):
    """A fault in one backend's backward pass: forward it is the same function."""
    adapter, problem = load(name, variant), make_problem("sgd", "float32")
    found = judged(dataclasses.replace(adapter, run=Truncated(adapter.run, name)), problem)
    assert found.differs.startswith("norm of step 1 of epoch 1: found "), found.differs


@dataclasses.dataclass(frozen=True)
class Truncated:
    """The first two steps by themselves: nothing goes back from the third to them."""

    run: object
    framework: str

    def __call__(self, config, params, X, H, C, lengths):
        if X.shape[0] < 3:  # a first call, for nothing but its variables
            return self.run(config, params, X, H, C, lengths)
        stop, join = stop_and_join(self.framework)
        first, H, C, *_ = self.run(config, params, X[:2], H, C, lengths)
        second, H, C, *_ = self.run(config, params, X[2:], stop(H), stop(C), lengths)
        return join([first, second]), H, C


def stop_and_join(framework):
    if framework == "jax":
        from jax import lax
        from jax import numpy as jnp

        return lax.stop_gradient, jnp.concatenate
    if framework == "tensorflow":
        import tensorflow as tf

        return tf.stop_gradient, lambda arrays: tf.concat(arrays, 0)
    if framework == "torch":
        import torch

        return lambda array: array.detach(), torch.cat
    from mxnet import nd

    return lambda array: array.detach(), lambda arrays: nd.concat(*arrays, dim=0)


def test_stacked_mxnet_lstms_in_float64_need_the_gradient_of_their_inputs():
    """Without it, what goes from one layer to the one below is wrong: why the learner asks."""
    pytest.importorskip("mxnet", exc_type=ImportError)
    import mxnet as mx
    from mxnet import autograd, nd

    def gradient(dtype, *, ask):
        generator = np.random.default_rng(0)
        lstm = mx.gluon.rnn.LSTM(6, 2, input_size=4, dtype=dtype, prefix="")
        lstm.initialize(mx.init.Zero())
        for parameter in lstm.collect_params().values():
            array = generator.normal(size=parameter.shape) * 0.4
            parameter.set_data(nd.array(array, dtype=dtype))
        x = nd.array(generator.normal(size=(5, 3, 4)), dtype=dtype)
        head = nd.array(generator.normal(size=(5, 3, 6)), dtype=dtype)
        if ask:
            x.attach_grad()
        with autograd.record():
            y = lstm(x)
        y.backward(head)
        return lstm.collect_params()["l0_h2h_weight"].grad().asnumpy()

    expected, wrong = (gradient(dtype, ask=False) for dtype in ("float32", "float64"))
    # It holds what lay in its memory, which may be NaN.
    assert not np.allclose(wrong, expected, rtol=0, atol=1e-2)
    np.testing.assert_allclose(gradient("float64", ask=True), expected, atol=1e-4)


@pytest.mark.parametrize("choice", ["loss", "optimizer"])
@pytest.mark.parametrize(("name", "variant"), ROWS)
def test_an_unknown_loss_or_optimiser_trains_as_no_other(load, name, variant, choice):
    adapter, made = load(name, variant), make_problem("sgd", "float32")
    recipe, trainer = dataclasses.replace(made.recipe), AdapterTrainer(adapter)
    start = trainer.begin(made.config, made.params, made.head, recipe)
    object.__setattr__(recipe, choice, "new")  # what a Literal that grew would let in
    with pytest.raises(AssertionError, match="'new' is a choice that no branch handles"):
        trainer.train(made.config, start, made.epochs[0], recipe)
