"""What can't be compared is refused in one line that names it."""

import warnings

import numpy as np
import pytest

import gateparity
from tests.live.ports import HIDDEN, INPUTS, keras_lstm, nnx_lstm, onnx_model, torch_lstm

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


def _compiled(lstm):
    with warnings.catch_warnings(action="ignore"):
        return torch.jit.script(lstm)


def _pruned(lstm):
    from torch.nn.utils import prune

    prune.l1_unstructured(lstm, "weight_hh_l0", 0.3)
    return lstm


def _made_in_inference():
    with torch.inference_mode():
        return torch.nn.LSTM(INPUTS, HIDDEN)


REFUSED = {
    "torch.nn.GRU is not supported yet": lambda: torch.nn.GRU(2, 3),
    "torch.nn.RNN is not supported yet": lambda: torch.nn.RNN(2, 3),
    "int is no recurrent layer and holds none": lambda: 3,
    r"holds 2 recurrent layers, expected one: .*encoder\.lstm, encoder\.gru": Model,
    "proj_size is 2, expected 0": lambda: torch.nn.LSTM(2, 3, proj_size=2),
    "weight_ih_l0 is float16, expected float32": lambda: torch.nn.LSTM(2, 3).half(),
    "weight_ih_l0 is bfloat16, expected": lambda: torch.nn.LSTM(2, 3).bfloat16(),
    "was compiled by TorchScript, expected the layer": lambda: _compiled(torch_lstm()),
    "is an LSTM that was quantized": lambda: torch.ao.nn.quantizable.LSTM(2, 3),
    "weight_hh_l0 is computed from other parameters": lambda: _pruned(torch_lstm()),
    "was made under torch.inference_mode": _made_in_inference,
    "torch.nn.modules.rnn.LSTM is a class": lambda: torch.nn.LSTM,
    "'torch' is no file, expected a layer or an ONNX file": lambda: "torch",
    "NoneType is no recurrent layer": lambda: None,
    "a stack of no layers": lambda: (),
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


class Strange:
    """A model whose class has another meaning of `layers`, and whose property fails."""

    layers = 2

    def __init__(self, part):
        self.part = part

    @property
    def broken(self):
        raise RuntimeError("not now")


def test_a_layer_is_found_in_any_object():
    model = torch_lstm()
    for _ in range(20):
        model = Strange(model)
    (path,) = gateparity.find_layers(model)
    gateparity.assert_parity((model, path), torch_lstm())
    gateparity.assert_parity((torch_lstm(), ""), torch_lstm())


class Broken:
    def __getattr__(self, name):
        raise RuntimeError(name)


def test_an_object_that_answers_nothing_is_refused():
    with pytest.raises(gateparity.InputError, match="Broken is no recurrent layer and holds none"):
        gateparity.read(Broken())


def test_autocast_is_refused():
    lstm = torch_lstm()  # trained outside: not every processor has an LSTM of bfloat16
    with torch.autocast("cpu"), pytest.raises(gateparity.InputError, match=r"torch\.autocast"):
        gateparity.read(lstm)


X = np.ones((3, 2, INPUTS), "float32")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"x": X[0]},
            r"x is an array of float32 of shape \(2, 3\), expected an array \(T, B, input\)",
        ),
        ({"x": X.astype(complex)}, "x is complex128, expected an array of numbers"),
        ({"x": torch.ones(3, 2, INPUTS, device="meta")}, "x is torch.Tensor, expected an array"),
        ({"x": [[1.0], [2.0, 3.0]]}, "x is builtins.list, expected an array of numbers"),
        ({"x": X[:0]}, "expected a step and a sequence at least"),
        ({"x": X[:, :0]}, "expected a step and a sequence at least"),
        ({"x": X * np.nan}, "x holds NaN or infinity in 18 of 18 elements"),
        ({"x": X, "c_0": np.full((1, 2, HIDDEN), np.inf)}, "c_0 holds NaN or infinity in 8 of 8"),
        ({"x": X, "lengths": [1.0, 3.0]}, "lengths is float64, expected an array of integers"),
        ({"x": X, "lengths": [1, 2**33]}, "lengths run from 1 to 2147483647, expected 0 to 3"),
        ({"lengths": [1, 2]}, "lengths without x"),
    ],
)
def test_an_input_is_refused_by_name(given, words):
    with pytest.raises(gateparity.InputError, match=words) as error:
        gateparity.assert_parity(torch_lstm(), torch_lstm(), **given)
    assert "\n" not in str(error.value)


def test_nan_past_a_length_is_no_input():
    x = X.copy()
    x[1:, 0] = np.nan
    gateparity.assert_parity(torch_lstm(), gateparity.read(torch_lstm()), x, lengths=[1, 3])


def _linen_rnn():
    from flax import linen

    return linen.RNN(linen.LSTMCell(HIDDEN))


def _scanned():
    from flax import linen

    scan = linen.scan(linen.OptimizedLSTMCell, variable_broadcast="params", split_rngs={})
    return scan(HIDDEN), {"params": {}}


def _onnx(option=None, value=None, kind="LSTM"):
    from onnx import helper

    model = onnx_model()
    model.graph.node[0].op_type = kind
    if option:
        model.graph.node[0].attribute.append(helper.make_attribute(option, value))
    return model


def _keras_stack():
    import keras

    return keras.layers.RNN([keras.layers.LSTMCell(HIDDEN) for _ in range(2)])


def _keras_model():
    import keras

    return keras.Sequential([keras.layers.LSTM(3, return_sequences=True), keras.layers.LSTM(3)])


def _abstract():
    from flax import nnx

    return nnx.eval_shape(nnx_lstm)


def _half_nnx():
    import jax.numpy as jnp
    from flax import nnx

    return nnx.LSTMCell(INPUTS, HIDDEN, dtype=jnp.bfloat16, rngs=nnx.Rngs(0))


OTHERS = {
    "its variables have nothing, expected 'params'": lambda: (_linen_rnn(), {}),
    "ScanOptimizedLSTMCell is a transformed cell": _scanned,
    "layout is 1, expected 0": lambda: _onnx("layout", 1),
    "clip is 1.0, expected 0": lambda: _onnx("clip", 1.0),
    "has 1 nodes \\(GRU\\), expected one LSTM": lambda: _onnx(kind="GRU"),
    "keras.layers.RNN of StackedRNNCells is not supported yet": _keras_stack,
    "keras.src.models.sequential.Sequential holds 2 recurrent layers": _keras_model,
    "flax.nnx.nn.recurrent.RNN can't be read": _abstract,
    "dtype is 'bfloat16', expected 'float32'": _half_nnx,
}


@pytest.mark.parametrize("words", OTHERS)
def test_a_layer_of_another_framework_is_refused_by_name(words):
    for name in ("keras", "flax", "equinox", "onnx"):
        pytest.importorskip(name)
    with pytest.raises(gateparity.InputError, match=words) as error:
        gateparity.read(OTHERS[words]())
    assert "\n" not in str(error.value)


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
