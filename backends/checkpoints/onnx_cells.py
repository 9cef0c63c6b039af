"""LSTM cells that are written out in an ONNX graph, recognised by what they compute.

    c = f * c_prev + i * g
    h = o * tanh(c)

Every product of a sigmoid and a tanh may be an h. Whether it is one is decided by the sum that its
tanh is of, and each gate is followed back to its part of the matrices: which gate it is, is known
from its place in these equations, and the order in the matrices follows from it.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import TYPE_CHECKING, Any

from gateparity.backends.checkpoints.onnx_arrays import build
from gateparity.backends.checkpoints.onnx_flow import NotFollowed, behind, follow
from gateparity.backends.checkpoints.onnx_graph import describe_place, trace
from gateparity.backends.checkpoints.onnx_unit import Unit

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence

    from gateparity.backends.checkpoints.onnx_constants import Constants
    from gateparity.backends.checkpoints.onnx_graph import Graph, Value


@dataclasses.dataclass(frozen=True)
class Cell:
    """The values of one step: `gates` are sums before their activation, by i, f, g and o.

    `hard` says whether i, f or o have a hard sigmoid, which is a line that is cut at 0 and 1.
    """

    h: Value
    c: Value
    c_prev: Value
    gates: Mapping[str, Value]
    hard: bool


def find_cells(graphs: Sequence[Graph], constants: Constants) -> list[Unit]:
    """Return the written-out cells of all graphs."""
    cells = [
        cell for graph in graphs for node in graph.nodes for cell in _match(graph, node, constants)
    ]
    before = {cell.c: cell.h for cell in cells}
    first = [_unit(cell, before, (), constants) for cell in cells]
    # The first step of several has other states: its recurrent matrix is known from the others.
    known = {unit.arrays["R"].key for unit in first if "R" in unit.arrays}
    return [_unit(cell, before, known, constants) for cell in cells]


def _match(graph: Graph, node: Any, constants: Constants) -> Iterator[Cell]:
    """Yield the cell whose h a node computes."""
    if node.op_type != "Mul" or len(node.input) != 2 or not node.output:
        return
    h = graph.value(node.output[0])
    for left, right in itertools.permutations(h.inputs()):
        o, c = _gate(left, constants), _argument(["Tanh"], right)
        if o and c and _is_pair("Add", behind(c)):
            for sums, gates, c_prev in _cell_state(behind(c), constants):
                hard = not all(_argument(["Sigmoid"], gate) for gate in (left, *gates.values()))
                yield Cell(h, behind(c), c_prev, sums | {"o": o}, hard)
                return


def _cell_state(
    c: Value, constants: Constants
) -> Iterator[tuple[dict[str, Value], dict[str, Value], Value]]:
    """Yield i, f and g of `c = f * c_prev + i * g`, with their activations, and c_prev."""
    for new, old in itertools.permutations(map(behind, c.inputs())):
        if not (_is_pair("Mul", new) and _is_pair("Mul", old)):
            continue
        for (i, g), (f, c_prev) in itertools.product(
            itertools.permutations(new.inputs()), itertools.permutations(old.inputs())
        ):
            sums = {"i": _gate(i, constants), "f": _gate(f, constants), "g": _argument(["Tanh"], g)}
            known = {gate: value for gate, value in sums.items() if value}
            if len(known) == len(sums):
                yield known, {"i": i, "f": f}, c_prev


def _is_pair(operator: str, value: Value) -> bool:
    node = value.node
    return node is not None and node.op_type == operator and len(node.input) == 2


def _argument(functions: Collection[str], value: Value) -> Value | None:
    """Return what a value is one of these functions of, or None if it is no such function."""
    value = behind(value)
    if value.node is None or value.node.op_type not in functions or not value.node.input:
        return None
    return value.inputs()[0]


def _gate(value: Value, constants: Constants) -> Value | None:
    """Return what a value is a sigmoid of, or a hard sigmoid.

    Frameworks write a hard sigmoid as `clip(0.2 * z + 0.5, 0, 1)` or `clip(z + 3, 0, 6) / 6`.
    """
    found = _argument(["Sigmoid", "HardSigmoid"], value)
    clipped = None if found else _argument(["Clip"], _unscaled(behind(value), constants))
    return found or (clipped and _unscaled(clipped, constants))


def _unscaled(value: Value, constants: Constants) -> Value:
    """Return a value before single numbers are added to it or multiplied with it."""
    while value.node is not None and value.node.op_type in ("Add", "Div", "Mul"):
        found = [(each, constants.find(each)) for each in value.inputs()]
        others = [each for each, known in found if not known or math.prod(known.shape) > 1]
        if len(others) != 1 or len(found) != 2:
            break
        value = behind(others[0])
    return value


def _unit(
    cell: Cell, before: Mapping[Value, Value], known: Collection[Hashable], constants: Constants
) -> Unit:
    graph, node = cell.h.graph, cell.h.node
    unit = Unit(describe_place(graph, node, "Mul"), "LSTM", frozenset(), frozenset({cell.h}))
    try:
        terms = {gate: follow(value, constants) for gate, value in cell.gates.items()}
        built = build(terms, _recurrent(cell, before), known, constants)
    except NotFollowed as error:
        return dataclasses.replace(unit, refusal=f"a written-out cell that can't be read: {error}")
    weights = [array for name, array in built.arrays.items() if name[0] in "WR"]
    names = [name for array in weights for name in array.names]
    return dataclasses.replace(
        unit,
        path=describe_place(graph, node, "Mul", names),
        reads=built.reads,
        arrays=built.arrays,
        layout=built.layout,
        input_size=built.input_size,
        hidden_size=built.hidden_size,
        oddities=("written out in operators", *(["hard sigmoid"] if cell.hard else [])),
        refusal="its gates have a hard sigmoid, expected a sigmoid" if cell.hard else "",
    )


def _recurrent(cell: Cell, before: Mapping[Value, Value]) -> frozenset[Value]:
    """Return the values that h of the step before may consist of.

    It is the h that belongs to c_prev: in a graph of one step, they come from one state or are
    carried by one loop; in a graph of several steps, the step before computes both.
    """
    states = trace(cell.c_prev)
    found = set(states)
    for c in states:
        if c in before:
            found |= trace(before[c])
        found |= {
            c.graph.value(name)
            for name, out in c.graph.carried.items()
            if cell.h in trace(c.graph.value(out))
        }
    return frozenset(found)
