"""The recurrent operators of ONNX: what their inputs, outputs and attributes are called.

Source: https://onnx.ai/onnx/operators/onnx__LSTM.html, and com.microsoft.DynamicQuantizeLSTM of
https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md.
"""

from __future__ import annotations

from typing import Any, Final

QUANTISED: Final = "DynamicQuantizeLSTM"
SCALES: Final = ("W_scale", "W_zero_point", "R_scale", "R_zero_point")
INPUTS: Final = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P", *SCALES)
COUNTS: Final = {"LSTM": 8, QUANTISED: 12}  # of inputs; GRU and RNN have the first 6
OUTPUTS: Final = ("Y", "Y_h", "Y_c")
ACTIVATIONS: Final = (b"Sigmoid", b"Tanh", b"Tanh")  # of each direction, unless a node says others


def name_inputs(node: Any) -> dict[str, str]:
    """Return the values that a recurrent operator takes, by the names of its inputs."""
    names = INPUTS[: COUNTS.get(node.op_type, 6)]
    return {n: value for n, value in zip(names, node.input) if value}  # noqa: B905  may be fewer


def name_outputs(node: Any) -> dict[str, str]:
    """Return the values that a recurrent operator makes, by the names of its outputs."""
    return {n: value for n, value in zip(OUTPUTS, node.output) if value}  # noqa: B905


def options(node: Any) -> dict[str, Any]:
    """Return the attributes of any node by name: numbers, bytes, lists of them, tensors."""
    from onnx.helper import get_attribute_value

    return {a.name: get_attribute_value(a) for a in node.attribute if not a.ref_attr_name}
