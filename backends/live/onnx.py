"""ONNX: a file, a model or an ONNX Runtime session whose graph is one LSTM node.

A session's arrays are in its model, which the session remembers as a path or as bytes. What is
written is a new session.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

from gateparity.backends.live.layer import LiveLayer, measure, refuse_option
from gateparity.backends.onnx.node import (
    ACTIVATIONS,
    OUTPUTS,
    name_inputs,
    name_outputs,
    options,
)
from gateparity.errors import InputError
from gateparity.layouts import LAYOUTS
from gateparity.network.batch import Batch, Outputs, initial_states

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.network.config import Config
    from gateparity.network.parameters import Array

_KIND: Final = "ONNX LSTM"
_ARRAYS: Final = ("W", "R", "B", "P")


def open_session(session: Any) -> LiveLayer:
    """Return the LSTM of a session that was made from a path or from bytes."""
    path = session._model_path
    if not session._model_bytes and not Path(path).is_file():
        raise InputError(f"{_KIND}: the session's file {path} is gone, expected it or its bytes")
    data = session._model_bytes or Path(path).read_bytes()
    return _open(onnx.load_from_string(data), session)


def open_model(model: Any) -> LiveLayer:
    """Return the LSTM of a model, in a session of its own."""
    _find_node(model)  # says more than a session that can't be made
    return _open(model, _start(model))


def open_file(path: Path) -> LiveLayer:
    """Return the LSTM of a file. Raise `InputError` for a file that is no ONNX model."""
    try:
        model = onnx.load(path)
        return open_model(model)
    except (OSError, InputError):
        raise
    except Exception as error:
        raise InputError(f"{path} is no ONNX model: {type(error).__name__}") from error


OPEN: Final = {"InferenceSession": open_session, "ModelProto": open_model}


def _open(model: Any, session: Any) -> LiveLayer:
    node, initializers = _find_node(model), {i.name: i for i in model.graph.initializer}
    names, outputs = name_inputs(node), name_outputs(node)
    held = _find_constants(names, initializers)

    def read() -> dict[str, Any]:
        return {n: numpy_helper.to_array(a).copy() for n, a in held.items()}

    config = measure(_KIND, LAYOUTS["onnx"], read())
    if "Y" not in outputs:
        raise InputError(f"{_KIND}: the node has no output Y, expected the outputs of all steps")

    def write(native: Mapping[str, Array]) -> Any:
        changed = onnx.ModelProto.FromString(model.SerializeToString())
        for initializer in changed.graph.initializer:
            for n in held:
                if initializer.name == names[n]:
                    initializer.CopyFrom(numpy_helper.from_array(native[n], initializer.name))
        return _start(changed)

    def call(batch: Batch) -> Any:
        feeds = _feeds(batch, config, {i.name for i in session.get_inputs()}, names)
        wanted = list(outputs.values())
        found = dict(zip(wanted, session.run(wanted, feeds), strict=True))
        got: list[Any] = [found.get(outputs.get(n, "")) for n in OUTPUTS]
        y, h_n, c_n = got
        return Outputs(_joined(y), {} if h_n is None or c_n is None else {"h": h_n, "c": c_n}), None

    lengths = "" if names.get("sequence_lens") else "the node takes no sequence_lens"
    return LiveLayer(
        _KIND,
        LAYOUTS["onnx"],
        config,
        read,
        write,
        call,
        lacks=_lacks(names, outputs),
        no_lengths=lengths,
    )


def _find_constants(names: Mapping[str, str], initializers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arrays of the node by the names of the layout."""
    for n in _ARRAYS:
        if names.get(n) and names[n] not in initializers:
            raise InputError(f"{_KIND}: {n} is an input of the graph, expected a constant")
    return {n: initializers[names[n]] for n in _ARRAYS if names.get(n)}


def _find_node(model: Any) -> Any:
    nodes = model.graph.node
    if [node.op_type for node in nodes] != ["LSTM"]:
        kinds = ", ".join(dict.fromkeys(node.op_type for node in nodes))
        raise InputError(f"{_KIND}: the graph has {len(nodes)} nodes ({kinds}), expected one LSTM")
    given = options(nodes[0])
    directions = 2 if given.get("direction", b"forward") == b"bidirectional" else 1
    if given.get("direction") == b"reverse":
        raise InputError(f"{_KIND}: direction is 'reverse', expected 'forward' or 'bidirectional'")
    usual = list(ACTIVATIONS * directions)
    refuse_option(_KIND, "activations", given.get("activations", usual), usual)
    for name in ("clip", "input_forget", "layout"):
        refuse_option(_KIND, name, given.get(name, 0), 0)
    return nodes[0]


def _lacks(names: Mapping[str, str], outputs: Mapping[str, str]) -> frozenset[str]:
    """Return which states the graph doesn't take or return."""
    has = {
        "initial_states": bool(names.get("initial_h") and names.get("initial_c")),
        "final_states": bool(outputs.get("Y_h") and outputs.get("Y_c")),
    }
    return frozenset(name for name, there in has.items() if not there)


def _feeds(
    batch: Batch, config: Config, taken: set[str], names: Mapping[str, str]
) -> dict[str, Array]:
    h_0, c_0 = initial_states(config, batch)
    lengths = np.full(batch.x.shape[1], len(batch.x)) if batch.lengths is None else batch.lengths
    given = {"X": batch.x, "initial_h": h_0, "initial_c": c_0}
    given["sequence_lens"] = lengths.astype(np.int32)
    return {names[n]: array for n, array in given.items() if names.get(n) in taken}


def _joined(y: Array) -> Array:
    """Return `(T, directions, B, hidden)` as `(T, B, directions * hidden)`."""
    steps, directions, size, hidden = y.shape
    return np.ascontiguousarray(y.transpose(0, 2, 1, 3).reshape(steps, size, directions * hidden))


def _start(model: Any) -> Any:
    return onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
