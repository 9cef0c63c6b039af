"""Right ports agree in every framework; ports with wrong weights are named."""

import dataclasses

import numpy as np
import pytest

import gateparity
from gateparity.network.parameters import fields
from tests.live.ports import BOTH_WAYS, ONE_WAY, port, torch_lstm

pytest.importorskip("torch")


@pytest.mark.parametrize("name", ONE_WAY)
def test_a_right_port_agrees(name):
    gateparity.assert_parity(torch_lstm(), port(ONE_WAY[name]))


@pytest.mark.parametrize("name", BOTH_WAYS)
def test_a_right_port_of_both_directions_agrees(name):
    gateparity.assert_parity(torch_lstm(2), port(BOTH_WAYS[name], 2))


@pytest.mark.parametrize("name", ONE_WAY)
def test_what_is_loaded_is_read_again_bit_for_bit(name):
    layer = port(ONE_WAY[name])
    before = gateparity.read(layer)
    after = gateparity.read(gateparity.load(before, into=layer))
    for one, other in zip(before.params, after.params, strict=True):
        for field, array in fields(one).items():
            assert array.tobytes() == fields(other)[field].tobytes()


def _reordered(cell):
    order = ["ifgo".index(gate) for gate in "iofg"]
    return dataclasses.replace(cell, **{n: a[order] for n, a in fields(cell).items()})


def _without_b_hh(cell):
    return dataclasses.replace(cell, b_hh=np.zeros_like(cell.b_hh))


def _transposed(cell):
    return dataclasses.replace(cell, w_hh=np.ascontiguousarray(cell.w_hh.swapaxes(1, 2)))


WRONG = {
    "gate order": (_reordered, "b is a with the gates in the order i, o, f, g."),
    "recurrent bias": (_without_b_hh, "b is a with the recurrent bias left out."),
    "transposed": (_transposed, "b is a with W_hh transposed."),
}


@pytest.mark.parametrize("mistake", WRONG)
@pytest.mark.parametrize("name", ["torch", "keras", "nnx", "linen", "equinox", "onnx"])
def test_wrong_weights_are_named(name, mistake):
    change, sentence = WRONG[mistake]
    params = tuple(map(change, gateparity.read(torch_lstm()).params))
    with pytest.raises(AssertionError) as error:
        gateparity.assert_parity(torch_lstm(), port(ONE_WAY[name], params=params))
    assert str(error.value).startswith(sentence)
    assert len(str(error.value).splitlines()) <= 25


@pytest.mark.parametrize("name", ["torch", "keras", "nnx"])
def test_wrong_weights_are_named_with_their_direction(name):
    forward, reverse = gateparity.read(torch_lstm(2)).params
    wrong = port(BOTH_WAYS[name], 2, params=(forward, _reordered(reverse)))
    with pytest.raises(AssertionError, match=r"^b is a with the gates of the reverse direction in"):
        gateparity.assert_parity(torch_lstm(2), wrong)
