"""MXNet: gluon's `rnn.LSTM`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import mxnet as mx
from mxnet import autograd

from gateparity.backends.live.layer import (
    LiveLayer,
    measure,
    refuse_device,
    refuse_option,
    refuse_unbuilt,
)
from gateparity.layouts import MXNET
from gateparity.network.batch import Batch, Gradients, Outputs, initial_states

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.network.parameters import Array

_NO_LENGTHS: Final = (
    "MXNet ignores use_sequence_length on a CPU, https://github.com/apache/mxnet/issues/19323"
)


def _open_lstm(layer: Any) -> LiveLayer:
    kind = "mxnet.gluon.rnn.LSTM"
    refuse_option(kind, "projection_size", layer._projection_size or 0, 0)
    parameters = _parameters(layer, kind)

    def read() -> dict[str, Any]:
        return {n: p.data().asnumpy() for n, p in parameters.items()}

    config = measure(kind, MXNET, read())

    def write(native: Mapping[str, Array]) -> Any:
        for name, parameter in parameters.items():
            parameter.set_data(mx.nd.array(native[name], dtype=native[name].dtype))
        return layer

    def call(batch: Batch) -> Any:
        inputs = [_to_mxnet(a) for a in (batch.x, *initial_states(config, batch))]
        outputs = _run(layer, inputs)

        def pull(cotangent: Outputs) -> Gradients:
            sources = [*(p.data() for p in parameters.values()), *inputs]
            for array in inputs:
                array.attach_grad()
            with autograd.record(train_mode=False):
                found = _run(layer, inputs)
            given = [cotangent.y, *(cotangent.states[s] for s in config.cell.states)]
            gradients = autograd.grad(
                found, sources, [_to_mxnet(a) for a in given], train_mode=False
            )
            *d_weights, d_x, d_h, d_c = (array.asnumpy() for array in gradients)
            d_params = dict(zip(parameters, d_weights, strict=True))
            return Gradients(d_params, Batch(d_x, {"h": d_h, "c": d_c}))

        y, *states = (array.asnumpy() for array in outputs)
        return Outputs(y, dict(zip(config.cell.states, states, strict=True))), pull

    return LiveLayer(kind, MXNET, config, read, write, call, "mxnet", no_lengths=_NO_LENGTHS)


OPEN: Final = {"LSTM": _open_lstm}


def _parameters(layer: Any, kind: str) -> dict[str, Any]:
    """Return the parameters by their names without the layer's prefix."""
    found = {
        name.removeprefix(layer.prefix): parameter
        for name, parameter in layer.collect_params().items()
    }
    for parameter in found.values():
        if parameter._data is None:
            refuse_unbuilt(kind, "initialize it, and call it once")
        refuse_device(kind, parameter.list_ctx()[0], "layer.collect_params().reset_ctx(mx.cpu())")
    return found


def _run(layer: Any, inputs: list[Any]) -> Any:
    x, h, c = inputs
    batch_first = layer._layout == "NTC"
    given = x.swapaxes(0, 1) if batch_first else x
    ends = [mx.nd.full(x.shape[1], x.shape[0])] if layer._use_sequence_length else []
    y, (h_n, c_n) = layer(given, [h, c], *ends)
    return y.swapaxes(0, 1) if batch_first else y, h_n, c_n


def _to_mxnet(array: Array) -> Any:
    return mx.nd.array(array, dtype=array.dtype)
