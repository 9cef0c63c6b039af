"""What the gate of a written-out cell is a sum of: products with constant matrices, and biases.

A gate is followed back from its activation, through Add, Split and Slice, to Gemm and MatMul. What
Split and Slice cut out of a product is cut out of its matrix instead, so that each gate knows its
own rows, whatever their order.
"""

from __future__ import annotations

import dataclasses
import math
import operator
from typing import TYPE_CHECKING, Any, Final

from gateparity.backends.checkpoints.onnx_constants import split_bounds
from gateparity.backends.checkpoints.onnx_graph import beside_ones
from gateparity.backends.onnx.node import options

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.backends.checkpoints.onnx_constants import Constant, Constants
    from gateparity.backends.checkpoints.onnx_graph import Value

    Cut = Callable[[int], tuple[int, int]]  # of an axis's length: where the part begins and ends

PLAIN: Final = ("Cast", "Dropout", "Identity", "Reshape", "Squeeze", "Unsqueeze")
ARITHMETIC: Final[dict[str, Callable[[int, int], int]]] = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mul": operator.mul,
    "Div": operator.floordiv,
}
MOST: Final = 64  # operators between an activation and a product


class NotFollowed(Exception):
    """Raised, with a reason, for a value that isn't such a sum."""


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of a constant along one axis: the rows of one gate."""

    whole: Constant
    axis: int
    start: int
    stop: int

    @property
    def size(self) -> int:
        """Return how many rows it has."""
        return self.stop - self.start


@dataclasses.dataclass(frozen=True)
class Product:
    """A value times the columns or rows of a constant matrix that one gate has."""

    value: Value
    part: Part


@dataclasses.dataclass(frozen=True)
class Bias:
    """What is added to a gate; `beside` is the value of the Gemm that adds it, or None."""

    part: Part
    beside: Value | None = None


def behind(value: Value) -> Value:
    """Return the value in front of operators that leave its numbers as they are."""
    for _ in range(MOST):
        node = value.node
        if (same := beside_ones(value)) is not None:
            value = same
        elif node is not None and node.op_type in PLAIN and node.input:
            value = value.inputs()[0]
        else:
            break
    return value


def follow(value: Value, constants: Constants) -> list[Product | Bias]:
    """Return the terms of a gate. Raise `NotFollowed` where something else is computed."""
    found: list[Product | Bias] = []
    open_: list[tuple[Value, tuple[Cut, ...]]] = [(value, ())]
    for _ in range(MOST):
        if not open_:
            return found
        each, cuts = open_.pop()
        constant = constants.find(each)
        if constant:
            found.append(Bias(_part(constant, -1, cuts)))
        elif each.node is None:
            raise NotFollowed("a gate is an input of the graph")
        elif each.node.op_type in ("Gemm", "MatMul"):
            found += _product(each, cuts, constants)
        else:
            open_ += _sources(each, cuts, constants)
    raise NotFollowed("a gate is a sum of too many terms")


def _sources(
    value: Value, cuts: tuple[Cut, ...], constants: Constants
) -> list[tuple[Value, tuple[Cut, ...]]]:
    node, inputs = value.node, value.inputs()
    if node.op_type in ("Add", "Sum"):
        return [(each, cuts) for each in inputs]
    words = options(node)
    shape = _numbers(inputs, 1, constants) if node.op_type == "Reshape" and cuts else [-1, -1]
    if shape is None or len(shape) > 2:
        raise NotFollowed("a gate is cut out behind a Reshape, which may mix the gates")
    # Along the first axis, Gather and Split choose a step of time.
    chooses = node.op_type in ("Gather", "Split") and not words.get("axis")
    if node.op_type in PLAIN or chooses:
        return [(inputs[0], cuts)]
    if node.op_type == "Split":
        sizes = words.get("split") or _numbers(inputs, 1, constants)
        count = words.get("num_outputs", len(node.output))
        cut = _cut(lambda length: split_bounds(length, sizes, count, value.place))
        return [(inputs[0], (*cuts, cut))]
    if node.op_type == "Slice":
        return [(inputs[0], (*cuts, *_sliced(words, inputs, constants)))]
    raise NotFollowed(f"a gate is computed by {node.op_type}")


def _product(value: Value, cuts: tuple[Cut, ...], constants: Constants) -> list[Product | Bias]:
    node, inputs, words = value.node, value.inputs(), options(value.node)
    matrix = constants.find(inputs[1])
    if matrix is None or len(matrix.shape) != 2:
        raise NotFollowed(f"a gate's {node.op_type} is with no constant matrix")
    if words.get("transA") or words.get("alpha", 1.0) != 1.0 or words.get("beta", 1.0) != 1.0:
        raise NotFollowed("a gate's Gemm has a factor")
    axis = 0 if words.get("transB") else 1
    found: list[Product | Bias] = [Product(inputs[0], _part(matrix, axis, cuts))]
    if node.op_type == "Gemm" and len(inputs) > 2 and inputs[2].name:
        bias = constants.find(inputs[2])
        if bias is None:
            raise NotFollowed("a gate's bias is computed while the model runs")
        found.append(Bias(_part(bias, -1, cuts), inputs[0]))
    return found


def _part(whole: Constant, axis: int, cuts: tuple[Cut, ...]) -> Part:
    """Return the part of a constant that cuts leave, of which the last comes first in the graph."""
    if axis < 0:
        axis = max(len(whole.shape) - 1, 0)
    length = whole.shape[axis] if whole.shape else 1
    start, stop = 0, length
    for cut in reversed(cuts) if length > 1 else ():  # a single number is every gate's
        first, last = cut(stop - start)
        start, stop = start + first, start + last
    return Part(whole, axis, start, stop)


def _cut(bounds: Cut) -> Cut:
    def cut(length: int) -> tuple[int, int]:
        try:
            start, stop = bounds(length)
        except (ValueError, ZeroDivisionError) as error:
            raise NotFollowed(f"a gate is cut out wrongly: {error}") from None
        if not 0 <= start < stop <= length:
            raise NotFollowed(f"a gate is cut out at {start} to {stop} of {length}")
        return start, stop

    return cut


def _sliced(words: dict[str, Any], inputs: list[Value], constants: Constants) -> list[Cut]:
    """Return the cut of a Slice: none along the first axis, where it chooses a step of time."""
    starts, ends, axes, steps = (
        words.get(name) or _numbers(inputs, k, constants)
        for k, name in enumerate(("starts", "ends", "axes", "steps"), 1)
    )
    axes = axes or list(range(len(starts or [0])))
    cut = [k for k, axis in enumerate(axes) if axis]
    if not cut:
        return []
    if len(cut) > 1 or any(step != 1 for step in steps or ()):
        raise NotFollowed("a gate is cut out by a Slice that isn't simple")

    def bounds(length: int) -> tuple[int, int]:
        start = starts[cut[0]] if starts else _number(inputs[1], length, constants)
        end = ends[cut[0]] if ends else _number(inputs[2], length, constants)
        return slice(start, end).indices(length)[:2]

    return [_cut(bounds)]


def _number(value: Value, length: int, constants: Constants, depth: int = 0) -> int:
    """Return an integer that may be computed from the length of the axis that a Slice cuts.

    PyTorch's exporter writes `chunk` so: the length is an element of Shape.
    """
    known = constants.find(value)
    if known and math.prod(known.shape) == 1:
        return int(known.array.load().reshape(()))
    node, inputs = behind(value).node, behind(value).inputs() if behind(value).node else []
    if node is None or not inputs or depth > MOST:
        raise NotFollowed("a gate is cut out at places that are computed")
    if node.op_type == "Gather" and (shape := behind(inputs[0]).node) and shape.op_type == "Shape":
        return length
    if node.op_type not in ARITHMETIC or len(inputs) != 2:
        raise NotFollowed(f"a gate is cut out at places that {node.op_type} computes")
    first, second = (_number(each, length, constants, depth + 1) for each in inputs)
    return ARITHMETIC[node.op_type](first, second)


def _numbers(inputs: list[Value], place: int, constants: Constants) -> list[int] | None:
    constant = constants.find(inputs[place]) if place < len(inputs) and inputs[place].name else None
    if constant is None or sum(constant.shape) > MOST:
        return None
    found: list[int] = constant.array.load().astype("int64").ravel().tolist()
    return found
