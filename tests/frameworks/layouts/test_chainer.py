"""`chainer.links.LSTM`."""

from __future__ import annotations

import pytest

chainer = pytest.importorskip("chainer", exc_type=ImportError)


def make(config, params):
    link = chainer.links.LSTM(config.input_size, config.hidden_size)
    own = {name.removeprefix("/"): parameter for name, parameter in link.namedparams()}
    assert own.keys() == params.keys()
    for name, parameter in own.items():
        assert parameter.shape == params[name].shape
        parameter.array = params[name]

    def step(x, h, c):
        link.set_state(chainer.Variable(c), chainer.Variable(h))
        h = link(x)
        return h.array, link.c.array

    return step


def test_chainer(verify_cell):
    verify_cell("chainer", make)
