"""Right ports agree in every two frameworks; ports with wrong weights are named in every one."""

import functools
import itertools

import pytest

import gateparity
from gateparity.network.parameters import fields
from tests.live import wrong
from tests.live.ports import BOTH_WAYS, ONE_WAY, port, port_stack, torch_lstm

pytest.importorskip("torch")

FRAMEWORKS = {name: make for name, make in ONE_WAY.items() if "cell" not in name}
TRAINED = 60  # steps


@pytest.mark.parametrize("name", ONE_WAY)
def test_a_right_port_agrees(name):
    gateparity.assert_parity(torch_lstm(), port(ONE_WAY[name]))


@pytest.mark.parametrize(("a", "b"), [*itertools.combinations([*FRAMEWORKS, "numpy"], 2)])
def test_right_ports_agree_in_every_pair(a, b):
    gateparity.assert_parity(*(_port(FRAMEWORKS.get(name), 1) for name in (a, b)))


@pytest.mark.parametrize(("a", "b"), [*itertools.combinations([*BOTH_WAYS, "numpy"], 2)])
def test_right_ports_of_both_directions_agree_in_every_pair(a, b):
    gateparity.assert_parity(*(_port(BOTH_WAYS.get(name), 2) for name in (a, b)))


@pytest.mark.parametrize("name", ONE_WAY)
def test_what_is_loaded_is_read_again_bit_for_bit(name):
    layer = port(ONE_WAY[name])
    before = gateparity.read(layer)
    after = gateparity.read(gateparity.load(before, into=layer))
    for one, other in zip(before.params, after.params, strict=True):
        for field, array in fields(one).items():
            assert array.tobytes() == fields(other)[field].tobytes()


@pytest.mark.parametrize("mistake", wrong.WEIGHTS)
@pytest.mark.parametrize("name", ONE_WAY)
def test_wrong_weights_of_one_layer_are_named_in_every_framework(name, mistake):
    change, words = wrong.WEIGHTS[mistake]
    right = torch_lstm(layers=2)
    config, (first, second) = gateparity.read(right)
    params = gateparity.Weights(config, (first, change(second)))
    with pytest.raises(AssertionError) as error:
        gateparity.assert_parity(right, port_stack(ONE_WAY[name], params))
    assert str(error.value).startswith(f"b is a with {words}.")
    assert len(str(error.value).splitlines()) <= 25


@pytest.mark.parametrize("name", BOTH_WAYS)
def test_wrong_weights_are_named_with_their_direction(name):
    config, (forward, reverse) = gateparity.read(torch_lstm(2))
    params = gateparity.Weights(config, (forward, wrong.reordered(reverse)))
    with pytest.raises(AssertionError, match=r"^b is a with the gates of the reverse direction in"):
        gateparity.assert_parity(torch_lstm(2), port(BOTH_WAYS[name], 2, params))


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_wrong_weights_of_pytorch_are_named_beside_every_framework(name):
    config, (first, second) = gateparity.read(torch_lstm(layers=2))
    right = port_stack(FRAMEWORKS[name], gateparity.Weights(config, (first, second)))
    b = torch_lstm(layers=2)
    for mistake, (change, words) in wrong.WEIGHTS.items():
        gateparity.load((first, change(second)), into=b)
        # From the one bias that a has, nobody knows what the recurrent one was.
        unknown = mistake == "recurrent bias" and name not in ("torch", "onnx")
        expected = "b has other biases than a in layer 1" if unknown else f"b is a with {words}"
        with pytest.raises(AssertionError, match=f"^{expected}"):
            gateparity.assert_parity(right, b)


@functools.cache
def _trained(directions):
    return gateparity.read(torch_lstm(directions, steps=TRAINED))


def _port(make, directions):
    """Return a port of a PyTorch LSTM that was trained for some steps; NumPy has its weights."""
    weights = _trained(directions)
    return gateparity.load(weights, into=make(directions)) if make else weights
