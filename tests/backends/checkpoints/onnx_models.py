"""ONNX models that tests make, and what they compute."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from gateparity.backends.checkpoints.registry import read_contents
from gateparity.backends.checkpoints.source import open_source
from gateparity.backends.numpy.scratch import Scratch
from gateparity.network.batch import Batch
from gateparity.protocol.canonical import Canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from gateparity.backends.checkpoints.contents import Contents, FoundLayer

STEPS, BATCH, INPUTS, HIDDEN = 4, 3, 5, 6
OPSETS = [helper.make_opsetid("", 19), helper.make_opsetid("com.microsoft", 1)]


def draw(*shape: int, seed: int = 0, dtype: str = "float32") -> np.ndarray:
    """Numbers of a bell curve."""
    return (np.random.default_rng((*shape, seed)).standard_normal(shape) / 2).astype(dtype)


def lstm_arrays(
    prefix: str = "",
    inputs: int = INPUTS,
    hidden: int = HIDDEN,
    directions: int = 1,
    gates: int = 4,
) -> dict[str, np.ndarray]:
    """W, R and B of one operator."""
    return {
        f"{prefix}W": draw(directions, gates * hidden, inputs),
        f"{prefix}R": draw(directions, gates * hidden, hidden),
        f"{prefix}B": draw(directions, 2 * gates * hidden),
    }


def make_model(
    nodes: Sequence[Any],
    arrays: Mapping[str, np.ndarray],
    inputs: Mapping[str, Sequence[Any]] | None = None,
    outputs: Sequence[str] = ("Y",),
    functions: Sequence[Any] = (),
) -> Any:
    """A model; its inputs are X unless they are given, by name and shape."""
    inputs = inputs or {"X": [None, None, INPUTS]}
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs],
        [numpy_helper.from_array(np.asarray(a), n) for n, a in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=OPSETS, functions=functions, ir_version=10)


def lstm_node(
    prefix: str = "", x: str = "X", y: str = "Y", hidden: int = HIDDEN, **more: Any
) -> Any:
    """An operator that reads W, R and B of a prefix."""
    names = [x, *(f"{prefix}{name}" for name in "WRB")]
    return helper.make_node("LSTM", names, [y], name=prefix.strip("_/"), hidden_size=hidden, **more)


@contextlib.contextmanager
def contents(model: Any, folder: Path) -> Iterator[Contents]:
    """What is found in a model, in a file that is open."""
    path = folder / "model.onnx"
    path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    with open_source(path, None) as source:
        yield read_contents(source)


def layers(model: Any, folder: Path) -> tuple[FoundLayer, ...]:
    """The layers of a model, which aren't read."""
    with contents(model, folder) as found:
        return found.layers


def evaluate(model: Any, **inputs: np.ndarray) -> list[np.ndarray]:
    """What onnx's own evaluator computes."""
    return ReferenceEvaluator(model).run(None, inputs)


def run(layer: FoundLayer, x: np.ndarray, **states: np.ndarray) -> Any:
    """What gateparity's equations compute from a layer's canonical parameters."""
    config, params = layer.read()
    return Canonical(Scratch()).forward(config, params, Batch(x, states or None))


def check_only_layer(model: Any, folder: Path, x: np.ndarray | None = None) -> FoundLayer:
    """The only layer of a model, if its outputs are the model's, `(T, directions, B, hidden)`."""
    x = draw(STEPS, BATCH, INPUTS) if x is None else x
    with contents(model, folder) as found:
        (layer,) = found.layers
        y = run(layer, x).y
    (expected,) = evaluate(model, X=x)
    if expected.ndim == 4:
        expected = expected.transpose(0, 2, 1, 3).reshape(y.shape)
    np.testing.assert_allclose(y, expected, rtol=2e-5, atol=2e-6)
    return layer


assert onnx.__version__
