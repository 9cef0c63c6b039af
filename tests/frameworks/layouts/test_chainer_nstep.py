"""`chainer.links.NStepBiLSTM`."""

from __future__ import annotations

import numpy as np
import pytest

chainer = pytest.importorskip("chainer", exc_type=ImportError)


def run(config, params, batch):
    lstm = chainer.links.NStepBiLSTM(config.layers, config.input_size, config.hidden_size, 0.0)
    own = {name.removeprefix("/"): parameter for name, parameter in lstm.namedparams()}
    assert own.keys() == params.keys()
    for name, parameter in own.items():
        assert parameter.shape == params[name].shape
        parameter.array = params[name]
    sequences = list(np.swapaxes(batch.x, 0, 1))  # a list of sequences (T, input)
    h_n, c_n, y = lstm(batch.states["h"], batch.states["c"], sequences)
    return np.stack([sequence.array for sequence in y], 1), h_n.array, c_n.array


def test_chainer_nstep(verify):
    verify("chainer_nstep", run)
