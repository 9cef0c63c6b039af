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


def test_a_backward_layer_that_was_told_to_run_onward_is_named():
    pytest.importorskip("keras")
    layer = ports.port(keras_lstm, 2)
    layer.backward_layer.go_backwards = False
    with pytest.raises(AssertionError, match=r"^b behaves exactly as if the reverse .* the first,"):
        gateparity.assert_parity(torch_lstm(2), layer)


def test_a_layer_that_is_not_deterministic_is_named():
    class Noisy(torch.nn.LSTM):
        def forward(self, x, states):
            y, found = super().forward(x, states)
            return (y + 1e-3 * torch.randn_like(y) if torch.is_tensor(y) else y), found

    noisy = gateparity.load(gateparity.read(torch_lstm()), into=Noisy(INPUTS, HIDDEN))
    with pytest.raises(AssertionError, match=r"^b is not deterministic: two calls"):
        gateparity.assert_parity(torch_lstm(), noisy)


def _in_training():
    return torch.nn.LSTM(INPUTS, HIDDEN, 2, dropout=0.5).train()


def _frozen():
    return torch.nn.LSTM(INPUTS, HIDDEN, 2).requires_grad_(requires_grad=False)


def _wrapped():
    return torch.nn.DataParallel(torch.nn.LSTM(INPUTS, HIDDEN, 2))


@pytest.mark.parametrize("make", [_in_training, _frozen, _wrapped])
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_a_right_layer_agrees_in_any_mode(make, mode):
    right = torch_lstm(layers=2)
    layer = make()
    before = [(m.training, *(p.requires_grad for p in m.parameters())) for m in layer.modules()]
    gateparity.load(gateparity.read(right), into=layer)
    with mode():
        gateparity.assert_parity(right, layer)
    after = [(m.training, *(p.requires_grad for p in m.parameters())) for m in layer.modules()]
    assert before == after


def test_a_layer_without_biases_is_one_whose_biases_are_zero():
    without = torch.nn.LSTM(INPUTS, HIDDEN, bias=False)
    zeros = torch.nn.LSTM(INPUTS, HIDDEN)
    zeros.load_state_dict({n: 0 * p for n, p in zeros.state_dict().items()} | without.state_dict())
    gateparity.assert_parity(without, zeros)
    gateparity.assert_parity(zeros, without)
    with torch.no_grad():
        zeros.bias_hh_l0.fill_(0.1)
    with pytest.raises(AssertionError, match=r"^a is b with the recurrent bias left out"):
        gateparity.assert_parity(without, zeros)


def test_a_keras_rnn_of_a_cell_is_a_layer():
    keras = pytest.importorskip("keras")
    layer = keras.layers.RNN(keras.layers.LSTMCell(HIDDEN), unroll=False)
    layer.build((None, None, INPUTS))
    gateparity.assert_parity(torch_lstm(), ports.port(lambda _: layer))


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
