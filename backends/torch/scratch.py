"""PyTorch: d2l's LSTMScratch.

Execution is eager. The scratch variant projects the inputs of all steps in one product before its
loop, which is faster at large sizes.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import torch

from gateparity.backends.base.stack import cell_name, cell_params, is_reverse, run_layers
from gateparity.backends.base.variant import Variant
from gateparity.backends.torch.primitives import PRIMITIVES
from gateparity.layouts import D2L

if TYPE_CHECKING:
    from gateparity.network.config import Config


def _scratch(
    config: Config,
    params: Any,
    X: Any,
    H_0: Any,
    C_0: Any,
    lengths: Any,
    *,
    with_trace: bool = False,
) -> Any:
    mask = None if lengths is None else (torch.arange(len(X))[:, None] < lengths)[..., None]
    X = X if mask is None else torch.where(mask, X, 0)  # 0 times NaN would be NaN

    def run_cell(k: int, X: Any) -> Any:
        w = cell_params(params, f"l{cell_name(config, k)}.")
        reverse = is_reverse(config, k)
        return _sequence(X, H_0[k], C_0[k], w, mask, reverse=reverse, with_trace=with_trace)

    Y, H_n, C_n, kept = run_layers(config, X, run_cell, torch.cat)
    return Y, torch.stack(H_n), torch.stack(C_n), kept


def _sequence(X: Any, H: Any, C: Any, w: Any, mask: Any, *, reverse: bool, with_trace: bool) -> Any:
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
        kept[t] = (Z, torch.cat([I, F, C_tilde, O], -1), C_new, H_new) if with_trace else (H_new,)
        C = C_new if mask is None else torch.where(mask[t], C_new, C)
        H = H_new if mask is None else torch.where(mask[t], H_new, H)
    kept = [torch.stack(arrays) for arrays in zip(*kept, strict=True)]
    Y = kept[-1] if mask is None else torch.where(mask, kept[-1], 0)
    return Y, H, C, kept


Scratch = functools.partial(
    Variant,
    "torch:scratch",
    D2L,
    _scratch,
    PRIMITIVES,
    unsupported={"empty_sequence": "torch.stack doesn't take an empty list of steps"},
    trace=functools.partial(_scratch, with_trace=True),
)
