"""`torch.nn.LSTM` as a user of PyTorch calls it, as the baseline of `gateparity bench`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.adapter import Batch, Native, Outputs
    from gateparity.config import Config


def forward(config: Config, params: Native, batch: Batch) -> Callable[[], Any]:
    """Return a call of a prepared module, on tensors that exist already."""
    lstm, x, states = _build(config, params, batch)

    def run() -> Any:
        with torch.no_grad():
            return lstm(x, states)

    return run


def gradients(
    config: Config, params: Native, batch: Batch, cotangent: Outputs
) -> Callable[[], Any]:
    """Return a call of the forward and backward pass: weights, inputs and initial states."""
    lstm, x, states = _build(config, params, batch)
    sources = [*lstm.parameters(), x.requires_grad_(), *(s.requires_grad_() for s in states)]
    heads = tuple(map(convert, (cotangent.y, cotangent.h_n, cotangent.c_n)))

    def run() -> Any:
        y, (h_n, c_n) = lstm(x, states)
        return torch.autograd.grad((y, h_n, c_n), sources, heads)

    return run


def convert(array: Any) -> Any:
    """Copy an array to a PyTorch tensor."""
    return torch.from_numpy(array.copy())


def wait(_: Any) -> None:
    """Do nothing: on a CPU a call has finished when it returns."""


def threads() -> int:
    """Return the number of threads for one operation."""
    return int(torch.get_num_threads())


def _build(config: Config, params: Native, batch: Batch) -> tuple[Any, Any, tuple[Any, Any]]:
    lstm = torch.nn.LSTM(config.input_size, config.hidden_size)
    lstm.load_state_dict({name: convert(array) for name, array in params.items()})
    return lstm, convert(batch.x), (convert(batch.h_0), convert(batch.c_0))
