"""Keras 3, on any of its backends: `LSTM`, `LSTMCell`, and `Bidirectional` around an LSTM."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

import keras
from keras import ops

from gateparity.backends.live import keras_gradients
from gateparity.backends.live.layer import (
    LiveLayer,
    measure,
    refuse_device,
    refuse_option,
    refuse_unbuilt,
)
from gateparity.errors import InputError, Unsupported
from gateparity.layouts import KERAS
from gateparity.network.batch import Batch, Gradients, Outputs, initial_states

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gateparity.network.parameters import Array

_USUAL: Final = {"activation": "tanh", "recurrent_activation": "sigmoid"}


def _open_lstm(layer: Any) -> LiveLayer:
    kind = "keras.layers.LSTM"
    if layer.go_backwards:
        raise InputError(
            f"{kind}: go_backwards is True, expected False: the reverse direction is compared "
            "as a part of keras.layers.Bidirectional"
        )
    return _open(layer, kind, [layer.cell], _run_lstm)


def _open_rnn(layer: Any) -> LiveLayer:
    if not isinstance(layer.cell, keras.layers.LSTMCell):
        name = type(layer.cell).__name__
        raise InputError(
            f"keras.layers.RNN of {name} is not supported yet, expected one of an LSTMCell; "
            "a stack of layers is a tuple"
        )
    return _open_lstm(layer)


def _open_cell(cell: Any) -> LiveLayer:
    return _open(cell, "keras.layers.LSTMCell", [cell], _run_cell)


def _open_bidirectional(layer: Any) -> LiveLayer:
    kind = "keras.layers.Bidirectional"
    both = layer.forward_layer, layer.backward_layer
    for inner in both:
        if not isinstance(inner, keras.layers.LSTM):
            name = type(inner).__name__
            raise InputError(f"{kind} of {name} is not supported yet, expected one of an LSTM")
    refuse_option(kind, "merge_mode", layer.merge_mode, "concat")
    refuse_option(kind, "go_backwards of the forward layer", both[0].go_backwards, expected=False)
    return _open(layer, kind, [inner.cell for inner in both], _run_bidirectional)


OPEN: Final = {
    "LSTM": _open_lstm,
    "LSTMCell": _open_cell,
    "Bidirectional": _open_bidirectional,
    "RNN": _open_rnn,
}


def _open(layer: Any, kind: str, cells: Sequence[Any], run: Callable[..., Any]) -> LiveLayer:
    variables = _variables(layer, kind, cells)

    def read() -> dict[str, Any]:
        return {n: _to_numpy(v) for n, v in variables.items()}

    config = measure(kind, KERAS, read())

    def write(native: Mapping[str, Array]) -> Any:
        for name, variable in variables.items():
            variable.assign(native[name])
        return layer

    def call(batch: Batch) -> Any:
        inputs = [ops.convert_to_tensor(a) for a in (batch.x, *initial_states(config, batch))]

        def computed(x: Any, h: Any, c: Any) -> Any:
            with _complete(layer):
                return run(layer, x, h, c, batch.lengths)

        outputs, pull = keras_gradients.differentiate(computed, inputs, [*variables.values()])

        def pull_back(cotangent: Outputs) -> Gradients:
            if pull is None:
                raise Unsupported(f"Keras on {keras.backend.backend()} has no gradients")
            cotangents = [cotangent.y, *(cotangent.states[s] for s in config.cell.states)]
            *found, d_x, d_h, d_c = map(_to_numpy, pull(map(ops.convert_to_tensor, cotangents)))
            return Gradients(
                dict(zip(variables, found, strict=True)), Batch(d_x, {"h": d_h, "c": d_c})
            )

        y, *states = map(_to_numpy, outputs)
        named = dict(zip(config.cell.states, states, strict=True))
        return Outputs(y, named), pull_back if pull else None

    return LiveLayer(kind, KERAS, config, read, write, call, _engine())


def _variables(layer: Any, kind: str, cells: Sequence[Any]) -> dict[str, Any]:
    """Return the variables by the names of the layout. Raise `InputError` for other options."""
    if not layer.built or not all(cell.built for cell in cells):
        refuse_unbuilt(kind, "call it once, or build it: layer.build((None, None, input_size))")
    found: dict[str, Any] = {}
    for cell, direction in zip(cells, ("", "_reverse")):  # noqa: B905  one or two
        for option, usual in _USUAL.items():
            used = getattr(cell, option)
            refuse_option(kind, option, getattr(used, "__name__", str(used)), usual)
        refuse_half(kind, cell)
        names = ("kernel", "recurrent_kernel", *(("bias",) if cell.use_bias else ()))
        found |= {f"lstm_0{direction}/lstm_cell/{name}": getattr(cell, name) for name in names}
    for variable in found.values():
        device = getattr(variable.value, "device", "cpu") or "cpu"
        refuse_device(kind, device, "make the layer under keras.device('cpu')")
    return found


def refuse_half(kind: str, cell: Any) -> None:
    """Raise `InputError` for a layer that computes in half precision, or in mixed precision."""
    if cell.compute_dtype not in ("float32", "float64") or cell.compute_dtype != cell.dtype:
        raise InputError(
            f"{kind}: it computes in {cell.compute_dtype} with weights in {cell.dtype}, "
            "expected float32 or float64 for both: make it with dtype='float32'"
        )


def _run_lstm(layer: Any, x: Any, h: Any, c: Any, lengths: Any) -> Any:
    y, h_n, c_n = layer(
        _turned(x), initial_state=[h[0], c[0]], mask=_mask(x, lengths), training=False
    )
    return _live(_turned(y), lengths), h_n[None], c_n[None]


def _run_bidirectional(layer: Any, x: Any, h: Any, c: Any, lengths: Any) -> Any:
    states = [h[0], c[0], h[1], c[1]]
    y, *found = layer(_turned(x), initial_state=states, mask=_mask(x, lengths), training=False)
    return _live(_turned(y), lengths), ops.stack(found[::2]), ops.stack(found[1::2])


def _run_cell(cell: Any, x: Any, h: Any, c: Any, lengths: Any) -> Any:
    mask, h, c, y = _mask(x, lengths), h[0], c[0], []
    for step in range(x.shape[0]):
        h_t, (_, c_t) = cell(x[step], [h, c], training=False)
        live = True if mask is None else mask[:, step, None]
        h, c = ops.where(live, h_t, h), ops.where(live, c_t, c)
        y.append(ops.where(live, h_t, ops.zeros_like(h_t)))
    return ops.stack(y), h[None], c[None]


@contextlib.contextmanager
def _complete(layer: Any) -> Iterator[None]:
    """Let a layer return all steps and its final states, and keep no state, for a while."""
    inner = [getattr(layer, name, None) for name in ("forward_layer", "backward_layer")]
    wanted = {"return_sequences": True, "return_state": True, "stateful": False}
    changed = [
        (part, name, getattr(part, name), value)
        for part in (layer, *filter(None, inner))
        for name, value in wanted.items()
        if hasattr(part, name) and getattr(part, name) is not value
    ]
    for part, name, _, value in changed:
        setattr(part, name, value)
    try:
        yield
    finally:
        for part, name, before, _ in changed:
            setattr(part, name, before)


def _turned(array: Any) -> Any:
    """Exchange steps and sequences: Keras is batch-first."""
    return ops.transpose(array, (1, 0, 2))


def _mask(x: Any, lengths: Any) -> Any:
    return None if lengths is None else ops.arange(x.shape[0])[None] < ops.array(lengths)[:, None]


def _live(y: Any, lengths: Any) -> Any:
    """Return outputs with zeros past each length, where Keras repeats the last one."""
    mask = _mask(y, lengths)
    return y if mask is None else ops.where(ops.transpose(mask)[..., None], y, ops.zeros_like(y))


def _to_numpy(array: Any) -> Any:
    if _engine() == "tensorflow":  # whose tensors know NumPy 1's protocol alone
        return ops.convert_to_tensor(array).numpy().copy()
    return ops.convert_to_numpy(array).copy()


def _engine() -> str:
    backend = keras.backend.backend()
    return str(backend) if backend in ("tensorflow", "jax", "torch") else ""
