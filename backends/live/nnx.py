"""Flax nnx: `RNN`, `Bidirectional`, and the cells `LSTMCell` and `OptimizedLSTMCell`."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final

import jax.numpy as jnp
from flax import nnx

from gateparity.backends.live.functional import open_function
from gateparity.backends.live.layer import refuse_option
from gateparity.errors import InputError
from gateparity.layouts import NNX, NNX_OPTIMIZED
from gateparity.network.config import Config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gateparity.backends.live.layer import LiveLayer
    from gateparity.network.parameters import Array
    from gateparity.packing.layout import Layout


def _open_cell(cell: Any) -> LiveLayer:
    return _open(cell, f"flax.nnx.{_kind(cell)}", [cell], _run_cell)


def _open_rnn(rnn: Any) -> LiveLayer:
    refuse_option("flax.nnx.RNN", "reverse", bool(rnn.reverse), expected=False)
    return _open(rnn, f"flax.nnx.RNN of {_kind(rnn.cell)}", [rnn.cell], _run_rnn)


def _open_bidirectional(layer: Any) -> LiveLayer:
    kind = "flax.nnx.Bidirectional"
    cells = [layer.forward_rnn.cell, layer.backward_rnn.cell]
    merged = getattr(layer.merge_fn, "__name__", str(layer.merge_fn))
    refuse_option(kind, "merge_fn", merged.strip("_"), "concatenate")
    refuse_option(kind, "backward_rnn's cell", _kind(cells[1]), _kind(cells[0]))
    return _open(layer, f"{kind} of {_kind(cells[0])}", cells, _run_bidirectional)


OPEN: Final = {
    "LSTMCell": _open_cell,
    "OptimizedLSTMCell": _open_cell,
    "RNN": _open_rnn,
    "Bidirectional": _open_bidirectional,
}


def _open(module: Any, kind: str, cells: Sequence[Any], run: Callable[..., Any]) -> LiveLayer:
    for cell in cells:
        for name, usual in (("gate_fn", "sigmoid"), ("activation_fn", "tanh")):
            used = getattr(cell, name)
            refuse_option(kind, name, getattr(used, "__name__", str(used)), usual)
        if cell.dtype is not None and cell.dtype != cell.param_dtype:
            usual = str(jnp.dtype(cell.param_dtype))
            refuse_option(kind, "dtype", str(jnp.dtype(cell.dtype)), usual)

    def write(native: Mapping[str, Array]) -> Any:
        for name, variable in _variables(cells).items():
            variable[...] = jnp.asarray(native[name])
        return module

    def call(weights: Any, *inputs: Any) -> Any:
        copy = nnx.clone(module)
        for name, variable in _variables(_cells(copy)).items():
            variable[...] = weights[name]
        return run(copy, *inputs)

    arrays = lambda: {n: v[...] for n, v in _variables(cells).items()}  # noqa: E731
    return open_function(kind, _layout(cells), arrays, write, call)


def _kind(cell: Any) -> str:
    """Return which of Flax's cells it is. Raise `InputError` for one that is no LSTM's."""
    for name in ("LSTMCell", "OptimizedLSTMCell"):
        if isinstance(cell, getattr(nnx, name)):
            return name
    name = type(cell).__name__
    raise InputError(f"flax.nnx.{name} is not supported yet, expected an LSTMCell")


def _cells(module: Any) -> list[Any]:
    if hasattr(module, "forward_rnn"):
        return [module.forward_rnn.cell, module.backward_rnn.cell]
    return [getattr(module, "cell", module)]


def _variables(cells: Sequence[Any]) -> dict[str, Any]:
    """Return the variables by the names of the layout, which are their paths in the cell."""
    names = _layout(cells).shapes(Config(1, 1))
    return {
        name.replace("rnn_0", f"rnn_0{direction}"): operator.attrgetter(
            name.rpartition("/cell/")[2].replace("/", ".")
        )(cell)
        for cell, direction in zip(cells, ("", "_reverse"))  # noqa: B905  one or two
        for name in names
    }


def _layout(cells: Sequence[Any]) -> Layout:
    return NNX_OPTIMIZED if _kind(cells[0]) == "OptimizedLSTMCell" else NNX


def _run_cell(cell: Any, *inputs: Any) -> Any:
    return _run_rnn(nnx.RNN(cell, rngs=nnx.Rngs(0)), *inputs)


def _run_rnn(rnn: Any, x: Any, h: Any, c: Any, lengths: Any) -> Any:
    (c_n, h_n), y = rnn(
        x, initial_carry=(c[0], h[0]), seq_lengths=lengths, return_carry=True, time_major=True
    )
    return y, h_n[None], c_n[None]


def _run_bidirectional(layer: Any, x: Any, h: Any, c: Any, lengths: Any) -> Any:
    carry = (c[0], h[0]), (c[1], h[1])
    ((c_f, h_f), (c_b, h_b)), y = layer(
        x, initial_carry=carry, seq_lengths=lengths, return_carry=True, time_major=True
    )
    return y, jnp.stack([h_f, h_b]), jnp.stack([c_f, c_b])
