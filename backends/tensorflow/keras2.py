"""Keras 2, which TensorFlow has up to 2.15: what its LSTM layer does differently from Keras 3.

A Keras 2 layer can't be called with weights other than its own, and its variables have no path.
"""

from __future__ import annotations

from typing import Any


def call_lstm(lstm: Any, w: Any, x: Any, states: Any, mask: Any) -> Any:
    """Call the layer with the weights `w` in place of its own.

    The cell reads its weights as attributes, so they are replaced for the call and then restored.
    """
    own = {name: getattr(lstm.cell, name) for name in w}
    try:
        for name, array in w.items():
            setattr(lstm.cell, name, array)
        return lstm(x, initial_state=states, mask=mask)
    finally:
        for name, variable in own.items():
            setattr(lstm.cell, name, variable)


def named_weights(lstm: Any) -> dict[str, Any]:
    """Return the layer's variables under the paths that Keras 3 gives them."""
    return {f"{lstm.name}/lstm_cell/{_last(variable.name)}": variable for variable in lstm.weights}


def _last(name: str) -> str:
    return name.partition(":")[0].rpartition("/")[2]
