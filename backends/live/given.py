"""Weights without an object: what `read` returns, run by NumPy's equations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateparity.backends.live.layer import LiveLayer, measure
from gateparity.backends.numpy.scratch import Scratch
from gateparity.layouts import D2L, TORCH
from gateparity.network.batch import Gradients
from gateparity.network.parameters import check_parameters

if TYPE_CHECKING:
    from gateparity.network.batch import Batch, Outputs
    from gateparity.network.config import Config
    from gateparity.network.parameters import Native, Parameters


def open_weights(config: Config, params: Parameters) -> LiveLayer:
    """Return NumPy's LSTM with these canonical parameters."""
    kind, scratch = "gateparity.Weights", Scratch()
    check_parameters(params, config)
    native = TORCH.pack(params, config)
    measure(kind, TORCH, native)
    d2l = D2L.pack(params, config)

    def write(_: Native) -> Any:
        raise TypeError(f"{kind} are what `read` returned, expected a layer to load them into")

    def call(batch: Batch) -> Any:
        def pull(cotangent: Outputs) -> Gradients:
            found = scratch.gradients(config, d2l, batch, cotangent)
            d_params = TORCH.pack(D2L.pullback(found.params, config), config)
            return Gradients(d_params, found.batch)

        return scratch.forward(config, d2l, batch), pull

    return LiveLayer(kind, TORCH, config, lambda: native, write, call, "numpy")
