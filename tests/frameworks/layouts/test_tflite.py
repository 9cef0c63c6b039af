"""`UNIDIRECTIONAL_SEQUENCE_LSTM` in the interpreter of TensorFlow Lite, from a model of ours.

No converter of this TensorFlow writes the operator, so its flatbuffer is built here. Inputs 1 to 8
and 12 to 15 are the arrays; those for peepholes, a projection and normalisation are left out.
"""

from __future__ import annotations

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", exc_type=ImportError)

GATES = ("input", "forget", "cell", "output")
LEFT_OUT = None
X, H, C, Y = "x", "h", "c", "y"
INPUTS = [
    X,
    *(f"input_to_{gate}_weights" for gate in GATES),
    *(f"recurrent_to_{gate}_weights" for gate in GATES),
    *[LEFT_OUT] * 3,
    *(f"{gate}_gate_bias" for gate in GATES),
    *[LEFT_OUT] * 2,
    H,
    C,
    *[LEFT_OUT] * 4,
]


def run(config, params, batch):
    interpreter = tf.lite.Interpreter(model_content=model(params, batch))
    interpreter.allocate_tensors()
    at = {found["name"]: found["index"] for found in interpreter.get_tensor_details()}
    interpreter.set_tensor(at[X], batch.x)
    interpreter.tensor(at[H])()[:] = batch.states["h"][0]
    interpreter.tensor(at[C])()[:] = batch.states["c"][0]
    interpreter.invoke()
    y, h, c = (interpreter.get_tensor(at[name]) for name in (Y, H, C))
    return y, h[None], c[None]


def model(params, batch):
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    whole, graph = schema.ModelT(), schema.SubGraphT()
    whole.version, whole.buffers, whole.subgraphs = 3, [schema.BufferT()], [graph]
    graph.tensors = []
    shapes = {X: batch.x.shape, H: batch.states["h"][0].shape, C: batch.states["c"][0].shape}
    shapes |= {Y: (*batch.x.shape[:2], batch.states["h"].shape[-1])}
    shapes |= {name: array.shape for name, array in params.items()}
    for name, shape in shapes.items():
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.isVariable = name, list(shape), name in (H, C)
        if name in params:
            tensor.buffer = len(whole.buffers)
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(params[name].tobytes(), np.uint8)
            whole.buffers.append(buffer)
        graph.tensors.append(tensor)
    number = {name: k for k, name in enumerate(shapes)} | {LEFT_OUT: -1}
    graph.inputs, graph.outputs = [number[X]], [number[Y]]
    code, operator = schema.OperatorCodeT(), schema.OperatorT()
    code.builtinCode = schema.BuiltinOperator.UNIDIRECTIONAL_SEQUENCE_LSTM
    code.deprecatedBuiltinCode = code.builtinCode
    operator.inputs, operator.outputs = [number[name] for name in INPUTS], [number[Y]]
    operator.builtinOptionsType = schema.BuiltinOptions.UnidirectionalSequenceLSTMOptions
    operator.builtinOptions = schema.UnidirectionalSequenceLSTMOptionsT()
    operator.builtinOptions.fusedActivationFunction = schema.ActivationFunctionType.TANH
    operator.builtinOptions.timeMajor = True
    whole.operatorCodes, graph.operators = [code], [operator]
    builder = flatbuffers.Builder()
    builder.Finish(whole.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
def test_tflite(verify):
    verify("tflite", run, dtypes=["float32"])
