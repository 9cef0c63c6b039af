"""PyTorch's own layer, `torch.nn.LSTM`."""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from gateparity.backends.base.variant import Variant
from gateparity.backends.torch.primitives import PRIMITIVES
from gateparity.layouts import TORCH

if TYPE_CHECKING:
    from gateparity.network.config import Config


def _layer(config: Config, params: Any, x: Any, h_0: Any, c_0: Any, lengths: Any) -> Any:
    lstm = _cached_lstm(config, threading.get_ident())
    if lengths is None:
        y, (h_n, c_n) = torch.func.functional_call(lstm, params, (x, (h_0, c_0)))
        return y, h_n, c_n
    packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
    packed, (h_n, c_n) = torch.func.functional_call(lstm, params, (packed, (h_0, c_0)))
    y, _ = pad_packed_sequence(packed, total_length=len(x))
    return y, h_n, c_n


@functools.cache
def _cached_lstm(config: Config, _thread: int) -> Any:
    """Return the module for a config, made once since that takes half a millisecond.

    Its weights are on the "meta" device: every call brings its own. `functional_call` puts them
    into the module for the time of a call, so each thread has a module to itself.
    """
    return _lstm(config, "meta")


def _load_and_read_back(config: Config, params: Any) -> Any:
    lstm = _lstm(config, PRIMITIVES.device)
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


Layer = functools.partial(
    Variant,
    "torch:layer",
    TORCH,
    _layer,
    PRIMITIVES,
    unsupported={
        "gates": "torch.nn.LSTM doesn't return its gates",
        "empty_sequence": "torch.nn.LSTM refuses a sequence of no steps",
        "zero_length": "torch's pack_padded_sequence refuses a length of 0",
    },
    load_and_read_back=_load_and_read_back,
)
