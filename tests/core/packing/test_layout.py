"""The three maps of every layout, and `infer`: properties over all small LSTMs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateparity.network.config import Config
from gateparity.network.parameters import CellWeights, build_parameters, fields
from gateparity.packing.infer import infer_config

quick = settings(derandomize=True, max_examples=30, deadline=None)


@quick
@given(data=st.data())
def test_unpack_inverts_pack(layout, configs, data):
    config, rng = draw(data, configs)
    params = holdable(layout, config, rng)
    assert_same_parameters(layout.unpack(layout.pack(params, config), config), params)


@quick
@given(data=st.data())
def test_pack_inverts_unpack(layout, configs, data):
    config, rng = draw(data, configs)
    if layout.forget_offset:  # (0.1 - 1) + 1 isn't 0.1
        config = dataclasses.replace(config, biases=True)
    native = arbitrary(layout, config, rng)
    assert_same_native(layout.pack(layout.unpack(native, config), config), native)


@quick
@given(data=st.data())
def test_pullback_is_the_transpose_of_pack(layout, configs, data):
    """Central differences along any direction; whole numbers, so that nothing rounds."""
    config, rng = draw(data, configs)
    at, step = (build_parameters(config, lambda _, s: whole(rng, s, config)) for _ in range(2))
    ahead = layout.pack(add(at, step), config)
    behind = layout.pack(add(at, step, -1), config)
    cotangent = {name: whole(rng, array.shape, config) for name, array in ahead.items()}
    gradients = layout.pullback(cotangent, config)
    difference = sum(np.sum(cotangent[name] * (ahead[name] - behind[name]) / 2) for name in ahead)
    assert difference == inner(gradients, step)


@quick
@given(data=st.data())
def test_infer_finds_the_config(layout, configs, data):
    config, rng = draw(data, configs)
    if layout.name == "chainer_nstep":  # its names count cells, and tell no directions
        assume(config.input_size != config.hidden_size)
    native = layout.pack(holdable(layout, config, rng), config)
    if layout.vector:
        with pytest.raises(ValueError, match="the length of one vector doesn't tell the sizes"):
            infer_config(layout, native)
        return
    found = infer_config(layout, native)
    biases = config.biases or layout.always_biased  # zeros that are always there tell nothing
    assert found == dataclasses.replace(config, biases=biases)


@quick
@given(data=st.data())
def test_native_arrays_are_contiguous_typed_and_shaped_as_blocks_say(layout, configs, data):
    config, rng = draw(data, configs)
    native = layout.pack(holdable(layout, config, rng), config)
    shapes = layout.shapes(config)
    assert list(shapes) == list(native)
    for name, shape in shapes.items():
        array = native[name]
        assert array.shape == shape
        assert array.dtype == config.dtype
        assert array.flags.c_contiguous


def test_packed_and_unpacked_arrays_share_no_memory(layout):
    config = Config(2, 3)
    params = holdable(layout, config, np.random.default_rng(0))
    native = layout.pack(params, config)
    for one, many in (
        (fields(params[0]), native),
        (native, fields(layout.unpack(native, config)[0])),
        (native, fields(layout.pullback(native, config)[0])),
    ):
        assert not any(np.shares_memory(a, b) for a in one.values() for b in many.values())


def test_summed_biases_unpack_to_the_first(layouts):
    config = Config(2, 3, dtype="float64")
    params = build_parameters(config, lambda _, s: whole(np.random.default_rng(1), s, config))
    for name in ("d2l", "keras", "flax", "chainer", "tf1"):
        (found,) = layouts[name].unpack(layouts[name].pack(params, config), config)
        np.testing.assert_array_equal(found.b_ih, params[0].b_ih + params[0].b_hh)
        np.testing.assert_array_equal(found.b_hh, 0)


def test_a_summed_bias_gives_its_gradient_to_both(layouts):
    config = Config(2, 3)
    gradient = arbitrary(layouts["keras"], config, np.random.default_rng(2))
    (found,) = layouts["keras"].pullback(gradient, config)
    expected = gradient["lstm_0/lstm_cell/bias"].reshape(4, 3)
    np.testing.assert_array_equal(found.b_ih, expected)
    np.testing.assert_array_equal(found.b_hh, expected)
    assert not np.shares_memory(found.b_ih, found.b_hh)


def test_an_offset_is_taken_from_the_forget_gate_and_drops_out_of_gradients(layouts):
    config = Config(2, 3)
    zeros = build_parameters(config, lambda _, shape: np.zeros(shape, config.dtype))
    native = layouts["tf1"].pack(zeros, config)
    np.testing.assert_array_equal(native["bias"].reshape(4, 3)[:, 0], [0, 0, -1, 0])  # i g f o
    nothing = {name: np.zeros_like(array) for name, array in native.items()}
    assert_same_parameters(layouts["tf1"].pullback(nothing, config), zeros)
    assert (layouts["tf1"].unpack(nothing, config)[0].b_ih[1] == 1).all()


def test_biases_that_are_always_there_are_zeros_without_biases(layouts):
    config = Config(2, 3, biases=False)
    params = build_parameters(config, lambda _, shape: np.ones(shape, config.dtype))
    for name in ("flax", "mxnet", "keras_cudnn"):
        native = layouts[name].pack(params, config)
        biases = [array for name, array in native.items() if "bias" in name]
        assert biases
        assert not any(array.any() for array in biases)
        assert layouts[name].unpack(native, config)[0].b_ih is None


def draw(data, configs):
    return data.draw(configs), np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))


def whole(rng, shape, config):
    return rng.integers(-8, 9, shape).astype(config.dtype)


def odd(rng, shape, dtype):
    """Normal numbers, and among them those that arithmetic would not keep."""
    limits = np.finfo(dtype)
    odds = [np.nan, np.inf, -np.inf, -0.0, limits.smallest_subnormal, limits.max, limits.eps]
    numbers = np.where(rng.random(shape) < 0.3, rng.choice(odds, shape), rng.normal(size=shape))
    return numbers.astype(dtype)


def holdable(layout, config, rng):
    """Any parameters but those that two biases in one, or an offset, would round."""

    def array(field, shape):
        if field == "b_hh" and any(tensor.contents == "b" for tensor in layout.tensors):
            return np.zeros(shape, config.dtype)
        if field == "b_ih" and layout.forget_offset:
            return whole(rng, shape, config) / 4
        if field == "b_ih":  # -0.0 + 0.0 is 0.0
            return rng.normal(size=shape).astype(config.dtype)
        return odd(rng, shape, config.dtype)

    return build_parameters(config, array)


def arbitrary(layout, config, rng):
    """Any native arrays but those that an offset would round, or that stand for no biases."""

    def draw(array):
        if not array.contents.is_bias:
            return odd(rng, array.shape, config.dtype)
        if not config.biases:
            return np.zeros(array.shape, config.dtype)
        if layout.forget_offset:
            return whole(rng, array.shape, config) / 4
        return rng.normal(size=array.shape).astype(config.dtype)

    parts = {array.name: draw(array) for array in layout.native_arrays(config)}
    if not layout.vector:
        return parts
    joined = [parts[array.name].ravel() for array in layout.in_vector(config)]
    return {layout.vector: np.concatenate(joined)}


def add(params, step, sign=1):
    return tuple(
        CellWeights(**{k: v + sign * getattr(delta, k) for k, v in fields(cell).items()})
        for cell, delta in zip(params, step, strict=True)
    )


def inner(params, others):
    assert len(params) == len(others)
    total = 0
    for one, other in zip(params, others, strict=True):
        assert set(fields(one)) == set(fields(other))
        total += sum(np.sum(array * getattr(other, k)) for k, array in fields(one).items())
    return total


def assert_same_parameters(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert_same_native(fields(one), fields(other))


def assert_same_native(found, expected):
    assert set(found) == set(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, name
        assert found[name].shape == array.shape, name
        assert found[name].tobytes() == array.tobytes(), name
