"""Objects with right weights that compute something else: named by what they behave like."""

import itertools

import pytest

import gateparity
from tests.live import ports, wrong
from tests.live.ports import HIDDEN, INPUTS, keras_lstm, torch_lstm

torch = pytest.importorskip("torch")

EACH = list(itertools.product(ports.ONE_WAY, wrong.SENTENCES))
TWO_WAYS = (wrong.NOT_REVERSED, wrong.NOT_FLIPPED)


@pytest.mark.parametrize(("name", "mistake"), EACH)
def test_a_wrong_call_is_named_in_every_framework(name, mistake):
    if mistake in wrong.INEXPRESSIBLE.get(name, ()):
        assert mistake not in wrong.CALLS[name]
        pytest.skip(f"{name}: {wrong.INEXPRESSIBLE[name][mistake]}")
    right = torch_lstm(2 if mistake in TWO_WAYS else 1)
    port = wrong.CALLS[name][mistake](gateparity.read(right))
    sentence = wrong.CELL_SENTENCES.get(name, wrong.SENTENCES)[mistake]
    with pytest.raises(AssertionError, match=f"^{sentence}") as error:
        gateparity.assert_parity(right, port)
    assert len(str(error.value).splitlines()) <= 25


@pytest.mark.parametrize("name", ["keras", "nnx", "linen", "onnx"])
@pytest.mark.parametrize("mistake", wrong.SENTENCES)
def test_a_wrong_pytorch_layer_is_named_beside_every_framework(name, mistake):
    directions = 2 if mistake in TWO_WAYS else 1
    right = ports.port(ports.BOTH_WAYS[name], directions)
    port = wrong.CALLS["torch"][mistake](gateparity.read(torch_lstm(directions)))
    with pytest.raises(AssertionError, match=f"^{wrong.SENTENCES[mistake]}"):
        gateparity.assert_parity(right, port)


def test_a_layer_that_changes_when_it_is_called_is_restored_and_reported():
    class Changing(torch.nn.LSTM):
        def forward(self, x, states):
            with torch.no_grad():
                self.weight_hh_l0.mul_(1.1)
            return super().forward(x, states)

    layer = Changing(INPUTS, HIDDEN)
    before = layer.weight_hh_l0.detach().clone()
    with pytest.raises(gateparity.InputError, match=r"changes its own weights .*w_hh of cell 0"):
        gateparity.assert_parity(layer, torch_lstm())
    assert torch.equal(layer.weight_hh_l0, before)


def test_keras_options_are_handled_and_left_as_they_were():
    pytest.importorskip("keras")
    layer = keras_lstm(return_sequences=False, stateful=True)
    gateparity.load(gateparity.read(torch_lstm()), into=layer)
    gateparity.assert_parity(torch_lstm(), layer)
    assert (layer.return_sequences, layer.return_state, layer.stateful) == (False, False, True)
