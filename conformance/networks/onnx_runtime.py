"""ONNX Runtime for a layer of an ONNX file: its LSTM operator, with the weights of the file."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.backends.backend import Backend
from gateparity.backends.live.layer import LiveLayer
from gateparity.backends.live.stack import join_layers
from gateparity.backends.spec import find_runtime
from gateparity.backends.workers.remote import BackendError, open_worker
from gateparity.errors import InputError
from gateparity.layouts.exchange import ONNX
from gateparity.network.batch import FINAL_STATES, INITIAL_STATES, Outputs, initial_states

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateparity.backends.live.stack import LiveLstm
    from gateparity.backends.workers.remote import Worker
    from gateparity.network.batch import Batch
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Native, Parameters

_TARGET: Final = "gateparity.backends.onnx.runtime"
_OPSET: Final = 14  # the last that changed LSTM
_IR: Final = 8  # the version of the file format that came with it
_KIND: Final = "an LSTM operator in ONNX Runtime"
_WEIGHTS: Final = ("W", "R", "B")


@dataclasses.dataclass(frozen=True)
class OnnxRuntime:
    """Where layers of ONNX files run: a worker, or the reason why there is none."""

    worker: Worker | None
    missing: str

    def open(self, config: Config, params: Parameters) -> LiveLstm:
        """Return an LSTM of one layer with these weights, which runs here."""
        native = ONNX.pack(params, config)
        model = _make_model(config, native)

        def call(batch: Batch) -> Any:
            states = dict(zip(INITIAL_STATES, initial_states(config, batch), strict=True))
            y, *last = self._run(model, {"X": batch.x, **states})
            steps, directions, size, hidden = y.shape
            joined = y.transpose(0, 2, 1, 3).reshape(steps, size, directions * hidden)
            outputs = Outputs(np.ascontiguousarray(joined), dict(zip("hc", last, strict=True)))
            return outputs, None

        return join_layers([LiveLayer(_KIND, ONNX, config, lambda: native, _refuse_write, call)])

    def _run(self, model: bytes, feeds: dict[str, Array]) -> list[Array]:
        """Return the outputs of a model. Raise `InputError` where ONNX Runtime can't run it."""
        assert self.worker
        try:
            outputs: list[Array] = self.worker.call("apply", f"{_TARGET}:run", model, feeds)
        except BackendError as error:
            raise InputError(f"ONNX Runtime can't run an LSTM: {error}") from error
        return outputs


@contextlib.contextmanager
def open_onnx_runtime() -> Iterator[OnnxRuntime]:
    """Start a worker in the environment that has ONNX Runtime, if there is one."""
    python, missing = find_runtime("onnx")
    if python is None:
        yield OnnxRuntime(None, missing)
        return
    try:
        worker = open_worker(Backend("onnx", "", _TARGET, python))
    except BackendError as error:
        raise InputError(f"ONNX Runtime doesn't start: {error}") from error
    with worker:
        yield OnnxRuntime(worker, "")


def _refuse_write(_: object) -> Any:
    raise TypeError(f"{_KIND} has its own weights")


def _make_model(config: Config, native: Native) -> bytes:
    """Return a model of one LSTM operator, with its weights in it."""
    from onnx import TensorProto, helper, numpy_helper

    weights = [numpy_helper.from_array(native[n], n) for n in _WEIGHTS if n in native]
    names = ["X", *(n if n in native else "" for n in _WEIGHTS), "", *INITIAL_STATES]
    way = "bidirectional" if config.directions == 2 else "forward"
    outputs = ["Y", *FINAL_STATES]
    node = helper.make_node("LSTM", names, outputs, hidden_size=config.hidden_size, direction=way)
    axes = {"X": 3, "Y": 4} | dict.fromkeys((*INITIAL_STATES, *FINAL_STATES), 3)
    values = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * count)
        for name, count in axes.items()
    }
    given = [values[name] for name in ("X", *INITIAL_STATES)]
    made = [values[name] for name in outputs]
    graph = helper.make_graph([node], "lstm", given, made, weights)
    opsets = [helper.make_opsetid("", _OPSET)]
    data: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=_IR).SerializeToString()
    return data
