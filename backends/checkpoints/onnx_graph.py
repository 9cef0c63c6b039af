"""The graphs of an ONNX model, each with the values that its nodes can name.

A subgraph (of If, Loop or Scan) sees the values of the graphs around it; a function sees its
inputs, which are values where it is called. The depth and the number of graphs are limited: a small
file can declare graphs without end.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
import struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gateparity.backends.onnx.node import options

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

DEEPEST: Final = 30  # graphs in one another
MOST: Final = 10_000  # graphs: a function counts wherever it is called

# Operators that change the shape of a value, or leave a part of it out, and compute nothing.
VIEWS: Final = frozenset(
    {
        *("Cast", "Dropout", "Expand", "Flatten", "Gather", "Identity", "Reshape", "Slice"),
        *("Split", "Squeeze", "Tile", "Transpose", "Unsqueeze"),
    }
)
SEPARATORS: Final = "/."  # of names
ONE: Final = struct.pack("<f", 1.0)
INLINED: Final = re.compile(r".*__Inline_\d+__")  # what spox writes before an inlined name


@dataclasses.dataclass(frozen=True, eq=False)
class Graph:
    """One graph: `path` is where it lies in the model, in words.

    `bound` are values of other graphs by their names here, for the inputs of a function.
    """

    path: tuple[str, ...]
    nodes: Sequence[Any]
    inputs: frozenset[str] = frozenset()
    outputs: tuple[str, ...] = ()
    tensors: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    outer: Graph | None = None
    bound: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    carried: Mapping[str, str] = dataclasses.field(default_factory=dict)
    made: dict[str, tuple[Any, int]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for node in self.nodes:
            self.made.update({name: (node, k) for k, name in enumerate(node.output) if name})

    def value(self, name: str) -> Value:
        """Return the value of a name here, with the graph that it belongs to."""
        graph: Graph | None = self
        while graph and not (name in graph.made or name in graph.tensors or name in graph.inputs):
            if name in graph.bound:
                return graph.bound[name]
            graph = graph.outer
        return Value(graph or self, name)


class Value(NamedTuple):
    """A value of a graph, by its name there."""

    graph: Graph
    name: str

    @property
    def node(self) -> Any:
        """Return the node that computes it, or None."""
        return self.graph.made.get(self.name, (None, 0))[0]

    @property
    def place(self) -> int:
        """Return which output of its node it is."""
        return self.graph.made.get(self.name, (None, 0))[1]

    @property
    def tensor(self) -> Any:
        """Return the tensor that stores it, or None."""
        return self.graph.tensors.get(self.name)

    def inputs(self) -> list[Value]:
        """Return the inputs of its node."""
        return [self.graph.value(name) for name in self.node.input]


def list_graphs(model: Any) -> list[Graph]:
    """Return every graph of a model, each before the graphs in it.

    Raise `ValueError` for more graphs, or deeper ones, than any real model has.
    """
    functions = {(f.domain, f.name): f for f in model.functions}
    main = _graph(model.graph, (), None)
    found = list(itertools.islice(_walk(main, functions, 0), MOST + 1))
    if len(found) > MOST:
        raise ValueError(f"an ONNX model of more than {MOST} graphs")
    return found


def trace(value: Value) -> frozenset[Value]:
    """Return the values that a value consists of, behind all that only changes its shape."""
    found, seen, open_ = set(), set(), [value]
    while open_:
        each = open_.pop()
        if each in seen:
            continue
        seen.add(each)
        node = each.node
        if node is not None and node.op_type in VIEWS and node.input:
            open_.append(each.inputs()[0])
        elif node is not None and node.op_type == "Concat" and node.input:
            open_.extend(each.inputs())
        elif (same := beside_ones(each)) is not None:
            open_.append(same)
        else:
            found.add(each)
    return frozenset(found)


def beside_ones(value: Value) -> Value | None:
    """Return what a value is the product of with an array of ones, or None for other values.

    Keras multiplies the states of a cell with a mask of dropout, which is ones where nothing is
    dropped.
    """
    if value.node is None or value.node.op_type != "Mul" or len(value.node.input) != 2:
        return None
    first, second = value.inputs()
    return second if _is_ones(first) else first if _is_ones(second) else None


def describe_place(graph: Graph, node: Any, kind: str, names: Sequence[str] = ()) -> str:
    """Return a path for a node: the subgraphs that it lies in, and a name.

    Exporters call a node after the module that it comes from, "/decoder/rnn/LSTM": a last word that
    says the kind is left out. If no other word is left, the name is what the `names` of the stored
    weights have in common, or else the node's own.
    """
    own = [word for word in str(node.name).split("/") if word]
    if own and INLINED.fullmatch(own[0]):
        own = own[1:]
    first = own[0] if own else next(filter(None, node.output), kind)
    if own and re.fullmatch(rf"(node_)?{kind}(_*\d+)*", own[-1], re.IGNORECASE):
        own = own[:-1]
    return "/".join([*graph.path, *(own or [_common(names) or first])])


def _common(names: Sequence[str]) -> str:
    """Return the words that all names begin with: "decoder.rnn"."""
    first, last = min(names, default=""), max(names, default="")
    ends = [k for k, letter in enumerate(first, 1) if letter in SEPARATORS]
    alike = [first[:k] for k in ends if last.startswith(first[:k])]
    return alike[-1].strip(SEPARATORS) if alike else ""


def _walk(graph: Graph, functions: Mapping[Any, Any], depth: int) -> Iterator[Graph]:
    if depth > DEEPEST:
        raise ValueError(f"an ONNX model with more than {DEEPEST} graphs in one another")
    yield graph
    for node in graph.nodes:
        for inner in _inner(graph, node, functions):
            yield from _walk(inner, functions, depth + 1)


def _inner(graph: Graph, node: Any, functions: Mapping[Any, Any]) -> Iterator[Graph]:
    """Yield the subgraphs of a node, and the body of the function that it calls."""
    for attribute in node.attribute:
        for proto in [*([attribute.g] if attribute.HasField("g") else ()), *attribute.graphs]:
            carried = _carried(node, proto)
            same = {n.output[0]: n.input[0] for n in proto.node if _is_identity(n)}
            kept = {  # what each step hands on as it is
                name: graph.value(first)
                for name, (first, last) in carried.items()
                if name in (last, same.get(last), same.get(same.get(last)))
            }
            after = {name: last for name, (_, last) in carried.items() if name not in kept}
            yield _graph(proto, (*graph.path, attribute.name), graph, kept, after)
    function = functions.get((node.domain, node.op_type))
    if function is not None:
        inputs = dict(zip(function.input, map(graph.value, node.input)))  # noqa: B905
        path = (*graph.path, node.name or function.name)
        yield Graph(path, function.node, outputs=tuple(function.output), bound=inputs)


def _graph(
    proto: Any,
    path: tuple[str, ...],
    outer: Graph | None,
    bound: Mapping[str, Value] | None = None,
    carried: Mapping[str, str] | None = None,
) -> Graph:
    return Graph(
        path,
        proto.node,
        frozenset(i.name for i in proto.input) - set(bound or ()),
        tuple(o.name for o in proto.output),
        {t.name: t for t in proto.initializer},
        outer,
        bound or {},
        carried or {},
    )


def _carried(node: Any, body: Any) -> dict[str, tuple[str, str]]:
    """Return what a loop hands from step to step, by the inputs of its body.

    Each is a value before the first step, and the output of the body that it is in the next one. A
    body of Loop has a counter and a condition first, a body of Scan its inputs of each step last.
    """
    first, inputs = list(node.input), [i.name for i in body.input]
    outputs = [o.name for o in body.output]
    if node.op_type == "Loop":
        first, inputs, outputs = first[2:], inputs[2:], outputs[1:]
    elif node.op_type == "Scan":
        count = len(inputs) - int(options(node).get("num_scan_inputs", 0))
        first, inputs = first[:count], inputs[:count]
    else:
        return {}
    pairs = zip(first, outputs)  # noqa: B905  a loop may collect further outputs
    return dict(zip(inputs, pairs))  # noqa: B905


def _is_ones(value: Value) -> bool:
    if value.node is None or value.node.op_type != "ConstantOfShape":
        return False
    number = options(value.node).get("value")
    return number is not None and (list(number.float_data) or number.raw_data) in ([1.0], ONE)


def _is_identity(node: Any) -> bool:
    return node.op_type == "Identity" and len(node.input) == len(node.output) == 1
