"""Flax linen: `RNN`, `Bidirectional` and the LSTM cells, each with its variables.

The variables are those that a module is bound to, `module.bind(variables)`, or the second of a pair
`(module, variables)`. Linen's modules never change: what is written is another bound module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import jax.numpy as jnp
from flax import linen as nn
from flax import traverse_util

from gateparity.backends.live.functional import open_function
from gateparity.backends.live.layer import refuse_option, refuse_unbuilt
from gateparity.errors import InputError
from gateparity.layouts import FLAX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gateparity.backends.live.layer import LiveLayer
    from gateparity.network.parameters import Array

_CELLS: Final = (nn.OptimizedLSTMCell, nn.LSTMCell)


def _open_cell(cell: Any, variables: Any = None) -> LiveLayer:
    return _open(cell, variables, f"flax.linen.{type(cell).__name__}", [cell], _run_cell)


def _open_rnn(rnn: Any, variables: Any = None) -> LiveLayer:
    kind = "flax.linen.RNN"
    refuse_option(kind, "reverse", bool(rnn.reverse), expected=False)
    return _open(rnn, variables, f"{kind} of {type(rnn.cell).__name__}", [rnn.cell], _run_rnn)


def _open_bidirectional(layer: Any, variables: Any = None) -> LiveLayer:
    cells = [layer.forward_rnn.cell, layer.backward_rnn.cell]
    kind = "flax.linen.Bidirectional"
    merged = getattr(layer.merge_fn, "__name__", str(layer.merge_fn))
    refuse_option(kind, "merge_fn", merged.strip("_"), "concatenate")
    name = f"{kind} of {type(cells[0]).__name__}"
    return _open(layer, variables, name, cells, _run_bidirectional)


OPEN: Final = {
    "LSTMCell": _open_cell,
    "OptimizedLSTMCell": _open_cell,
    "RNN": _open_rnn,
    "Bidirectional": _open_bidirectional,
}


def _open(
    module: Any, variables: Any, kind: str, cells: Sequence[Any], run: Callable[..., Any]
) -> LiveLayer:
    for cell in cells:
        _check_cell(kind, cell)
    if variables is None:
        if module.scope is None:
            refuse_unbuilt(kind, "bind its variables, module.bind(variables)")
        module, variables = module.unbind()
    if "params" not in variables:
        raise InputError(
            f"{kind}: its variables have {', '.join(map(repr, variables)) or 'nothing'}, expected "
            "'params', as module.init returns them"
        )
    flat = traverse_util.flatten_dict(dict(variables["params"]), sep="/")
    names = _name_arrays(flat, len(cells), kind)

    def fill(native: Mapping[str, Any]) -> dict[str, Any]:
        changed = flat | {path: native[name] for name, path in names.items()}
        return {**variables, "params": traverse_util.unflatten_dict(changed, sep="/")}

    def write(native: Mapping[str, Array]) -> Any:
        return module.bind(fill({name: jnp.asarray(array) for name, array in native.items()}))

    def call(weights: Any, *inputs: Any) -> Any:
        return run(module, fill(weights), *inputs)

    arrays = lambda: {name: flat[path] for name, path in names.items()}  # noqa: E731
    return open_function(kind, FLAX, arrays, write, call)


def _check_cell(kind: str, cell: Any) -> None:
    if not isinstance(cell, _CELLS):
        name = type(cell).__name__
        raise InputError(f"{kind}: {name} is not supported yet, expected an LSTM's cell")
    if type(cell).__module__ == "flax.linen.transforms":
        name = type(cell).__name__
        raise InputError(
            f"{kind}: {name} is a transformed cell, expected the cell: linen.RNN(cell)"
        )
    for name, usual in (("gate_fn", "sigmoid"), ("activation_fn", "tanh")):
        used = getattr(cell, name)
        refuse_option(kind, name, getattr(used, "__name__", str(used)), usual)
    if cell.dtype is not None and cell.dtype != cell.param_dtype:
        refuse_option(kind, "dtype", str(jnp.dtype(cell.dtype)), str(jnp.dtype(cell.param_dtype)))


def _name_arrays(flat: Mapping[str, Any], directions: int, kind: str) -> dict[str, str]:
    """Return where each array of the layout is; the cells are where an `hi/kernel` is, in order."""
    where = [path[: -len("hi/kernel")] for path in flat if path.endswith("hi/kernel")]
    where.sort(key=lambda path: "backward" in path)
    if len(where) != directions:
        raise InputError(f"{kind}: its variables have {len(where)} LSTM cells, not {directions}")
    return {
        f"rnn_0{direction}/cell/{path.removeprefix(prefix)}": path
        for prefix, direction in zip(where, ("", "_reverse"))  # noqa: B905  one or two
        for path in flat
        if path.startswith(prefix)
    }


def _run_cell(cell: Any, variables: Any, *inputs: Any) -> Any:
    inside = {"params": {"cell": variables["params"]}}
    return _run_rnn(nn.RNN(cell), inside, *inputs)


def _run_rnn(rnn: Any, variables: Any, x: Any, h: Any, c: Any, lengths: Any) -> Any:
    options = {"seq_lengths": lengths, "return_carry": True, "time_major": True}
    (c_n, h_n), y = rnn.apply(variables, x, initial_carry=(c[0], h[0]), **options)
    return y, h_n[None], c_n[None]


def _run_bidirectional(layer: Any, variables: Any, x: Any, h: Any, c: Any, lengths: Any) -> Any:
    options = {"seq_lengths": lengths, "return_carry": True, "time_major": True}
    carry = (c[0], h[0]), (c[1], h[1])
    ((c_f, h_f), (c_b, h_b)), y = layer.apply(variables, x, initial_carry=carry, **options)
    return y, jnp.stack([h_f, h_b]), jnp.stack([c_f, c_b])
