"""TFLite models with LSTM operators: TensorFlow's own schema writes them, and they are read here.

No converter of this TensorFlow writes the operators, so the flatbuffers are built from its schema.
"""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

from gateparity.backends.checkpoints.reading import read_checkpoint
from gateparity.backends.checkpoints.registry import open_contents
from gateparity.layouts import LAYOUTS
from gateparity.network.config import Config
from tests.backends.checkpoints.fuzz import assert_survives, copies

SAVE = """
import flatbuffers
import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

GATES = ("input", "forget", "cell", "output")
NAMES = [*(f"input_to_{g}_weights" for g in GATES), *(f"recurrent_to_{g}_weights" for g in GATES),
         None, None, None, *(f"{g}_gate_bias" for g in GATES), None, None]
draw = np.random.default_rng(0).standard_normal
SHAPES = {"input": (5, 3), "recurrent": (5, 5)}

def arrays():
    return {n: draw(SHAPES.get(n.split("_")[0] if "_to_" in n else "", (5,))).astype("float32")
            for n in NAMES if n}

class Model:
    def __init__(self):
        self.whole, self.graph = schema.ModelT(), schema.SubGraphT()
        self.whole.version, self.whole.buffers = 3, [schema.BufferT()]
        self.whole.subgraphs, self.whole.operatorCodes = [self.graph], []
        self.graph.tensors, self.graph.operators = [], []
        self.graph.inputs = self.graph.outputs = []

    def tensor(self, name, shape, array=None, scale=None, zero=None):
        tensor = schema.TensorT()
        tensor.name, tensor.shape = name, list(shape)
        kinds = {"float32": 0, "float16": 1, "int32": 2, "int8": 9}
        tensor.type = kinds[str(array.dtype)] if array is not None else 0
        if scale is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = np.atleast_1d(np.float32(scale))
            tensor.quantization.zeroPoint = np.atleast_1d(np.int64(zero))
        if array is not None:
            tensor.buffer = len(self.whole.buffers)
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(array.tobytes(), np.uint8)
            self.whole.buffers.append(buffer)
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def operator(self, code, inputs, outputs, kind=None, options=None):
        operator, known = schema.OperatorT(), schema.OperatorCodeT()
        known.builtinCode = known.deprecatedBuiltinCode = code
        operator.opcodeIndex = len(self.whole.operatorCodes)
        operator.inputs, operator.outputs = inputs, outputs
        if kind:
            operator.builtinOptionsType, operator.builtinOptions = kind, options
        self.whole.operatorCodes.append(known)
        self.graph.operators.append(operator)

    def lstm(self, given, name, both=None, **options):
        x, y = self.tensor("x", (7, 2, 3)), self.tensor(name, (7, 2, 5))
        inputs = [x, *(given.get(n, -1) for n in NAMES)]
        if both:
            inputs += [both.get(n, -1) for n in NAMES] + [-1] * 13
            code, kind = schema.BuiltinOperator.BIDIRECTIONAL_SEQUENCE_LSTM, "Bi"
        else:
            inputs += [-1] * 6
            code, kind = schema.BuiltinOperator.UNIDIRECTIONAL_SEQUENCE_LSTM, "Uni"
        kind += "directionalSequenceLSTMOptions"
        held = getattr(schema, kind + "T")()
        held.fusedActivationFunction = schema.ActivationFunctionType.TANH
        for key, value in options.items():
            setattr(held, key, value)
        self.operator(code, inputs, [y], getattr(schema.BuiltinOptions, kind), held)

    def save(self, name):
        builder = flatbuffers.Builder()
        builder.Finish(self.whole.Pack(builder), b"TFL3")
        with open(name, "wb") as file:
            file.write(builder.Output())

first, second = arrays(), arrays()
np.savez("first.npz", **first)
np.savez("second.npz", **second)

plain = Model()
plain.lstm({n: plain.tensor(n, a.shape, a) for n, a in first.items()}, "model/lstm", cellClip=10.0)
plain.save("plain.tflite")

both = Model()
ways = [{n: both.tensor(n, a.shape, a) for n, a in way.items()} for way in (first, second)]
both.lstm(ways[0], "model/both", ways[1])
both.save("both.tflite")

half = Model()
given = {}
for n, a in first.items():
    stored = half.tensor("half/" + n, a.shape, a.astype("float16"))
    given[n] = half.tensor(n, a.shape)
    half.operator(schema.BuiltinOperator.DEQUANTIZE, [stored], [given[n]])
half.lstm(given, "model/lstm")
half.save("half.tflite")

packed = Model()
given = {}
for n, a in first.items():
    scale = np.abs(a).max() / 100
    q = np.round(a / scale + 7).astype("int8")
    given[n] = packed.tensor(n, a.shape, *((q, scale, 7) if a.ndim == 2 else (a,)))
packed.lstm(given, "model/lstm")
packed.save("packed.tflite")

coupled = Model()
given = {n: coupled.tensor(n, a.shape, a) for n, a in first.items()}
given["input_to_input_weights"] = given["recurrent_to_input_weights"] = -1
coupled.lstm(given, "model/lstm")
coupled.save("coupled.tflite")
"""


@pytest.fixture(scope="session")
def saved(tensorflow_backend, tmp_path_factory):
    """A folder with models of one LSTM in several forms, and its arrays."""
    folder = tmp_path_factory.mktemp("tflite")
    command = [str(tensorflow_backend.python), "-c", SAVE]
    subprocess.run(command, cwd=folder, check=True, timeout=300, capture_output=True)
    return folder


def unused(*_):
    pytest.fail("a framework was asked for a TFLite model")


def assert_held(path, prefix, expected, how=lambda array: array, tolerance=0.0):
    config, params = read_checkpoint(path, prefix, unused)
    assert config == Config(3, 5)
    packed = LAYOUTS["tflite"].pack(params, config)
    with np.load(expected) as arrays:
        assert set(packed) == set(arrays)
        for name, array in packed.items():
            np.testing.assert_allclose(array, how(arrays[name]), rtol=0, atol=tolerance)


def test_the_weights_of_an_operator_come_back_bit_for_bit(saved):
    assert_held(saved / "plain.tflite", None, saved / "first.npz")
    with open_contents(saved / "plain.tflite", unused) as contents:
        [layer] = contents.layers
    assert (layer.path, layer.oddities) == ("model/lstm", ("its state is clipped at 10",))


def test_each_direction_is_an_lstm(saved):
    for way, name in (("forward", "first.npz"), ("backward", "second.npz")):
        assert_held(saved / "both.tflite", f"model/both/{way}", saved / name)


def test_float16_goes_through_dequantize(saved):
    def narrowed(array):
        return array.astype(np.float16).astype(np.float32)

    assert_held(saved / "half.tflite", None, saved / "first.npz", narrowed)
    with open_contents(saved / "half.tflite", unused) as contents:
        assert contents.layers[0].dtypes == ("float16",)


def test_int8_is_multiplied_by_its_scale(saved):
    assert_held(saved / "packed.tflite", None, saved / "first.npz", tolerance=0.02)
    with open_contents(saved / "packed.tflite", unused) as contents:
        assert contents.layers[0].oddities == ("int8 with a scale",)


def test_coupled_gates_are_refused_in_words(saved):
    with open_contents(saved / "coupled.tflite", unused) as contents:
        [layer] = contents.layers
    assert layer.refusal == "its input and forget gates are coupled"
    assert (layer.input_size, layer.hidden_size) == (3, 5)


@pytest.mark.parametrize("name", ["packed.tflite", "both.tflite"])
def test_a_damaged_model_is_refused_or_read(name, saved, tmp_path):
    path = tmp_path / name
    path.write_bytes((saved / name).read_bytes())
    assert assert_survives(path, copies(150)) > 5
