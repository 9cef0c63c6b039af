"""gluon's `rnn.LSTM` as a user of MXNet calls it, as the baseline of `gateparity bench`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import mxnet as mx
from mxnet import autograd, nd
from mxnet.gluon import rnn

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.adapter import Batch, Native, Outputs
    from gateparity.config import Config


def forward(config: Config, params: Native, batch: Batch) -> Callable[[], Any]:
    """Return a call of a prepared layer, on arrays that exist already."""
    lstm, x, states = _build(config, params, batch)
    return lambda: lstm(x, states)


def gradients(
    config: Config, params: Native, batch: Batch, cotangent: Outputs
) -> Callable[[], Any]:
    """Return a call of the forward and backward pass: weights, inputs and initial states."""
    lstm, x, states = _build(config, params, batch)
    heads = list(map(convert, (cotangent.y, cotangent.h_n, cotangent.c_n)))
    weights = [parameter.data() for parameter in lstm.collect_params().values()]
    for array in (x, *states):
        array.attach_grad()

    def run() -> Any:
        with autograd.record():
            y, (h_n, c_n) = lstm(x, states)
        autograd.backward([y, h_n, c_n], heads)
        return [array.grad for array in (x, *states, *weights)]

    return run


def convert(array: Any) -> Any:
    """Convert an array to an MXNet array of the same dtype."""
    return nd.array(array, dtype=array.dtype)


def wait(_: Any) -> None:
    """Wait until MXNet has computed everything; its calls return before that."""
    nd.waitall()


def threads() -> int:
    """Return the number of OpenMP threads from the environment, since MXNet does not report it.

    0 means every core.
    """
    return int(os.environ.get("OMP_NUM_THREADS") or 0)


def _build(config: Config, params: Native, batch: Batch) -> tuple[Any, Any, list[Any]]:
    lstm = rnn.LSTM(config.hidden_size, input_size=config.input_size, prefix="")
    lstm.initialize(mx.init.Zero())
    for name, parameter in lstm.collect_params().items():
        parameter.set_data(convert(params[name]))
    return lstm, convert(batch.x), [convert(batch.h_0), convert(batch.c_0)]
