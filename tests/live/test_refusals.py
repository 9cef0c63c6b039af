"""What can't be compared is refused in one line that names it."""

import pytest

import gateparity
from tests.live.ports import HIDDEN, INPUTS, keras_lstm, torch_lstm

torch = pytest.importorskip("torch")


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.ModuleDict({"lstm": torch_lstm(), "gru": torch.nn.GRU(2, 3)})


def _nan():
    lstm = torch_lstm()
    with torch.no_grad():
        lstm.weight_hh_l0[0, 0] = torch.nan
    return lstm


REFUSED = {
    "torch.nn.GRU is not supported yet": lambda: torch.nn.GRU(2, 3),
    "torch.nn.RNN is not supported yet": lambda: torch.nn.RNN(2, 3),
    "int is no recurrent layer and holds none": lambda: 3,
    r"holds 2 recurrent layers, expected one: .*encoder\.lstm, encoder\.gru": Model,
    "proj_size is 2, expected 0": lambda: torch.nn.LSTM(2, 3, proj_size=2),
    "weight_ih_l0 is float16, expected float32": lambda: torch.nn.LSTM(2, 3).half(),
    "weight_ih_l0 is float16": lambda: torch.nn.LSTM(2, 3).bfloat16(),
    "is on the device meta, expected the CPU": lambda: torch.nn.LSTM(2, 3, device="meta"),
    "holds NaN or infinity in 1 of 64 elements": _nan,
    "a has hidden_size 5, b has 4": lambda: torch.nn.LSTM(INPUTS, 5),
    "a has input_size 2, b has 3": lambda: torch.nn.LSTM(2, HIDDEN),
    "a has layers 2, b has 1": lambda: torch.nn.LSTM(INPUTS, HIDDEN, 2),
    "a has dtype float64, b has float32": lambda: torch_lstm().double(),
    r"nothing at 'encoder\.lst'.* at encoder\.lstm": lambda: (Model(), "encoder.lst"),
}


@pytest.mark.parametrize("words", REFUSED)
def test_a_layer_is_refused_by_name(words):
    with pytest.raises(gateparity.InputError, match=words) as error:
        gateparity.assert_parity(REFUSED[words](), torch_lstm())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"go_backwards": True}, "go_backwards is True, expected False"),
        ({"activation": "relu"}, "activation is 'relu', expected 'tanh'"),
        ({"dtype": "mixed_float16"}, "computes in float16 with weights in float32"),
    ],
)
def test_a_keras_option_is_refused_by_name(options, words):
    pytest.importorskip("keras")
    with pytest.raises(gateparity.InputError, match=words):
        gateparity.read(keras_lstm(**options))


def test_a_keras_layer_that_was_never_built_says_so():
    keras = pytest.importorskip("keras")
    with pytest.raises(gateparity.InputError, match="was never built"):
        gateparity.read(keras.layers.LSTM(3))


def test_a_layer_is_found_in_a_model_by_its_path():
    model = Model()
    assert list(gateparity.find_layers(model)) == ["encoder.lstm", "encoder.gru"]
    found = gateparity.read((model, "encoder.lstm"))
    assert found.config == gateparity.read(model.encoder["lstm"]).config


def test_wrong_inputs_are_refused():
    with pytest.raises(gateparity.InputError, match=r"x has shape .* expected \(3, 2, 3\)"):
        gateparity.assert_parity(torch_lstm(), torch_lstm(), torch.zeros(3, 2, 2))
    with pytest.raises(gateparity.InputError, match="two live layers are two arguments"):
        gateparity.assert_parity([torch_lstm(), torch_lstm()])


def test_loading_is_strict():
    weights = gateparity.read(torch_lstm())
    with pytest.raises(gateparity.InputError, match="hidden_size"):
        gateparity.load(weights, into=torch.nn.LSTM(INPUTS, 5))
    with pytest.raises(gateparity.InputError, match="b_hh"):
        gateparity.load(weights, into=torch.nn.LSTM(INPUTS, HIDDEN, bias=False))
