"""Constants of an ONNX graph: stored arrays, and what a few operators make of them.

Exporters leave weights behind Slice, Concat, Transpose and others, where a runtime would fold them.
Here they are folded by NumPy, and only when the numbers are asked for: shapes are found with arrays
that have one zero in memory.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.backends.checkpoints.contents import StoredArray
from gateparity.backends.checkpoints.onnx_tensors import DTYPES
from gateparity.backends.onnx.node import options

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from gateparity.backends.checkpoints.onnx_graph import Value
    from gateparity.backends.checkpoints.onnx_tensors import Tensors
    from gateparity.network.parameters import Array

    Function = Callable[..., Array]

DEEPEST: Final = 100  # operators behind one another
MOST: Final = 2000  # operators that one constant is made by
SHORT: Final = 1024  # elements of an array that says a shape, axes or places
FLOATS: Final = {1: "float32", 10: "float16", 11: "float64"}  # that Cast goes to


@dataclasses.dataclass(frozen=True)
class Constant:
    """A constant. Those that the same operators make of the same stored arrays have one `key`.

    `names` are the stored arrays that it is made of.
    """

    array: StoredArray
    key: Hashable
    names: tuple[str, ...] = ()
    operators: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape that its array has."""
        return self.array.shape


class NotConstant(Exception):
    """Raised for a value that is computed when the model runs."""


class Constants:
    """The constants of a model, each found once."""

    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors
        self._found: dict[Value, Constant | None] = {}

    def find(self, value: Value, depth: int = 0) -> Constant | None:
        """Return the constant of a value, or None for one that is computed.

        Raise `ValueError` for a stored array that is damaged.
        """
        if value not in self._found:
            self._found[value] = None  # that of a graph in a circle
            self._found[value] = self._find(value, depth) if depth < DEEPEST else None
        return self._found[value]

    def derive(
        self,
        key: Hashable,
        function: Function,
        inputs: Sequence[Constant],
        *,
        elementwise: bool = False,
    ) -> Constant:
        """Return what a function makes of constants, computed when it is asked for.

        An `elementwise` function keeps the shape of its first array. Raise `ValueError` for a
        constant that has more elements than the model has bytes.
        """
        operators = 1 + sum(each.operators for each in inputs)
        room = sum(math.prod(each.shape) for each in inputs)
        if operators > MOST or room > self._tensors.room:
            raise ValueError("a constant of an ONNX model is larger than the model itself")
        arrays = [each.array for each in inputs]
        if elementwise:
            shape = inputs[0].shape
        else:
            shape = function(*(np.broadcast_to(np.uint8(0), each.shape) for each in inputs)).shape
        stored = StoredArray(
            shape, arrays[0].dtype, lambda: function(*(array.load() for array in arrays))
        )
        names = tuple(dict.fromkeys(name for each in inputs for name in each.names))
        return Constant(stored, (key, *(each.key for each in inputs)), names, operators)

    def part(self, whole: Constant, axis: int, start: int, stop: int) -> Constant:
        """Return a part of a constant along an axis."""
        if (start, stop) == (0, whole.shape[axis]):
            return whole
        where = (slice(None),) * axis + (slice(start, stop),)
        return self.derive(("part", axis, start, stop), lambda x: x[where], [whole])

    def _find(self, value: Value, depth: int) -> Constant | None:
        if value.tensor is not None:
            return self._stored(value, value.tensor)
        node = value.node
        if node is None or node.domain not in ("", "ai.onnx"):
            return None
        if node.op_type == "Constant":
            return self._constant(value, options(node))
        if node.op_type not in OPERATORS:
            return None
        inputs = [self.find(each, depth + 1) if each.name else None for each in value.inputs()]
        try:
            return self._apply(value, inputs)
        except (IndexError, KeyError, NotConstant, TypeError, ValueError):
            return None

    def _apply(self, value: Value, inputs: Sequence[Constant | None]) -> Constant:
        """Return the constant that a node's operator makes. Raise `NotConstant` if it can't."""
        node = value.node
        many = node.op_type in ("Concat", "DequantizeLinear")
        arrays = inputs if many else inputs[:1]
        known = [each for each in arrays if each is not None]
        if not known or len(known) < len(arrays):
            raise NotConstant
        words = options(node)
        words["count"], words["place"] = len(node.output), value.place
        words["shapes"] = [each.shape for each in known]
        small = [] if many else [self._short(each) for each in inputs[1:]]
        function = OPERATORS[node.op_type](words, small)
        key = (node.op_type, repr(sorted(words.items())), repr(small))
        return self.derive(key, function, known, elementwise=node.op_type in ELEMENTWISE)

    def _short(self, constant: Constant | None) -> list[int] | None:
        if constant is None:
            return None
        if math.prod(constant.shape) > SHORT:
            raise NotConstant
        found: list[int] = constant.array.load().astype(np.int64).ravel().tolist()
        return found

    def _constant(self, value: Value, words: dict[str, Any]) -> Constant | None:
        """Return the array of a node Constant, which spells numbers in several ways."""
        if "value" in words:
            return self._stored(value, words["value"])
        for name, dtype in (("value_float", "float32"), ("value_int", "int64")):
            if name in words or f"{name}s" in words:
                array = np.asarray(words.get(name, words.get(f"{name}s")), dtype)
                return Constant(StoredArray(array.shape, dtype, array.copy), value, (value.name,))
        return None

    def _stored(self, value: Value, tensor: Any) -> Constant | None:
        if tensor.data_type not in DTYPES:
            return None
        return Constant(self._tensors.stored(tensor), value, (value.name,))


def _axes(words: dict[str, Any], small: list[list[int] | None]) -> tuple[int, ...] | None:
    axes = words.get("axes", small[0] if small else None)
    return None if axes is None else tuple(axes)


def _unsqueeze(words: dict[str, Any], small: list[list[int] | None]) -> Function:
    axes = _axes(words, small)
    if axes is None:
        raise NotConstant
    return lambda x: np.expand_dims(x, axes)


def _reshape(words: dict[str, Any], small: list[list[int] | None]) -> Function:
    shape = words.get("shape", small[0] if small else None)
    if words.get("allowzero") or shape is None:
        raise NotConstant
    old = words["shapes"][0]
    new = [old[k] if size == 0 else size for k, size in enumerate(shape)]
    return lambda x: x.reshape(new)


def _slice(words: dict[str, Any], small: list[list[int] | None]) -> Function:
    """Return the function of Slice, whose places were attributes before opset 10."""
    if "starts" in words:
        small = [words["starts"], words["ends"], words.get("axes"), None]
    starts, ends, axes, steps = (*small, None, None)[:4]
    if starts is None or ends is None:
        raise NotConstant
    where = [slice(None)] * len(words["shapes"][0])
    for k, (start, end) in enumerate(zip(starts, ends, strict=True)):
        where[axes[k] if axes else k] = slice(*_bounds(start, end, steps[k] if steps else 1))
    index = tuple(where)
    return lambda x: x[index]


def _bounds(start: int, end: int, step: int) -> tuple[int, int | None, int]:
    """Return a slice of Python for one of ONNX, whose end of a backward one may be before 0."""
    return start, None if step < 0 and end < -(2**31) else end, step


def _split(words: dict[str, Any], small: list[list[int] | None]) -> Function:
    axis, place = words.get("axis", 0), words["place"]
    length = words["shapes"][0][axis]
    sizes = words.get("split", small[0] if small else None)
    start, stop = split_bounds(length, sizes, words.get("num_outputs", words["count"]), place)
    where = (slice(None),) * (axis % len(words["shapes"][0])) + (slice(start, stop),)
    return lambda x: x[where]


def split_bounds(
    length: int, sizes: Sequence[int] | None, count: int, place: int
) -> tuple[int, int]:
    """Return where one output of Split begins and ends, on an axis of a length."""
    each = -(-length // count)
    sizes = sizes or [each] * (count - 1) + [length - each * (count - 1)]
    if sum(sizes) != length:
        raise ValueError(f"Split makes parts of {list(sizes)}, expected {length} in all")
    return sum(sizes[:place]), sum(sizes[: place + 1])


def _cast(words: dict[str, Any], _: object) -> Function:
    dtype = FLOATS.get(words["to"])
    if dtype is None:  # of integers: shapes and axes, which are read as they are
        if words["to"] not in (6, 7):
            raise NotConstant
        return lambda x: x.astype("int64")
    wide = "float64" if dtype == "float64" else "float32"
    return lambda x: x.astype(dtype, copy=False).astype(wide, copy=False)


def _dequantize(words: dict[str, Any], _: object) -> Function:
    shape = [1] * len(words["shapes"][0])
    if (size := math.prod(words["shapes"][1])) > 1:
        shape[words.get("axis", 1)] = size
    return lambda x, *scale_and_zero: dequantise(
        x, *(each.reshape(shape) for each in scale_and_zero)
    )


def dequantise(x: Array, scale: Array, zero: Array | None = None) -> Array:
    """Return integers with a scale, and the integer that is zero, as float32."""
    offset = np.int32(0) if zero is None else zero.astype(np.int32)
    found: Array = (x.astype(np.int32) - offset).astype(np.float32) * scale
    return found


ELEMENTWISE: Final = ("Cast", "DequantizeLinear", "Identity")
# Each takes a node's attributes, and its small inputs, and returns the function of its arrays.
OPERATORS: Final[dict[str, Callable[[dict[str, Any], list[list[int] | None]], Function]]] = {
    "Cast": _cast,
    "Concat": lambda words, _: lambda *arrays: np.concatenate(arrays, words["axis"]),
    "DequantizeLinear": _dequantize,
    "Identity": lambda _, __: lambda x: x,
    "Reshape": _reshape,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": lambda words, small: lambda x: np.squeeze(x, _axes(words, small)),
    "Transpose": lambda words, _: lambda x: x.transpose(words.get("perm")),
    "Unsqueeze": _unsqueeze,
}
