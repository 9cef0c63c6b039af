"""PyTorch: d2l's LSTMScratch, and `torch.nn.LSTM`.

Execution is eager. The scratch variant projects the inputs of all steps in one product before its
loop, which is faster at large sizes.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from gateparity.backends.stack import cell_name, cell_params, is_reverse, run_layers
from gateparity.backends.variant import Primitives, Variant, on_off
from gateparity.layouts import D2L, TORCH

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.config import Config


def _scratch(
    config: Config, params: Any, X: Any, H_0: Any, C_0: Any, lengths: Any, *, keep: bool = False
) -> Any:
    live = None if lengths is None else (torch.arange(len(X))[:, None] < lengths)[..., None]
    X = X if live is None else torch.where(live, X, 0)  # 0 times NaN would be NaN

    def run_cell(k: int, X: Any) -> Any:
        w = cell_params(params, f"l{cell_name(config, k)}.")
        reverse = is_reverse(config, k)
        return _sequence(X, H_0[k], C_0[k], w, live, reverse=reverse, keep=keep)

    Y, H_n, C_n, kept = run_layers(config, X, run_cell, torch.cat)
    return Y, torch.stack(H_n), torch.stack(C_n), kept


def _sequence(X: Any, H: Any, C: Any, w: Any, live: Any, *, reverse: bool, keep: bool) -> Any:
    W_x = torch.cat([w["W_xi"], w["W_xf"], w["W_xc"], w["W_xo"]], -1)
    W_h = torch.cat([w["W_hi"], w["W_hf"], w["W_hc"], w["W_ho"]], -1)
    b = torch.cat([w["b_i"], w["b_f"], w["b_c"], w["b_o"]], -1) if "b_i" in w else None
    # Of Z_x[t], each gradient would be as large as all of Z_x.
    Z_x = torch.nn.functional.linear(X, W_x.T, b).unbind()
    kept: list[Any] = [None] * len(X)
    for t in range(len(X))[:: -1 if reverse else 1]:
        Z = torch.addmm(Z_x[t], H, W_h)  # one pass less than the sum of two
        Z_i, Z_f, Z_c, Z_o = torch.chunk(Z, 4, -1)
        I = torch.sigmoid(Z_i)
        F = torch.sigmoid(Z_f)
        C_tilde = torch.tanh(Z_c)
        O = torch.sigmoid(Z_o)
        C_new = F * C + I * C_tilde
        H_new = O * torch.tanh(C_new)
        kept[t] = (Z, torch.cat([I, F, C_tilde, O], -1), C_new, H_new) if keep else (H_new,)
        C = C_new if live is None else torch.where(live[t], C_new, C)
        H = H_new if live is None else torch.where(live[t], H_new, H)
    kept = [torch.stack(arrays) for arrays in zip(*kept, strict=True)]
    Y = kept[-1] if live is None else torch.where(live, kept[-1], 0)
    return Y, H, C, kept


def _layer(config: Config, params: Any, x: Any, h_0: Any, c_0: Any, lengths: Any) -> Any:
    lstm = _cached_lstm(config)
    if lengths is None:
        y, (h_n, c_n) = torch.func.functional_call(lstm, params, (x, (h_0, c_0)))
        return y, h_n, c_n
    packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
    packed, (h_n, c_n) = torch.func.functional_call(lstm, params, (packed, (h_0, c_0)))
    y, _ = pad_packed_sequence(packed, total_length=len(x))
    return y, h_n, c_n


@functools.cache
def _cached_lstm(config: Config) -> Any:
    """Return the module for a config, made once since that takes half a millisecond.

    Its weights are on the "meta" device: every call brings its own.
    """
    return _lstm(config, "meta")


def _hold(config: Config, params: Any) -> Any:
    lstm = _lstm(config, "cpu")
    lstm.load_state_dict(params)
    return lstm.state_dict()


def _lstm(config: Config, device: str) -> Any:
    return torch.nn.LSTM(
        config.input_size,
        config.hidden_size,
        config.layers,
        bias=config.biases,
        bidirectional=config.directions == 2,
        dtype=getattr(torch, config.dtype),
        device=device,
    )


def _call(run: Callable[..., Any], config: Config, *inputs: Any) -> Any:
    with torch.no_grad():
        return run(config, *inputs)


def _vjp(run: Callable[..., Any], config: Config, inputs: Any, heads: Any) -> Any:
    params, x, h_0, c_0, lengths = inputs
    sources = [source.requires_grad_() for source in (*params.values(), x, h_0, c_0)]
    y, h_n, c_n, *_ = run(config, params, x, h_0, c_0, lengths)
    *d_params, dx, dh_0, dc_0 = torch.autograd.grad((y, h_n, c_n), sources, heads)
    return dict(zip(params, d_params, strict=True)), dx, dh_0, dc_0


def _settings() -> dict[str, str]:
    backends = torch.backends
    return {
        "device": "cpu",
        "threads": str(torch.get_num_threads()),
        "instructions in use": backends.cpu.get_cpu_capability(),
        "oneDNN": on_off(backends.mkldnn.is_available() and backends.mkldnn.enabled),
        "matmul precision": torch.get_float32_matmul_precision(),
        "TF32 in matmul": on_off(backends.cuda.matmul.allow_tf32),
        "TF32 in cuDNN": on_off(backends.cudnn.allow_tf32),
        "deterministic": on_off(torch.are_deterministic_algorithms_enabled()),
    }


def _trainer() -> Any:
    from gateparity.backends import torch_training

    return torch_training


_TORCH: Final = Primitives(
    version=torch.__version__,
    # A copy: arrays may be read-only or reversed views, and the caller's stay its own.
    from_numpy=lambda array: torch.from_numpy(array.copy()),
    to_numpy=lambda tensor: tensor.numpy(),
    call=_call,
    vjp=_vjp,
    settings=_settings,
    threads=torch.get_num_threads,
    trainer=_trainer,
)
Scratch = functools.partial(
    Variant,
    "torch:scratch",
    D2L,
    _scratch,
    _TORCH,
    unsupported={"empty_sequence": "torch.stack doesn't take an empty list of steps"},
    trace=functools.partial(_scratch, keep=True),
)
Layer = functools.partial(
    Variant,
    "torch:layer",
    TORCH,
    _layer,
    _TORCH,
    unsupported={
        "gates": "torch.nn.LSTM doesn't return its gates",
        "empty_sequence": "torch.nn.LSTM refuses a sequence of no steps",
        "zero_length": "torch's pack_padded_sequence refuses a length of 0",
    },
    hold=_hold,
)
