"""gluon's LSTM as a live layer: MXNet shares no environment with the others, but NumPy's own LSTM
runs beside it.
"""

from __future__ import annotations

import pytest

import gateparity

rnn = pytest.importorskip("mxnet.gluon.rnn", exc_type=ImportError)


@pytest.mark.parametrize("options", [{}, {"bidirectional": True, "num_layers": 2, "layout": "NTC"}])
def test_gluon_agrees_with_its_own_weights(options):
    layer = _layer(**options)
    gateparity.assert_parity(layer, gateparity.read(layer))


def test_a_gluon_layer_with_wrong_weights_is_named():
    layer = _layer()
    right = gateparity.read(layer)
    turned = gateparity.CellWeights(
        **{**vars(right.params[0]), "w_hh": right.params[0].w_hh.swapaxes(1, 2).copy()}
    )
    gateparity.load((turned,), into=layer)
    with pytest.raises(AssertionError, match=r"^b is a with W_hh transposed"):
        gateparity.assert_parity(right, layer)


def test_lengths_are_refused_with_the_reason():
    layer = _layer(use_sequence_length=True)
    x = [[[0.5, 0.25, 1.0]] * 2] * 3
    with pytest.raises(gateparity.InputError, match="ignores use_sequence_length on a CPU"):
        gateparity.assert_parity(layer, gateparity.read(layer), x, lengths=[1, 3])


def _layer(**options):
    import mxnet

    layer = rnn.LSTM(4, input_size=3, **options)
    layer.initialize(mxnet.init.Uniform(0.5))
    return layer
