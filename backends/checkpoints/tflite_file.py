"""TFLite models: the LSTM operators of their graphs, with weights as they are or quantised.

An operator lists the numbers of its inputs. A float16 weight goes through a DEQUANTIZE before.
Source: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema.
"""

from __future__ import annotations

import dataclasses
import math
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.backends.checkpoints.contents import (
    Contents,
    FoundLayer,
    StoredArray,
    found_lstm,
)
from gateparity.backends.checkpoints.dtypes import FLOATS, STORED, widen
from gateparity.backends.checkpoints.flatbuffer import Table, root
from gateparity.backends.checkpoints.format import Format
from gateparity.layouts.exchange import TFLITE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gateparity.backends.checkpoints.source import Source
    from gateparity.network.parameters import Array

NAME: Final = "a TFLite model"
MAGIC: Final = b"TFL3"  # behind the place of the root table
DTYPES: Final = {
    0: "float32",
    1: "float16",
    2: "int32",
    3: "uint8",
    4: "int64",
    6: "bool",
    7: "int16",
    9: "int8",
    10: "float64",
}
DEQUANTIZE, LSTM, ONE_WAY, BOTH_WAYS, WHILE = 6, 16, 44, 52, 119  # operators
PLAIN: Final = {24: "RNN", 35: "RNN", 46: "RNN"}
RECURRENT: Final = {LSTM, ONE_WAY, BOTH_WAYS, *PLAIN}
TANH: Final = 4
FEW: Final = 100  # inputs of a recurrent operator; one has up to 48
MANY: Final = 200_000  # tensors and operators of a model
GATES: Final = ("input", "forget", "cell", "output")
INPUTS: Final = (  # of one direction, from input 1 on
    *(f"input_to_{gate}_weights" for gate in GATES),
    *(f"recurrent_to_{gate}_weights" for gate in GATES),
    *(f"cell_to_{gate}_weights" for gate in ("input", "forget", "output")),
    *(f"{gate}_gate_bias" for gate in GATES),
    *("projection_weights", "projection_bias"),
)
NORMALISED: Final = 20  # the first input of layer normalisation, in one direction

Tensors = dict[int, tuple[str, "StoredArray | None"]]


def _read(source: Source) -> Contents:
    model = root(source)
    codes = [max(code.number(0, "b"), code.number(3, "i")) for code in model.tables(1)]
    buffers = list(model.tables(4))
    arrays: dict[str, StoredArray] = {}
    layers: list[FoundLayer] = []
    loops = count = 0
    for graph in model.tables(2):
        count += 1 + graph.vector(0)[1] + graph.vector(3)[1]
        if count > MANY:
            raise ValueError(f"damaged: its graphs have more than {MANY} tensors and operators")
        tensors = dict(enumerate(_tensor(table, buffers) for table in graph.tables(0)))
        operators = [(_code(codes, operator), operator) for operator in graph.tables(3)]
        arrays |= {name: array for name, array in tensors.values() if array}
        _dequantize(operators, tensors)
        loops += sum(code == WHILE for code, _ in operators)
        for code, operator in operators:
            if code in RECURRENT:
                layers += _layers(code, operator, tensors)
    some = f"{loops} loop{'s' * (loops > 1)}"
    notes = [f"{some}, in which no layers are looked for"] if loops else []
    return Contents(NAME, arrays, tuple(layers), tuple(notes))


def _code(codes: Sequence[int], operator: Table) -> int:
    index = operator.number(0, "I")
    return codes[index] if index < len(codes) else -1


def _tensor(table: Table, buffers: Sequence[Table]) -> tuple[str, StoredArray | None]:
    """Return a tensor's name, and its numbers if the file has them."""
    name, dtype = table.text(3), DTYPES.get(table.number(1, "b"))
    shape, index = table.numbers(0, "i", FEW), table.number(2, "I")
    if dtype is None or index >= len(buffers) or any(size < 0 for size in shape):
        return name, None
    start, size = buffers[index].vector(0)
    start, size = buffers[index].number(1, "Q") or start, buffers[index].number(2, "Q") or size
    if not size or size != math.prod(shape) * np.dtype(STORED[dtype]).itemsize:
        return name, None
    scale = table.table(4)
    load = partial(_load, table.source, start, size, shape, dtype, scale)
    return name, StoredArray(shape, dtype, load)


def _load(
    source: Source,
    start: int,
    size: int,
    shape: tuple[int, ...],
    dtype: str,
    quantisation: Table | None,
) -> Array:
    stored = np.frombuffer(source.part(start, size), STORED[dtype]).reshape(shape)
    scales = quantisation.numbers(2, "f") if quantisation else ()
    if dtype in FLOATS or not quantisation or not scales:
        return widen(stored, dtype)
    zeros, axis = quantisation.numbers(3, "q") or (0,), quantisation.number(6, "i")
    along = [1] * stored.ndim
    if len(scales) > 1 or len(zeros) > 1:
        if not 0 <= axis < stored.ndim or len(scales) != shape[axis]:
            raise ValueError(f"damaged: {len(scales)} scales for an array of {list(shape)}")
        along[axis] = -1
    zero = np.array(zeros, np.float64).reshape(along if len(zeros) > 1 else -1)
    scale = np.array(scales, np.float64).reshape(along if len(scales) > 1 else -1)
    with np.errstate(over="ignore", invalid="ignore"):
        found = ((stored - zero) * scale).astype(np.float32).reshape(shape)
    if not np.isfinite(found).all():
        raise ValueError("damaged: its scale makes a number infinite")
    return found


def _dequantize(operators: Sequence[tuple[int, Table]], tensors: Tensors) -> None:
    """Give the outputs of DEQUANTIZE the arrays that go in."""
    for operator in (operator for code, operator in operators if code == DEQUANTIZE):
        inputs, outputs = operator.numbers(1, "i", FEW), operator.numbers(2, "i", FEW)
        if inputs and outputs and outputs[0] in tensors:
            _, array = tensors.get(inputs[0], ("", None))
            tensors[outputs[0]] = (tensors[outputs[0]][0], array)


def _layers(code: int, operator: Table, tensors: Tensors) -> Iterator[FoundLayer]:
    inputs, outputs = operator.numbers(1, "i", FEW), operator.numbers(2, "i", FEW)
    path = tensors.get(outputs[0] if outputs else -1, ("", None))[0]
    if code in PLAIN:
        shapes = [array.shape for _, array in _given(inputs[1:3], tensors)]
        if [len(shape) for shape in shapes] == [2, 2]:
            yield FoundLayer(path, PLAIN[code], shapes[0][1], shapes[1][1])
    elif code in (LSTM, ONE_WAY) and len(inputs) > len(INPUTS):
        yield _lstm(path, operator, inputs[1:], inputs[NORMALISED:], tensors)
    elif code == BOTH_WAYS and len(inputs) > 2 * len(INPUTS):
        for number, way in enumerate(("forward", "backward")):
            first = 1 + number * len(INPUTS)
            yield _lstm(f"{path}/{way}", operator, inputs[first:], (), tensors)
    elif code == LSTM:
        yield FoundLayer(path, "LSTM", 0, 0, refusal="an LSTM operator with the basic kernel")


def _lstm(
    path: str, operator: Table, inputs: Sequence[int], normalised: Sequence[int], tensors: Tensors
) -> FoundLayer:
    arrays = {
        name: array
        for name, number in zip(INPUTS, inputs, strict=False)
        for _, array in _given([number], tensors)
    }
    options = operator.table(4)
    clip = options.number(1, "f") if options else 0.0
    refusal = ""
    if options and options.number(0, "b") != TANH:
        refusal = "its activation isn't tanh"
    elif "input_to_input_weights" not in arrays and "input_to_forget_weights" in arrays:
        refusal = "its input and forget gates are coupled"
    elif any(_given(normalised, tensors)):
        refusal = "it normalises its gates"
    oddities = [f"its state is clipped at {clip:g}"] if clip else []
    found = found_lstm(path, TFLITE, arrays, [*oddities, *_scaled(arrays)], refusal)
    weights = arrays.get("input_to_forget_weights")
    if found.hidden_size or not weights or len(weights.shape) != 2:
        return found
    return dataclasses.replace(found, input_size=weights.shape[1], hidden_size=weights.shape[0])


def _scaled(arrays: Mapping[str, StoredArray]) -> list[str]:
    dtypes = dict.fromkeys(a.dtype for a in arrays.values() if a.dtype not in FLOATS)
    return [f"{dtype} with a scale" for dtype in dtypes]


def _given(numbers: Sequence[int], tensors: Tensors) -> list[tuple[str, Any]]:
    """Return the tensors of these numbers that have arrays; -1 stands for none."""
    found = [tensors[number] for number in numbers if number in tensors]
    return [(name, array) for name, array in found if array]


FORMATS: Final = (Format(NAME, lambda source: source.head.startswith(MAGIC, 4), _read, ".tflite"),)
