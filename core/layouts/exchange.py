"""The layouts of exchange formats and their runtimes: ONNX, OpenVINO, ncnn, Core ML, TFLite, WebNN.

One operator is one layer. If it runs in both directions, both are in the same arrays.
"""

from __future__ import annotations

from typing import Final

from gateparity.packing.array_spec import ArraySpec
from gateparity.packing.layout import Layout
from gateparity.packing.origin import Origin

# Both biases in B. Peepholes are ordered i, o, f.
ONNX: Final = Layout(
    "onnx",
    (
        ArraySpec("W", "w_ih", "direction (gate hidden) input"),
        ArraySpec("R", "w_hh", "direction (gate hidden) unit"),
        ArraySpec("B", "b_pair", "direction (side gate hidden)"),
    ),
    order="iofg",
    refused=(("P", "it holds peepholes"),),
    origin=Origin(
        "LSTM of ONNX",
        "https://onnx.ai/onnx/operators/onnx__LSTM.html",
        "onnxruntime 1.31.1",
        limits=("clip", "input_forget", "activations other than Sigmoid, Tanh, Tanh"),
    ),
)

OPENVINO: Final = Layout(
    "openvino",
    (
        ArraySpec("W", "w_ih", "direction (gate hidden) input"),
        ArraySpec("R", "w_hh", "direction (gate hidden) unit"),
        ArraySpec("B", "b", "direction (gate hidden)"),
    ),
    order="figo",
    always_biased=True,
    origin=Origin(
        "LSTMSequence of OpenVINO",
        "https://docs.openvino.ai/latest/openvino_docs_ops_sequence_LSTMSequence_1.html",
        "openvino 2026.4.1",
        limits=("clip", "activations other than sigmoid, tanh, tanh"),
    ),
)

# In the order of its file; the bias has a gate axis of its own.
NCNN: Final = Layout(
    "ncnn",
    (
        ArraySpec("weight_xc", "w_ih", "direction (gate hidden) input"),
        ArraySpec("bias_c", "b", "direction gate hidden"),
        ArraySpec("weight_hc", "w_hh", "direction (gate hidden) unit"),
    ),
    order="ifog",
    always_biased=True,
    refused=(("weight_hr", "it is the projection of an LSTM with num_output"),),
    origin=Origin(
        "LSTM of ncnn",
        "https://github.com/Tencent/ncnn/wiki/operators#lstm",
        "ncnn 1.0.20261020",
    ),
)

# `activation` is documented as i, f, o, z.
COREML: Final = Layout(
    "coreml",
    (
        ArraySpec("weight_ih{direction}", "w_ih", "(gate hidden) input"),
        ArraySpec("weight_hh{direction}", "w_hh", "(gate hidden) unit"),
        ArraySpec("bias{direction}", "b", "(gate hidden)"),
    ),
    order="ifog",
    directions=("", "_back"),
    refused=(("peephole", "it holds peepholes"),),
    origin=Origin(
        "lstm of Core ML's MIL",
        "https://apple.github.io/coremltools/source/coremltools.converters.mil.mil.ops.defs.html",
        "coremltools 9.0",
        unverified="it predicts on macOS alone; its converter's output for PyTorch was read back",
        limits=("clip", "activations other than sigmoid, tanh, tanh"),
    ),
)

# Inputs 1 to 8 and 12 to 15. Arm NN and other runtimes take the same.
TFLITE: Final = Layout(
    "tflite",
    (
        ArraySpec("input_to_{gate}_weights", "w_ih", "hidden input"),
        ArraySpec("recurrent_to_{gate}_weights", "w_hh", "hidden unit"),
        ArraySpec("{gate}_gate_bias", "b", "hidden"),
    ),
    gates=("input", "forget", "cell", "output"),
    always_biased=True,
    refused=(
        ("cell_to_", "it is a peephole"),
        ("projection_", "it belongs to the projection of an LSTM with one"),
        ("layer_norm", "it normalises a gate"),
    ),
    origin=Origin(
        "UNIDIRECTIONAL_SEQUENCE_LSTM of TensorFlow Lite",
        "https://www.tensorflow.org/mlir/tfl_ops#tflunidirectional_sequence_lstm_tfl"
        "unidirectionalsequencelstmop",
        "tensorflow 2.21.0",
        limits=("cell_clip", "coupled gates (CIFG, i = 1 - f), which leave the input gate out"),
    ),
)

# layout="iofg" is the default, "ifgo" the other.
WEBNN: Final = Layout(
    "webnn",
    (
        ArraySpec("weight", "w_ih", "direction (gate hidden) input"),
        ArraySpec("recurrentWeight", "w_hh", "direction (gate hidden) unit"),
        ArraySpec("bias", "b_ih", "direction (gate hidden)"),
        ArraySpec("recurrentBias", "b_hh", "direction (gate hidden)"),
    ),
    order="iofg",
    refused=(("peepholeWeight", "it holds peepholes"),),
    origin=Origin(
        "lstm of WebNN",
        "https://www.w3.org/TR/webnn/#api-mlgraphbuilder-lstm",
        "W3C draft",
        unverified="browsers implement it; it was read from the specification",
        limits=('layout="ifgo"', "activations other than sigmoid, tanh, tanh"),
    ),
)
