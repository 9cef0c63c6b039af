"""The arrays of a written-out cell, and their layout: from the parts of matrices that gates have.

Where the gates' parts make up one matrix, that is the array, and the order of the parts is the
layout's. Where each gate has a matrix of its own, there are four arrays.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.backends.checkpoints.onnx_flow import Bias, NotFollowed, Part, Product, behind
from gateparity.backends.checkpoints.onnx_graph import trace
from gateparity.network.config import GATES
from gateparity.packing.array_spec import ArraySpec
from gateparity.packing.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Mapping, Sequence

    from gateparity.backends.checkpoints.onnx_constants import Constant, Constants
    from gateparity.backends.checkpoints.onnx_graph import Value
    from gateparity.network.parameters import Array

Named = tuple[ArraySpec, dict[str, "Constant"]]
RECURRENT_NAMES: Final = ("hh", "recurrent", "hidden")


@dataclasses.dataclass(frozen=True)
class Built:
    """A cell's arrays by the names of its layout, and what it reads."""

    arrays: Mapping[str, Constant]
    layout: Layout
    reads: frozenset[Value]
    input_size: int
    hidden_size: int


def build(
    terms: Mapping[str, Sequence[Product | Bias]],
    recurrent: frozenset[Value],
    known: Collection[Hashable],
    constants: Constants,
) -> Built:
    """Return a cell's arrays. Raise `NotFollowed` for terms that aren't an LSTM's.

    `recurrent` are values that h of the step before consists of, and `known` the keys of matrices
    that are recurrent in other steps.
    """
    products = {g: [t for t in each if isinstance(t, Product)] for g, each in terms.items()}
    pairs = {g: pair(g, each, recurrent, known, constants) for g, each in products.items()}
    inputs = {g: x for g, (x, _) in pairs.items()}
    states = {g: h for g, (_, h) in pairs.items()}
    hidden = states["i"].part.size
    for sides in (inputs, states):
        if len({trace(product.value) for product in sides.values()}) > 1:
            raise NotFollowed("its gates read different values")
    for g, product in inputs.items():
        sizes = (product.part.size, states[g].part.size, features(states[g].part))
        if sizes != (hidden, hidden, hidden):
            raise NotFollowed(f"its gate {g} has sizes {sizes}, expected {hidden} each")
    w, r = ({g: p.part for g, p in sides.items()} for sides in (inputs, states))
    order = _order(r) if _order(w) == _order(r) else ""
    biases = _Biases(hidden, order, constants, w["i"].whole)
    named = [
        _matrix("W", "w_ih", "input", w, order, constants),
        _matrix("R", "w_hh", "unit", r, order, constants),
        *biases.named(terms, states["i"].value),
    ]
    arrays = {name: array for _, found in named for name, array in found.items()}
    layout = Layout("onnx_cell", tuple(spec for spec, _ in named), order=order or GATES)
    return Built(arrays, layout, trace(inputs["i"].value), features(w["i"]), hidden)


def pair(
    gate: str,
    products: Sequence[Product],
    recurrent: frozenset[Value],
    known: Collection[Hashable],
    constants: Constants,
) -> tuple[Product, Product]:
    """Return the product with the input, and the one with h."""
    if len(products) == 1:
        return _halves(products[0], recurrent, constants)
    if len(products) != 2:
        raise NotFollowed(f"its gate {gate} is a sum of {len(products)} products, expected 2")
    tests: list[Callable[[Product], bool]] = [
        lambda p: bool(trace(p.value) & recurrent),
        lambda p: p.part.whole.key in known,
        lambda p: features(p.part) == p.part.size,
        lambda p: any(word in name for name in p.part.whole.names for word in RECURRENT_NAMES),
    ]
    for test in tests:
        first, second = map(test, products)
        if first != second:
            return (products[1], products[0]) if first else (products[0], products[1])
    raise NotFollowed("nothing shows which of its two matrices is the recurrent one")


def _halves(
    product: Product, recurrent: frozenset[Value], constants: Constants
) -> tuple[Product, Product]:
    """Return the product with a concatenation of x and h as two products."""
    value, part = behind(product.value), product.part
    both = value.inputs() if value.node is not None and value.node.op_type == "Concat" else []
    states = [bool(trace(each) & recurrent) for each in both]
    if sorted(states) != [False, True]:
        raise NotFollowed("its gates have one product, and nothing shows which part of it is h")
    count, unit = features(part), part.size
    if count <= unit:
        raise NotFollowed(f"its product has {count} features, expected more than {unit}")
    end = unit if states[0] else count - unit
    first, second = (
        Product(each, dataclasses.replace(part, whole=half))
        for each, half in zip(
            both,
            (
                constants.part(part.whole, 1 - part.axis, 0, end),
                constants.part(part.whole, 1 - part.axis, end, count),
            ),
            strict=True,
        )
    )
    return (second, first) if states[0] else (first, second)


def features(part: Part) -> int:
    """Return how many features a part of a matrix takes."""
    return part.whole.shape[1 - part.axis]


def _order(parts: Mapping[str, Part]) -> str:
    """Return the order of the gates in one matrix, "" if they aren't all of one."""
    inside = sorted(parts, key=lambda g: parts[g].start)
    first, ends = parts[inside[0]], [0]
    for g in inside:
        same = (parts[g].whole.key, parts[g].axis) == (first.whole.key, first.axis)
        if not same or parts[g].start != ends[-1]:
            return ""
        ends.append(parts[g].stop)
    return "".join(inside) if ends[-1] == first.whole.shape[first.axis] else ""


def _matrix(
    name: str, contents: str, axis: str, parts: Mapping[str, Part], order: str, constants: Constants
) -> Named:
    """Return the matrix of all gates, or those of each."""
    across = parts["i"].axis
    if any(part.axis != across for part in parts.values()):
        raise NotFollowed("some of its matrices are transposed")
    rows = "(gate hidden)" if order else "hidden"
    pattern = f"{axis} {rows}" if across else f"{rows} {axis}"
    if order:
        return ArraySpec(name, contents, pattern), {name: parts["i"].whole}
    each = {f"{name}_{g}": _cut_out(part, constants) for g, part in parts.items()}
    return ArraySpec(f"{name}_{{gate}}", contents, pattern), each


def _cut_out(part: Part, constants: Constants) -> Constant:
    return constants.part(part.whole, part.axis, part.start, part.stop)


@dataclasses.dataclass(frozen=True)
class _Biases:
    """Makes the arrays of biases, for the gates' order in the matrices, or "" for arrays apart."""

    hidden: int
    order: str
    constants: Constants
    weights: Constant

    def named(self, terms: Mapping[str, Sequence[Product | Bias]], h: Value) -> list[Named]:
        """Return the biases beside x and those beside h, or one of them; no array without any."""
        sides: tuple[dict[str, list[Part]], ...] = ({}, {})
        for g, each in terms.items():
            for term in each:
                if isinstance(term, Bias):
                    recurrent = term.beside is not None and trace(term.beside) == trace(h)
                    sides[recurrent].setdefault(g, []).append(term.part)
        if all(sides):
            return [self._side("Wb", "b_ih", sides[0]), self._side("Rb", "b_hh", sides[1])]
        if any(sides):
            return [self._side("B", "b", sides[0] or sides[1])]
        return [(ArraySpec("B", "b", "(gate hidden)"), {})]

    def _side(self, name: str, contents: str, parts: Mapping[str, list[Part]]) -> Named:
        if not self.order:
            each = {f"{name}_{g}": self._sum(parts.get(g, ())) for g in GATES}
            return ArraySpec(f"{name}_{{gate}}", contents, "hidden"), each
        single = {g: each[0] for g, each in parts.items() if len(each) == 1}
        if len(single) == len(GATES) and _order(single) == self.order:
            whole = self.constants.derive("flat", lambda b: b.reshape(-1), [single["i"].whole])
        else:
            sums = [self._sum(parts.get(g, ())) for g in self.order]
            whole = self.constants.derive("join", lambda *b: np.concatenate(b), sums)
        return ArraySpec(name, contents, "(gate hidden)"), {name: whole}

    def _sum(self, parts: Sequence[Part]) -> Constant:
        """Return the bias of one gate, which may be a sum of vectors and numbers."""
        if not parts:
            return self.constants.derive(
                "zeros", lambda w: np.zeros(self.hidden, w.dtype), [self.weights]
            )
        found = [
            part.whole if math.prod(part.whole.shape) == 1 else _cut_out(part, self.constants)
            for part in parts
        ]
        if any(math.prod(each.shape) not in (1, self.hidden) for each in found):
            raise NotFollowed(f"its biases have other sizes than {self.hidden}")
        return self.constants.derive("sum", self._added, found)

    def _added(self, *biases: Array) -> Array:
        flat = [np.broadcast_to(each.reshape(-1), self.hidden) for each in biases]
        total: Array = sum(flat[1:], start=flat[0])
        return total
