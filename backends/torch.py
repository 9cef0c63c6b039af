"""PyTorch: d2l's LSTMScratch, and `torch.nn.LSTM`.

Eager. The scratch variant projects the inputs of all steps in one product before its loop: at
T 100, B 32, I 256, H 512 that took 487 ms with gradients, and a product a step 737 ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from gateparity.adapter import (
    Batch,
    Gradients,
    Outputs,
    Trace,
    initial_states,
)
from gateparity.backends.stack import build_trace, cell_name, cell_params, is_reverse, run_layers
from gateparity.layouts import D2L, TORCH

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.adapter import Native
    from gateparity.config import Config
    from gateparity.parameters import Array


class Scratch:
    """The equations written out."""

    name = "torch:scratch"
    version = torch.__version__
    layout = D2L
    unsupported: Final[dict[str, str]] = {}

    def forward(self, config: Config, params: Native, batch: Batch) -> Outputs:
        """All steps of all layers."""
        return _forward(_scratch, config, params, batch)

    def gates(self, config: Config, params: Native, batch: Batch) -> Trace:
        """Every pre-activation, gate and state."""
        with torch.no_grad():
            *_, kept = _scratch(config, *_tensors(config, params, batch))
        return build_trace(batch, kept)

    def gradients(
        self, config: Config, params: Native, batch: Batch, cotangent: Outputs
    ) -> Gradients:
        """By `torch.autograd`."""
        return _gradients(_scratch, config, params, batch, cotangent)


class Layer:
    """`torch.nn.LSTM`."""

    name = "torch:layer"
    version = torch.__version__
    layout = TORCH
    unsupported: Final = {"gates": "torch.nn.LSTM doesn't return its gates"}

    def forward(self, config: Config, params: Native, batch: Batch) -> Outputs:
        """All steps of all layers."""
        return _forward(_layer, config, params, batch)

    def gradients(
        self, config: Config, params: Native, batch: Batch, cotangent: Outputs
    ) -> Gradients:
        """By `torch.autograd`."""
        return _gradients(_layer, config, params, batch, cotangent)


def _scratch(config: Config, params: Any, X: Any, H_0: Any, C_0: Any, lengths: Any) -> Any:
    live = None if lengths is None else (torch.arange(len(X))[:, None] < lengths)[..., None]

    def run_cell(k: int, X: Any) -> Any:
        w = cell_params(params, f"l{cell_name(config, k)}.")
        return _sequence(X, H_0[k], C_0[k], w, live, reverse=is_reverse(config, k))

    Y, H_n, C_n, kept = run_layers(config, X, run_cell, torch.cat)
    return Y, torch.stack(H_n), torch.stack(C_n), kept


def _sequence(X: Any, H: Any, C: Any, w: Any, live: Any, *, reverse: bool) -> Any:
    W_x = torch.cat([w["W_xi"], w["W_xf"], w["W_xc"], w["W_xo"]], -1)
    W_h = torch.cat([w["W_hi"], w["W_hf"], w["W_hc"], w["W_ho"]], -1)
    b = torch.cat([w["b_i"], w["b_f"], w["b_c"], w["b_o"]], -1) if "b_i" in w else 0
    Z_x = X @ W_x + b
    kept: list[Any] = [None] * len(X)
    for t in range(len(X))[:: -1 if reverse else 1]:
        Z = Z_x[t] + H @ W_h
        Z_i, Z_f, Z_c, Z_o = torch.chunk(Z, 4, -1)
        I = torch.sigmoid(Z_i)
        F = torch.sigmoid(Z_f)
        C_tilde = torch.tanh(Z_c)
        O = torch.sigmoid(Z_o)
        C_new = F * C + I * C_tilde
        H_new = O * torch.tanh(C_new)
        kept[t] = (Z, torch.cat([I, F, C_tilde, O], -1), C_new, H_new)
        C = C_new if live is None else torch.where(live[t], C_new, C)
        H = H_new if live is None else torch.where(live[t], H_new, H)
    kept = [torch.stack(arrays) for arrays in zip(*kept, strict=True)]
    Y = kept[-1] if live is None else torch.where(live, kept[-1], 0)
    return Y, H, C, kept


def _layer(config: Config, params: Any, x: Any, h_0: Any, c_0: Any, lengths: Any) -> Any:
    lstm = torch.nn.LSTM(
        config.input_size,
        config.hidden_size,
        config.layers,
        bias=config.biases,
        bidirectional=config.directions == 2,
        dtype=x.dtype,
        device="meta",  # every weight comes with the call
    )
    if lengths is None:
        y, (h_n, c_n) = torch.func.functional_call(lstm, params, (x, (h_0, c_0)))
        return y, h_n, c_n
    packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
    packed, (h_n, c_n) = torch.func.functional_call(lstm, params, (packed, (h_0, c_0)))
    y, _ = pad_packed_sequence(packed, total_length=len(x))
    return y, h_n, c_n


def _forward(run: Callable[..., Any], config: Config, params: Native, batch: Batch) -> Outputs:
    with torch.no_grad():
        y, h_n, c_n, *_ = run(config, *_tensors(config, params, batch))
    return Outputs(y.numpy(), h_n.numpy(), c_n.numpy())


def _gradients(
    run: Callable[..., Any], config: Config, params: Native, batch: Batch, cotangent: Outputs
) -> Gradients:
    p, x, h_0, c_0, lengths = _tensors(config, params, batch)
    sources = [s.requires_grad_() for s in (*p.values(), x, h_0, c_0)]
    y, h_n, c_n, *_ = run(config, p, x, h_0, c_0, lengths)
    heads = [_tensor(a) for a in (cotangent.y, cotangent.h_n, cotangent.c_n)]
    *d_p, dx, dh_0, dc_0 = torch.autograd.grad((y, h_n, c_n), sources, heads)
    return Gradients(
        {name: d.numpy() for name, d in zip(p, d_p, strict=True)},
        Batch(dx.numpy(), dh_0.numpy(), dc_0.numpy()),
    )


def _tensors(config: Config, params: Native, batch: Batch) -> Any:
    h_0, c_0 = initial_states(config, batch)
    lengths = None if batch.lengths is None else _tensor(batch.lengths)
    tensors = {name: _tensor(array) for name, array in params.items()}
    return tensors, _tensor(batch.x), _tensor(h_0), _tensor(c_0), lengths


def _tensor(array: Array) -> Any:
    return torch.tensor(array)  # a copy: read-only arrays, and no sharing with the caller
