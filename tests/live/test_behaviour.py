"""Objects with right weights that compute something else: named by what they behave like."""

import pytest

import gateparity
from tests.live.ports import HIDDEN, INPUTS, keras_lstm, nnx_lstm, torch_lstm

torch = pytest.importorskip("torch")


class Exchanged(torch.nn.LSTM):
    def forward(self, x, states):
        return super().forward(x, states[::-1])


class Confused(torch.nn.LSTM):
    def forward(self, x, states):
        if not torch.is_tensor(x):
            return super().forward(x, states)
        y, found = super().forward(x.transpose(0, 1), states)
        return y.transpose(0, 1), found


class NotFlippedBack(torch.nn.LSTM):
    def forward(self, x, states):
        y, found = super().forward(x, states)
        if not torch.is_tensor(y):
            return y, found
        forward, reverse = y.chunk(2, -1)
        return torch.cat([forward, reverse.flip(0)], -1), found


class NotReversed(torch.nn.LSTM):
    def forward(self, x, states):
        y, (h, c) = super().forward(x, states)
        if not torch.is_tensor(x):
            return y, (h, c)
        turned, (h_t, c_t) = super().forward(x.flip(0), states)
        y = torch.cat([y[..., :HIDDEN], turned[..., HIDDEN:].flip(0)], -1)
        return y, (torch.stack([h[0], h_t[1]]), torch.stack([c[0], c_t[1]]))


TORCH = {
    Exchanged: (1, "h_0 and c_0 had changed places"),
    Confused: (1, "batch-first was confused"),
    NotFlippedBack: (2, "the reverse direction's outputs began with its own first step"),
    NotReversed: (2, "the reverse direction ran from the first step to the last"),
}


@pytest.mark.parametrize("kind", TORCH)
def test_a_pytorch_layer_is_named_by_what_it_behaves_like(kind):
    directions, words = TORCH[kind]
    right = torch_lstm(directions)
    wrong = kind(INPUTS, HIDDEN, bidirectional=directions == 2)
    wrong.load_state_dict(right.state_dict())
    with pytest.raises(AssertionError, match=f"^b behaves exactly as if .*{words}"):
        gateparity.assert_parity(right, wrong)


def test_a_keras_layer_is_named_by_what_it_behaves_like():
    keras = pytest.importorskip("keras")

    class Exchanged(keras.layers.LSTM):
        def call(self, x, initial_state=None, **options):
            return super().call(x, initial_state=initial_state[::-1], **options)

    class NotFlippedBack(keras.layers.Bidirectional):
        def call(self, x, **options):
            y, *states = super().call(x, **options)
            reverse = keras.ops.flip(y[..., HIDDEN:], axis=1)
            return keras.ops.concatenate([y[..., :HIDDEN], reverse], -1), *states

    exchanged = Exchanged(HIDDEN)
    turned = NotFlippedBack(keras.layers.LSTM(HIDDEN))
    for wrong, directions, words in (
        (exchanged, 1, "h_0 and c_0 had changed places"),
        (turned, 2, "the reverse direction's outputs began"),
    ):
        wrong.build((None, None, INPUTS))
        right = gateparity.read(torch_lstm(directions))
        gateparity.load(right, into=wrong)
        with pytest.raises(AssertionError, match=f"^b behaves exactly as if {words}"):
            gateparity.assert_parity(right, wrong)


def test_a_flax_layer_is_named_by_what_it_behaves_like():
    nnx = pytest.importorskip("flax.nnx")

    class Turned(nnx.RNN):
        def __call__(self, x, *, initial_carry, **options):
            return super().__call__(x, initial_carry=initial_carry[::-1], **options)

    right = gateparity.load(gateparity.read(torch_lstm()), into=nnx_lstm())
    wrong = Turned(right.cell)
    with pytest.raises(AssertionError, match=r"^b behaves exactly as if h_0 and c_0"):
        gateparity.assert_parity(right, wrong)


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
