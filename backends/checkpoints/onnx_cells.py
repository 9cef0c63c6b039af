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
    """The values of one step: `gates` are sums before their activation, by i, f, g and o."""

    h: Value
    c: Value
    c_prev: Value
    gates: Mapping[str, Value]


def find_cells(graphs: Sequence[Graph], constants: Constants) -> list[Unit]:
    """Return the written-out cells of all graphs."""
    cells = [cell for graph in graphs for node in graph.nodes for cell in _match(graph, node)]
    before = {cell.c: cell.h for cell in cells}
    first = [_unit(cell, before, (), constants) for cell in cells]
    # The first step of several has other states: its recurrent matrix is known from the others.
    known = {unit.arrays["R"].key for unit in first if "R" in unit.arrays}
    return [_unit(cell, before, known, constants) for cell in cells]


def _match(graph: Graph, node: Any) -> Iterator[Cell]:
    """Yield the cell whose h a node computes."""
    if not node.output or not _is_pair("Mul", h := graph.value(node.output[0])):
        return
    for left, right in itertools.permutations(h.inputs()):
        o, c = _argument("Sigmoid", left), _argument("Tanh", right)
        if o and c and _is_pair("Add", behind(c)):
            for gates, c_prev in _cell_state(behind(c)):
                yield Cell(h, behind(c), c_prev, {**gates, "o": o})
                return


def _cell_state(c: Value) -> Iterator[tuple[dict[str, Value], Value]]:
    """Yield the gates of `c = f * c_prev + i * g`, and c_prev."""
    for new, old in itertools.permutations(map(behind, c.inputs())):
        if not (_is_pair("Mul", new) and _is_pair("Mul", old)):
            continue
        for (i, g), (f, c_prev) in itertools.product(
            itertools.permutations(new.inputs()), itertools.permutations(old.inputs())
        ):
            gates = {
                "i": _argument("Sigmoid", i),
                "f": _argument("Sigmoid", f),
                "g": _argument("Tanh", g),
            }
            known = {gate: value for gate, value in gates.items() if value}
            if len(known) == len(gates):
                yield known, c_prev


def _is_pair(operator: str, value: Value) -> bool:
    node = value.node
    return node is not None and node.op_type == operator and len(node.input) == 2


def _argument(function: str, value: Value) -> Value | None:
    """Return what a value is a function of, or None if it is no such function."""
    value = behind(value)
    if value.node is None or value.node.op_type != function or not value.node.input:
        return None
    return value.inputs()[0]


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
        oddities=("written out in operators",),
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
