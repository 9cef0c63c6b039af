"""PyTorch: `torch.nn.LSTM` and `torch.nn.LSTMCell`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from gateparity.backends.live.layer import (
    LiveLayer,
    measure,
    refuse_device,
    refuse_dtype,
    refuse_option,
)
from gateparity.errors import InputError
from gateparity.layouts import LAYOUTS, TORCH
from gateparity.network.batch import Batch, Gradients, Outputs, initial_states

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateparity.network.config import Config

_SMALL: Final = 2**14  # numbers of x


def _open_lstm(layer: Any) -> LiveLayer:
    refuse_option("torch.nn.LSTM", "proj_size", layer.proj_size, 0)
    return _open(layer, "torch.nn.LSTM", TORCH, layer._flat_weights_names, _run_lstm)


def _open_cell(cell: Any) -> LiveLayer:
    names = [name for name, _ in cell.named_parameters() if name.startswith(("weight_", "bias_"))]
    return _open(cell, "torch.nn.LSTMCell", LAYOUTS["torch_cell"], names, _run_cell)


OPEN: Final = {"LSTM": _open_lstm, "LSTMCell": _open_cell}


def _open(
    layer: Any, kind: str, layout: Any, names: list[str], run: Callable[..., Any]
) -> LiveLayer:
    _check_arrays(layer, kind, names)

    def read() -> dict[str, Any]:
        return {name: _to_numpy(getattr(layer, name)) for name in names}

    config = measure(kind, layout, read())

    def write(native: Any) -> Any:
        with torch.no_grad():
            for name in names:
                getattr(layer, name).copy_(torch.from_numpy(native[name].copy()))
        return layer

    def call(batch: Batch) -> Any:
        with torch.inference_mode(mode=False):
            inputs = _to_tensors(batch.x, *initial_states(config, batch))
        lengths = None if batch.lengths is None else torch.from_numpy(batch.lengths.copy())
        with _evaluating(layer, batch), torch.no_grad():
            outputs = run(layer, *inputs, lengths)

        def pull(cotangent: Outputs) -> Gradients:
            weights = {name: getattr(layer, name) for name in names}
            with _evaluating(layer, batch), _trainable(weights.values()), torch.enable_grad():
                sources = [*weights.values(), *(a.requires_grad_() for a in inputs)]
                given = _to_tensors(cotangent.y, *map(cotangent.states.get, config.cell.states))
                # One number: for the gradients of arrays PyTorch would first import SymPy.
                total = sum((a * d).sum() for a, d in zip(run(layer, *inputs, lengths), given))  # noqa: B905
                found = torch.autograd.grad(
                    total, sources, materialize_grads=True, allow_unused=True
                )
            *d_weights, d_x, d_h, d_c = map(_to_numpy, found)
            d_params = dict(zip(names, d_weights, strict=True))
            return Gradients(d_params, Batch(d_x, {"h": d_h, "c": d_c}))

        return _as_outputs(config, outputs), pull

    return LiveLayer(kind, layout, config, read, write, call, "torch")


def _check_arrays(layer: Any, kind: str, names: list[str]) -> None:
    """Raise `InputError` for arrays that can't be read, written and differentiated as they are.

    Pruning and norms compute an array from others. One that was made in inference mode has no
    gradient, and can't be written either.
    """
    tied = len({id(getattr(layer, name)) for name in names}) < len(names)
    refuse_option(kind, "one parameter for several", tied, expected=False)
    refuse_option(kind, "torch.autocast", torch.is_autocast_enabled("cpu"), expected=False)
    for name in names:
        refuse_device(kind, getattr(layer, name).device, "layer.cpu()")
        refuse_dtype(kind, name, getattr(layer, name).dtype)  # NumPy lacks bfloat16
        if getattr(layer, name).is_inference():
            raise InputError(
                f"{kind}: {name} was made under torch.inference_mode, expected a usual parameter: "
                "make the layer outside of it, and load its state_dict"
            )
        if name not in layer._parameters:
            raise InputError(
                f"{kind}: {name} is computed from other parameters (weight_norm, pruning or "
                "parametrize), expected a parameter: remove that from a copy"
            )


def _run_lstm(layer: Any, x: Any, h: Any, c: Any, lengths: Any) -> Any:
    axis = 1 if layer.batch_first else 0
    given = x.transpose(0, 1) if layer.batch_first else x
    if lengths is not None:
        given = pack_padded_sequence(given, lengths, layer.batch_first, enforce_sorted=False)
    y, (h_n, c_n) = layer(given, (h, c))
    if lengths is not None:
        y, _ = pad_packed_sequence(y, layer.batch_first, total_length=len(x))
    return y.transpose(0, axis), h_n, c_n


def _run_cell(cell: Any, x: Any, h: Any, c: Any, lengths: Any) -> Any:
    h, c, y = h[0], c[0], []
    for step, x_t in enumerate(x):
        h_t, c_t = cell(x_t, (h, c))
        live = torch.ones(len(h), 1) if lengths is None else (step < lengths)[:, None]
        h, c = torch.where(live > 0, h_t, h), torch.where(live > 0, c_t, c)
        y.append(torch.where(live > 0, h_t, torch.zeros_like(h_t)))
    return torch.stack(y), h[None], c[None]


def _as_outputs(config: Config, found: Any) -> Outputs:
    y, *states = map(_to_numpy, found)
    return Outputs(y, dict(zip(config.cell.states, states, strict=True)))


def _to_tensors(*arrays: Any) -> list[Any]:
    return [torch.from_numpy(array.copy()) for array in arrays]


def _to_numpy(tensor: Any) -> Any:
    return tensor.detach().numpy().copy()


@contextlib.contextmanager
def _evaluating(layer: Any, batch: Batch) -> Iterator[None]:
    """Switch dropout off, in every module, and on again; use one thread for a small batch."""
    modes = {module: module.training for module in layer.modules()}
    threads = torch.get_num_threads()
    layer.eval()
    if batch.x.size < _SMALL:
        torch.set_num_threads(1)  # more would only wait for each other
    try:
        with torch.inference_mode(mode=False):
            yield
    finally:
        torch.set_num_threads(threads)
        for module, training in modes.items():
            module.training = training


@contextlib.contextmanager
def _trainable(weights: Any) -> Iterator[None]:
    """Let frozen weights have gradients for a while."""
    frozen = [w for w in weights if w.is_leaf and not w.requires_grad]
    for weight in frozen:
        weight.requires_grad_()
    try:
        yield
    finally:
        for weight in frozen:
            weight.requires_grad_(requires_grad=False)
