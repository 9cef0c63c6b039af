"""ONNX models, read as data: nothing is run, and no operator is looked up.

Protobuf has no first bytes of its own, so the numbers of a file's outermost fields tell it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateparity.backends.checkpoints.contents import Contents
from gateparity.backends.checkpoints.format import Format
from gateparity.backends.checkpoints.onnx_cells import find_cells
from gateparity.backends.checkpoints.onnx_constants import Constants
from gateparity.backends.checkpoints.onnx_graph import list_graphs
from gateparity.backends.checkpoints.onnx_model import read_model
from gateparity.backends.checkpoints.onnx_nodes import find_nodes
from gateparity.backends.checkpoints.onnx_stacks import join
from gateparity.backends.checkpoints.onnx_tensors import DTYPES, Tensors
from gateparity.backends.checkpoints.protobuf import outermost

if TYPE_CHECKING:
    from gateparity.backends.checkpoints.source import Source

NAME: Final = "an ONNX model"
# https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, ModelProto: ir_version, graph
FIELDS: Final = {1, 7}


def _read(source: Source) -> Contents:
    try:
        return _find(source)
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError) as error:
        # An attribute of another type than its operator has.
        raise ValueError(f"a damaged ONNX model: {type(error).__name__}: {error}") from None


def _find(source: Source) -> Contents:
    model = read_model(source)
    tensors = Tensors(source)
    graphs = list_graphs(model)
    constants = Constants(tensors)
    units = [unit for graph in graphs for unit in find_nodes(graph, constants)]
    units += find_cells(graphs, constants)
    stored = [t for t in model.graph.initializer if t.data_type in DTYPES]
    arrays = {tensor.name: tensors.stored(tensor) for tensor in stored}
    return Contents(NAME, arrays, join(units))


FORMATS: Final = (
    Format(NAME, lambda source: outermost(source) >= FIELDS, _read, ".onnx", order=1),
)
