"""A correct port on a real engine ends with "agrees" if it names the engine, and else is told how.

Both ports are as a user writes them: Keras' layer on TensorFlow, and Flax' cell on JAX.
"""

from __future__ import annotations

from typing import Final

import pytest

from tests.command import run_command

CASES = ("sequence", "plain", "one_step", "deep", "saturated", "overflowing", "subnormal", "steep")
NAMED = [word for name in CASES for word in ("--case", name)]
KERAS: Final = """
import functools

import keras
import tensorflow as tf
from gateparity import Batch, Gradients, Layout, Outputs, ArraySpec
from gateparity.network.batch import initial_states

FULL = "it takes full sequences only"


class Unnamed:
    layout = Layout(
        "port",
        (
            ArraySpec("kernel", "w_ih", "input (gate hidden)"),
            ArraySpec("recurrent_kernel", "w_hh", "unit (gate hidden)"),
            ArraySpec("bias", "b", "(gate hidden)"),
        ),
    )
    unsupported = {"lengths": FULL, "empty_sequence": FULL, "empty_batch": FULL}
    threads = False  # two would write into one layer

    def forward(self, config, params, batch):
        _, _, outputs = run(config, params, batch)
        y, h_n, c_n = (array.numpy() for array in outputs)
        return Outputs(y, {"h": h_n, "c": c_n})

    def gradients(self, config, params, batch, cotangent):
        with tf.GradientTape() as tape:
            weights, inputs, outputs = run(config, params, batch, tape)
        heads = (cotangent.y, cotangent.states["h"], cotangent.states["c"])
        found, given = tape.gradient(outputs, (weights, inputs), [tf.constant(a) for a in heads])
        own = {name: array.numpy() for name, array in found.items()}
        x, h_0, c_0 = (array.numpy() for array in given)
        return Gradients(own, Batch(x, {"h": h_0, "c": c_0}))


class Named(Unnamed):
    engine = "tensorflow"


def run(config, params, batch, tape=None):
    lstm = make_layer(config)
    for variable in lstm.weights:
        variable.assign(params[variable.name])
    x = tf.constant(batch.x)
    h_0, c_0 = map(tf.constant, initial_states(config, batch))
    if tape:
        tape.watch((x, h_0, c_0))
    y, h, c = lstm(tf.transpose(x, (1, 0, 2)), initial_state=[h_0[0], c_0[0]])
    weights = {variable.name: variable.value for variable in lstm.weights}
    return weights, (x, h_0, c_0), (tf.transpose(y, (1, 0, 2)), h[None], c[None])


@functools.cache
def make_layer(config):
    lstm = keras.layers.LSTM(
        config.hidden_size,
        return_sequences=True,
        return_state=True,
        use_bias=config.biases,
        dtype=config.dtype,
    )
    lstm.build((None, None, config.input_size))
    return lstm
"""
FLAX: Final = """
import functools

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen
from gateparity import Batch, Gradients, Layout, Outputs, ArraySpec
from gateparity.network.batch import initial_states

jax.config.update("jax_enable_x64", True)


class Unnamed:
    layout = Layout(
        "port",
        (
            ArraySpec("i{gate}.kernel", "w_ih", "input hidden"),
            ArraySpec("h{gate}.kernel", "w_hh", "unit hidden"),
            ArraySpec("h{gate}.bias", "b", "hidden"),
        ),
        always_biased=True,
    )
    unsupported = {"lengths": "it takes full sequences only"}

    def forward(self, config, params, batch):
        outputs = run(config, params, *states(config, batch))
        y, h_n, c_n = map(np.asarray, outputs)
        return Outputs(y, {"h": h_n, "c": c_n})

    def gradients(self, config, params, batch, cotangent):
        given = (params, *states(config, batch))
        _, pull = jax.vjp(lambda *sources: run(config, *sources), *given)
        found, x, h_0, c_0 = pull((cotangent.y, cotangent.states["h"], cotangent.states["c"]))
        own = {name: np.asarray(array) for name, array in found.items()}
        x, h_0, c_0 = map(np.asarray, (x, h_0, c_0))
        return Gradients(own, Batch(x, {"h": h_0, "c": c_0}))


class Named(Unnamed):
    engine = "jax"


def states(config, batch):
    return batch.x, *initial_states(config, batch)


@functools.partial(jax.jit, static_argnums=0)
def run(config, params, x, h_0, c_0):
    cell = linen.LSTMCell(config.hidden_size, dtype=config.dtype, param_dtype=config.dtype)
    tree = {}
    for name, array in params.items():
        part, leaf = name.split(".")
        tree.setdefault(part, {})[leaf] = array

    def step(carry, x):
        (c, h), y = cell.apply({"params": tree}, carry, x)
        return (c, h), y

    (c, h), y = jax.lax.scan(step, (jnp.asarray(c_0[0]), jnp.asarray(h_0[0])), x)
    return y, h[None], c[None]
"""
PORTS: Final = {"tensorflow": KERAS, "jax": FLAX}
CHECK: Final = ("check", "-b", "numpy")


@pytest.fixture(params=PORTS)
def check(request, tmp_path, find_backend):
    """The engine's name, and its port checked by the command, in the engine's environment."""
    name = request.param
    (tmp_path / "port.py").write_text(PORTS[name], "utf-8")
    python = find_backend(name).python

    def run(kind, *options):
        adapter = f"port:{kind}@{python}"
        words = [*CHECK, "-b", adapter, "--time-limit", "300", *NAMED, *options]
        return run_command(*words, cwd=tmp_path)

    return name, run


def test_a_correct_port_agrees_if_it_names_its_engine(check):
    _, run = check
    done = run("Named")
    last = done.stdout.splitlines()[-1]
    assert (done.returncode, last.split(":")[0]) == (0, "agrees"), done.stdout
    assert "2 known, 0 fail" in last
    assert "Declared rounding model, bias " in done.stdout
    assert 'engine = "' not in done.stdout


def test_without_a_name_it_differs_in_the_flush_alone_and_is_told_what_to_write(check):
    name, run = check
    done = run("Unnamed", "--check", "values", "--check", "forward")
    assert done.returncode == 1
    (first,) = [line for line in done.stdout.splitlines() if line.startswith("Found first: ")]
    assert "values, case subnormal" in first
    assert f'"{name}"' in first
