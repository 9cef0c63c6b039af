"""GRU cells that are written out in an ONNX graph: they are named with their sizes, and not read.

h = (1 - z) * n + z * h_prev, or h = (h_prev - n) * z + n
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from gateparity.backends.checkpoints.onnx_arrays import features, pair
from gateparity.backends.checkpoints.onnx_cells import argument, is_pair
from gateparity.backends.checkpoints.onnx_flow import Bias, NotFollowed, Product, behind, follow
from gateparity.backends.checkpoints.onnx_graph import describe_place, trace
from gateparity.backends.checkpoints.onnx_unit import Unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from gateparity.backends.checkpoints.onnx_constants import Constants
    from gateparity.backends.checkpoints.onnx_graph import Graph, Value

GATES: Final = 3


def find_grus(graphs: Sequence[Graph], constants: Constants) -> list[Unit]:
    """Return the written-out GRU cells of all graphs whose matrices can be followed."""
    units = []
    found = [cell for graph in graphs for node in graph.nodes for cell in _match(graph, node)]
    for h, z, h_prev in found:
        try:
            units.append(_unit(h, z, h_prev, constants))
        except NotFollowed:  # too few signs of a GRU
            continue
    return units


def _match(graph: Graph, node: Any) -> Iterator[tuple[Value, Value, Value]]:
    """Yield h, z before its sigmoid, and h of the step before."""
    if node.op_type != "Add" or len(node.input) != 2 or not node.output:
        return
    h = graph.value(node.output[0])
    for left, right in itertools.permutations(map(behind, h.inputs())):
        if not is_pair("Mul", left):
            continue
        for one, other in itertools.permutations(map(behind, left.inputs())):
            z = argument(["Sigmoid"], other)
            if not z:
                continue
            if is_pair("Sub", one) and argument(["Tanh"], right):
                h_prev, n = one.inputs()
                if behind(n) == right:
                    yield h, z, h_prev
            elif is_pair("Mul", right) and _is_rest(right, other):
                yield h, z, one


def _is_rest(product: Value, z: Value) -> bool:
    """Return whether a product is `(1 - z) * n`."""
    return any(
        is_pair("Sub", rest) and behind(rest.inputs()[1]) == z and bool(argument(["Tanh"], n))
        for rest, n in itertools.permutations(map(behind, product.inputs()))
    )


def _unit(h: Value, z: Value, h_prev: Value, constants: Constants) -> Unit:
    terms = follow(z, constants)
    products = [term for term in terms if isinstance(term, Product)]
    x, state = pair("z", products, trace(h_prev), (), constants)
    hidden = x.part.size
    if (state.part.size, features(state.part)) != (hidden, hidden):
        raise NotFollowed("its recurrent matrix isn't square")
    biases = [term.part.whole for term in terms if isinstance(term, Bias)]
    arrays = {"W": x.part.whole, "R": state.part.whole}
    arrays |= {f"B_{k}" if k else "B": bias for k, bias in enumerate(biases)}
    whole = x.part.whole.shape[x.part.axis] == GATES * hidden
    names = [name for each in ("W", "R") for name in arrays[each].names]
    return Unit(
        describe_place(h.graph, h.node, "Add", names),
        "GRU",
        trace(x.value),
        frozenset({h}),
        arrays if whole else {},
        input_size=features(x.part),
        hidden_size=hidden,
        oddities=("written out in operators",),
    )
