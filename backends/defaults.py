"""A framework's defaults, for what a training script leaves open, as the framework reports them."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateparity.parameters import Array

SIZE: Final = 64  # input features and hidden units of the layer whose first weights are looked at
WEIGHTS: Final = ("LSTM input kernel", "LSTM recurrent kernel", "LSTM bias", "LSTM forget bias")
CONSTANTS: Final = (
    "SGD rate",
    "SGD momentum",
    "Adam rate",
    "Adam beta_1",
    "Adam beta_2",
    "Adam epsilon",
)
EPSILON: Final = {  # where it stands; m and v corrected, or the rate alone
    True: "beside the root of the corrected v",
    False: "beside the root of the uncorrected v",
}


def describe(array: Array) -> str:
    """Describe how the numbers of an array `(rows, columns)` or `(n,)` are distributed:
    constant, orthogonal, uniform or normal.
    """
    if (array == array.flat[0]).all():
        return f"{array.flat[0]:g}"
    if array.ndim == 2 and _is_orthogonal(array):
        return "orthogonal"
    spread, kurtosis = float(array.std()), float(np.mean(array**4) / np.mean(array**2) ** 2)
    if kurtosis < 2.1:  # of a uniform distribution 1.8, of a truncated normal one 2.4
        return f"uniform, up to {np.abs(array).max():.2g}"
    return f"normal, deviation {spread:.2g}"


def read_default(function: Callable[..., Any], name: str) -> str:
    """Return the default of an argument as text, read from the function's signature."""
    default = inspect.signature(function).parameters[name].default
    return "must be given" if default is inspect.Parameter.empty else _say(default)


def collect(weights: Mapping[str, Array], constants: Mapping[str, Any], **more: str) -> Any:
    """Return all defaults as texts by name.

    `weights` has the names in `WEIGHTS`, `constants` those in `CONSTANTS`, and `more` is added
    unchanged.
    """
    words = {name: describe(weights[name]) for name in WEIGHTS}
    return words | {name: _say(constants[name]) for name in CONSTANTS} | more


def _say(constant: Any) -> str:
    """Format a constant in the fewest digits. None means 0: optax uses it for "no momentum"."""
    try:
        return f"{float(constant or 0):.7g}"
    except ValueError:
        return str(constant)


def _is_orthogonal(array: Array) -> bool:
    """Return whether the vectors along the shorter side are orthonormal."""
    tall = array if array.shape[0] >= array.shape[1] else array.T
    return bool(np.allclose(tall.T @ tall, np.eye(tall.shape[1]), atol=1e-4))
