"""Keras 2, as TensorFlow has it up to 2.15: where its LSTM layer differs from that of Keras 3.

It can't be called with weights that aren't its own, and its variables have no path.
"""

from __future__ import annotations

from typing import Any


def call_lstm(lstm: Any, w: Any, x: Any, states: Any, mask: Any) -> Any:
    """The layer with the weights of one call: its cell reads them as attributes."""
    own = {name: getattr(lstm.cell, name) for name in w}
    try:
        for name, array in w.items():
            setattr(lstm.cell, name, array)
        return lstm(x, initial_state=states, mask=mask)
    finally:
        for name, variable in own.items():
            setattr(lstm.cell, name, variable)


def named_weights(lstm: Any) -> dict[str, Any]:
    """Its variables under the paths that Keras 3 gives them."""
    return {f"{lstm.name}/lstm_cell/{_last(variable.name)}": variable for variable in lstm.weights}


def _last(name: str) -> str:
    return name.partition(":")[0].rpartition("/")[2]
