"""gluon's LSTM as a live layer: MXNet shares no environment with the others, but NumPy's own LSTM
runs beside it.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import gateparity

rnn = pytest.importorskip("mxnet.gluon.rnn", exc_type=ImportError)
mx = pytest.importorskip("mxnet")


@pytest.mark.parametrize("options", [{}, {"bidirectional": True, "num_layers": 2, "layout": "NTC"}])
def test_gluon_agrees_with_its_own_weights(options):
    layer = _layer(**options)
    gateparity.assert_parity(layer, gateparity.read(layer))


def test_a_trained_gluon_layer_agrees():
    layer = _trained(_layer(bidirectional=True, num_layers=2))
    gateparity.assert_parity(layer, gateparity.read(layer))


WEIGHTS = {
    "the gates of layer 1 in the order i, o, f, g": lambda cell: {
        name: array[[0, 3, 1, 2]] for name, array in vars(cell).items()
    },
    "the recurrent bias of layer 1 left out": lambda cell: {"b_hh": np.zeros_like(cell.b_hh)},
    "W_hh of layer 1 transposed": lambda cell: {"w_hh": cell.w_hh.swapaxes(1, 2).copy()},
}


@pytest.mark.parametrize("words", WEIGHTS)
def test_a_gluon_layer_with_wrong_weights_is_named(words):
    layer = _trained(_layer(num_layers=2))
    right = gateparity.read(layer)
    first, second = right.params
    gateparity.load((first, dataclasses.replace(second, **WEIGHTS[words](second))), into=layer)
    with pytest.raises(AssertionError, match=f"^b is a with {words}"):
        gateparity.assert_parity(right, layer)


class Exchanged(rnn.LSTM):
    def __call__(self, x, states, *lengths):
        return super().__call__(x, states[::-1], *lengths)


class NotFlippedBack(rnn.LSTM):
    def __call__(self, x, states, *lengths):
        y, found = super().__call__(x, states, *lengths)
        forward, reverse = y.split(2, axis=2)
        return mx.nd.concat(forward, reverse.flip(axis=0), dim=2), found


class NotReversed(rnn.LSTM):
    def __call__(self, x, states, *lengths):
        y, found = super().__call__(x, states, *lengths)
        turned, others = super().__call__(x.flip(axis=0), states, *lengths)
        y = mx.nd.concat(y.split(2, axis=2)[0], turned.split(2, axis=2)[1].flip(axis=0), dim=2)
        return y, [mx.nd.concat(a[:1], b[1:], dim=0) for a, b in zip(found, others, strict=True)]


class Confused(rnn.LSTM):
    def __call__(self, x, states, *lengths):
        y, found = super().__call__(x.swapaxes(0, 1), states, *lengths)
        return y.swapaxes(0, 1), found


CALLS = {
    Exchanged: "h_0 and c_0 had changed places",
    NotReversed: "the reverse direction ran from the first step to the last",
    NotFlippedBack: "the reverse direction's outputs began with its own first step",
    Confused: r"x and y were \(batch, time, features\): batch-first was confused",
}


@pytest.mark.parametrize("kind", CALLS)
def test_a_gluon_layer_with_a_wrong_call_is_named(kind):
    layer = _layer(kind, bidirectional=True)
    with pytest.raises(AssertionError, match=f"^b behaves exactly as if {CALLS[kind]}"):
        gateparity.assert_parity(gateparity.read(layer), layer)


def test_lengths_are_refused_with_the_reason():
    layer = _layer(use_sequence_length=True)
    x = [[[0.5, 0.25, 1.0]] * 2] * 3
    with pytest.raises(gateparity.InputError, match="ignores use_sequence_length on a CPU"):
        gateparity.assert_parity(layer, gateparity.read(layer), x, lengths=[1, 3])


def _layer(kind=rnn.LSTM, **options):
    layer = kind(4, input_size=3, **options)
    layer.initialize(mx.init.Uniform(0.5))
    return layer


def _trained(layer):
    """Train a layer for some steps, so that all of its biases count."""
    trainer = mx.gluon.Trainer(layer.collect_params(), "adam", {"learning_rate": 0.05})
    x = mx.nd.random.normal(shape=(5, 2, 3))
    for _ in range(20):
        with mx.autograd.record():
            loss = (layer(x).mean(axis=2) - x.mean(axis=2).tanh()).square().mean()
        loss.backward()
        trainer.step(1)
    return layer
