"""Check what adapters take and return; the first wrong array is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gateparity.errors import suggest
from gateparity.network.batch import Batch, Outputs, state_shape
from gateparity.network.parameters import check_array
from gateparity.protocol.adapter import FEATURES

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateparity.network.batch import Gradients, Trace
    from gateparity.network.config import Config
    from gateparity.network.parameters import Native


def check_batch(batch: Batch, config: Config) -> None:
    """Raise `ValueError` or `TypeError` that names the first wrong array of a batch."""
    if not isinstance(batch.x, np.ndarray) or batch.x.ndim != 3:
        raise ValueError(f"x is {_describe(batch.x)}, expected an array (T, B, input)")
    steps, size, _ = batch.x.shape
    check_array("x", batch.x, (steps, size, config.input_size), config.dtype)
    if batch.states is not None:
        _check_states(batch.states, batch.states, "{}_0", config, batch)
    if batch.lengths is not None:
        _check_lengths(batch.lengths, steps, size)


def check_outputs(
    outputs: Outputs, config: Config, batch: Batch, lacks: Collection[str] = ()
) -> None:
    """Raise `ValueError` or `TypeError` that names the first wrong array of an answer.

    `lacks` are those of `STATES` that aren't supported, and so aren't looked at.
    """
    steps, size, _ = batch.x.shape
    check_array("y", outputs.y, (steps, size, config.output_size), config.dtype)
    if "final_states" in lacks:
        return
    _check_states(outputs.states, config.cell.states, "{}_n", config, batch)


def check_trace(trace: Trace, config: Config, batch: Batch) -> None:
    """Raise `ValueError` or `TypeError` that names the first wrong array of a trace."""
    steps, size, _ = batch.x.shape
    state = (config.cells, steps, size, config.hidden_size)
    gates = (config.cells, steps, len(config.cell.gates), size, config.hidden_size)
    for name, shape in (("z", gates), ("gates", gates), ("c", state), ("h", state)):
        check_array(name, getattr(trace, name), shape, config.dtype)


def check_gradients(
    gradients: Gradients,
    config: Config,
    params: Native,
    batch: Batch,
    lacks: Collection[str] = (),
) -> None:
    """Raise `ValueError` or `TypeError` that names the first wrong array of a gradient.

    `lacks` are those of `STATES` that aren't supported, and so aren't looked at.
    """
    if set(gradients.params) != set(params):
        raise ValueError(f"gradients name {sorted(gradients.params)}, expected {sorted(params)}")
    for name, array in params.items():
        check_array(f"d_{name}", gradients.params[name], array.shape, config.dtype)
    check_array("d_x", gradients.batch.x, batch.x.shape, config.dtype)
    if "initial_states" not in lacks:
        _check_states(gradients.batch.states or {}, config.cell.states, "d_{}_0", config, batch)


def check_unsupported(unsupported: Mapping[str, str]) -> None:
    """Raise `ValueError` or `TypeError` at the first key that is unknown or has no reason."""
    for key, reason in unsupported.items():
        if key not in FEATURES:
            hint = suggest(str(key), FEATURES)
            raise ValueError(
                f"unsupported has the key {key!r}{hint}: expected one of {', '.join(FEATURES)}"
            )
        if not isinstance(reason, str):
            raise TypeError(f"unsupported[{key!r}] is {_describe(reason)}, expected a sentence")


def _check_states(states: Any, due: Any, name: str, config: Config, batch: Batch) -> None:
    """Raise unless these are states by name; `name` makes of each what an error calls it."""
    known = config.cell.states
    if not isinstance(states, Mapping) or not set(states) <= set(known):
        found = sorted(states) if isinstance(states, Mapping) else _describe(states)
        raise ValueError(f"states are {found}, expected arrays by the names {' and '.join(known)}")
    for state in due:
        shape = state_shape(config, batch)
        check_array(name.format(state), states.get(state), shape, config.dtype)


def _check_lengths(lengths: Any, steps: int, size: int) -> None:
    if not isinstance(lengths, np.ndarray) or lengths.dtype.kind not in "iu":
        raise TypeError(f"lengths is {_describe(lengths)}, expected an array of integers")
    if lengths.shape != (size,):
        raise ValueError(f"lengths has shape {lengths.shape}, expected {(size,)}")
    if size and (lengths.min() < 0 or lengths.max() > steps):
        raise ValueError(
            f"lengths run from {lengths.min()} to {lengths.max()}, expected 0 to {steps}"
        )


def _describe(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} of shape {value.shape}"
    return type(value).__name__
