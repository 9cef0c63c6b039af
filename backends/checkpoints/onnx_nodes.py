"""The recurrent operators of ONNX: LSTM, GRU, RNN, and ONNX Runtime's quantised LSTM."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any, Final

from gateparity.backends.checkpoints.contents import REVERSE
from gateparity.backends.checkpoints.onnx_constants import dequantise
from gateparity.backends.checkpoints.onnx_graph import describe_place, trace
from gateparity.backends.checkpoints.onnx_unit import Unit
from gateparity.backends.onnx.node import ACTIVATIONS, QUANTISED, SCALES, name_inputs, options
from gateparity.layouts.exchange import ONNX
from gateparity.packing.array_spec import ArraySpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateparity.backends.checkpoints.onnx_constants import Constant, Constants
    from gateparity.backends.checkpoints.onnx_graph import Graph, Value
    from gateparity.network.parameters import Array

GATES: Final = {"LSTM": 4, "GRU": 3, "RNN": 1}
ARRAYS: Final = ("W", "R", "B", "P", *SCALES)
STATES: Final = 1 << 20  # elements of an initial state that is looked into

# Its kernels have the axes that MatMul takes.
QUANTISED_LAYOUT: Final = dataclasses.replace(
    ONNX,
    name="onnx_quantized",
    tensors=(
        ArraySpec("W", "w_ih", "direction input (gate hidden)"),
        ArraySpec("R", "w_hh", "direction unit (gate hidden)"),
        ONNX.tensors[2],
    ),
    origin=None,
)


def find_nodes(graph: Graph, constants: Constants) -> Iterator[Unit]:
    """Yield the recurrent operators of one graph, in its order."""
    for node in graph.nodes:
        standard = node.domain in ("", "ai.onnx") and node.op_type in GATES
        if standard or (node.domain == "com.microsoft" and node.op_type == QUANTISED):
            yield _unit(graph, node, constants)


def _unit(graph: Graph, node: Any, constants: Constants) -> Unit:
    kind = "LSTM" if node.op_type == QUANTISED else node.op_type
    inputs = {name: graph.value(value) for name, value in name_inputs(node).items()}
    words = options(node)
    arrays = [name for name in ARRAYS if name in inputs]
    known = {name: constants.find(inputs[name]) for name in arrays}
    found: dict[str, Constant] = {name: each for name, each in known.items() if each}
    names = [name for n in ("W", "R") if n in found for name in found[n].names]
    unit = Unit(
        describe_place(graph, node, node.op_type, names),
        kind,
        trace(inputs["X"]) if "X" in inputs else frozenset(),
        frozenset({graph.value(node.output[0])}) if node.output and node.output[0] else frozenset(),
        hidden_size=int(words.get("hidden_size", 0)),
        directions=2 if words.get("direction") == b"bidirectional" else 1,
    )
    scales = ("W_scale", "R_scale") if node.op_type == QUANTISED else ()
    computed = [name for name in ("W", "R", *scales, *known) if name not in found]
    if computed:
        refusal = f"its {computed[0]} is computed while the model runs, expected a constant"
        return dataclasses.replace(unit, refusal=refusal)
    if node.op_type == QUANTISED:
        unit = dataclasses.replace(unit, layout=QUANTISED_LAYOUT)
        try:
            found = {n: _scaled(n, found, constants) for n in ("W", "R", "B", "P") if n in found}
        except ValueError as error:
            return dataclasses.replace(unit, refusal=f"its scales don't fit its weights: {error}")
    elif kind == "LSTM":
        unit = dataclasses.replace(unit, layout=ONNX)
    if _has_learned_states(inputs, constants):
        unit = dataclasses.replace(unit, oddities=("learned initial states",))
    return _measured(unit, words, found)


def _scaled(name: str, found: Mapping[str, Constant], constants: Constants) -> Constant:
    """Return an array of the quantised LSTM as numbers."""
    if name not in ("W", "R"):
        return found[name]
    parts = [each for each in (name, f"{name}_scale", f"{name}_zero_point") if each in found]
    rows = found[name].shape[:1], found[name].shape[::2]
    if any(found[each].shape not in rows for each in parts[1:]):
        raise ValueError(f"{name} has shape {list(found[name].shape)}, expected scales of {rows}")
    array = [found[each] for each in parts]
    return constants.derive("dequantise", _dequantise, array, elementwise=True)


def _dequantise(x: Array, *scale_and_zero: Array) -> Array:
    """Return `(direction, input, gates)` as float32; scales are `(direction, gates)` or fewer."""
    return dequantise(x, *(each.reshape(len(x), 1, -1) for each in scale_and_zero))


def _measured(unit: Unit, words: Mapping[str, Any], arrays: dict[str, Constant]) -> Unit:
    """Return the unit with its arrays, and what they and the attributes say of it."""
    gates, directions = GATES[unit.kind], unit.directions
    w, r = arrays["W"].shape, arrays["R"].shape
    if unit.layout is QUANTISED_LAYOUT and len(w) == len(r) == 3:
        w, r = (w[0], w[2], w[1]), (r[0], r[2], r[1])
    inputs, hidden = w[-1] if w else 0, r[-1] if r else 0
    rows = gates * hidden
    oddities, refusal = _attributes(words, arrays, unit.kind, directions)
    if (w, r) != ((directions, rows, inputs), (directions, rows, hidden)):
        refusal = (
            f"its W and R have shapes {list(w)} and {list(r)}, expected ({directions}, "
            f"{gates} * hidden, input) and ({directions}, {gates} * hidden, hidden)"
        )
    peepholes = arrays.pop("P", None)
    if peepholes is not None and peepholes.array.load().any():
        oddities.append("peepholes")
        refusal = refusal or "it has peepholes (P), which no other framework's LSTM has"
    return dataclasses.replace(
        unit,
        arrays=arrays,
        input_size=inputs,
        hidden_size=hidden,
        oddities=(*oddities, *unit.oddities),
        refusal=refusal,
    )


def _attributes(
    words: Mapping[str, Any], arrays: Mapping[str, Constant], kind: str, directions: int
) -> tuple[list[str], str]:
    """Return what the attributes say that isn't usual, and why such an LSTM can't be held."""
    oddities, refusals = [], []
    activations = [each.lower() for each in words.get("activations", [])]
    usual = [each.lower() for each in ACTIVATIONS * directions]
    if kind == "LSTM" and activations not in ([], usual):
        named = b", ".join(activations).decode(errors="replace")
        oddities.append(f"activations {named}")
        refusals.append(f"its activations are {named}")
    if words.get("clip"):
        oddities.append(f"clip {words['clip']:g}")
        refusals.append(f"it clips at {words['clip']:g}")
    if words.get("input_forget"):
        oddities.append("input_forget")
        refusals.append("its input and forget gates are coupled (input_forget)")
    if words.get("direction") == b"reverse":
        oddities.append(REVERSE)
    if words.get("layout"):
        oddities.append("layout 1: batch first")
    integers = {a.array.dtype for a in arrays.values() if "int" in a.array.dtype}
    oddities += [f"{dtype} with a scale" for dtype in sorted(integers)]
    return oddities, f"{' and '.join(refusals)}, expected a plain LSTM" if refusals else ""


def _has_learned_states(inputs: Mapping[str, Value], constants: Constants) -> bool:
    """Return whether the initial states are stored in the model, and aren't zero."""
    states = [inputs[name] for name in ("initial_h", "initial_c") if name in inputs]
    parts = [constants.find(part) for state in states for part in (state, *trace(state))]
    small = [part for part in parts if part and math.prod(part.shape) <= STATES]
    return any(part.array.load().any() for part in small)
