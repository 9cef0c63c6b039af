"""One live layer: what the file of each framework says about an object, under the same names.

An object is used as it is. Its own call computes its outputs, with its own weights, and its own
framework differentiates it.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from gateparity.errors import InputError
from gateparity.packing.infer import infer_config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateparity.network.batch import Batch, Gradients, Outputs
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Native
    from gateparity.packing.layout import Layout

    Pullback = Callable[[Outputs], Gradients]
    Run = Callable[[Batch], "tuple[Outputs, Pullback | None]"]


@dataclasses.dataclass(frozen=True)
class LiveLayer:
    """One recurrent layer of a framework; a stack has several.

    `kind` is the name of the object's class, as users import it. `read` returns the object's arrays
    by the names of `layout`. `write` takes such arrays, and returns the object that holds them: the
    same one, or a copy where the framework's objects never change. `run` calls the object, and
    returns its outputs and a function from a cotangent to gradients, or None if it has none.
    `lacks` are those of `gateparity.protocol.adapter.STATES` that the object doesn't have. `engine`
    is the shipped framework that computes it. `no_lengths` says why it takes no lengths.
    """

    kind: str
    layout: Layout
    config: Config
    read: Callable[[], Native]
    write: Callable[[Native], Any]
    run: Run
    engine: str = ""
    lacks: frozenset[str] = frozenset()
    no_lengths: str = ""


def measure(kind: str, layout: Layout, native: Mapping[str, Array]) -> Config:
    """Return the config that an object's arrays have.

    Raise `InputError` for half precision, for NaN, and for arrays that are no LSTM's.
    """
    for name, array in native.items():
        refuse_dtype(kind, _base(name), array.dtype)
        bad = array.size - np.count_nonzero(np.isfinite(array))
        if bad:
            raise InputError(
                f"{kind}: {_base(name)} holds NaN or infinity in {bad} of {array.size} elements, "
                "expected finite numbers: where all is NaN, parity proves nothing"
            )
    try:
        return infer_config(layout, native)
    except ValueError as error:
        raise InputError(f"{kind}: {error}") from error


def refuse_dtype(kind: str, name: str, dtype: object) -> None:
    """Raise `InputError` for an array in half precision, or of another dtype that isn't judged."""
    found = str(dtype).rpartition(".")[2]
    if found not in ("float32", "float64"):
        raise InputError(
            f"{kind}: {name} is {found}, expected float32 or float64: convert the layer first"
        )


def refuse_option(kind: str, name: str, found: object, expected: object) -> None:
    """Raise `InputError` that names an option of a layer, if its value is another one."""
    if found != expected:
        raise InputError(f"{kind}: {name} is {found!r}, expected {expected!r}")


def refuse_device(kind: str, device: object, change: str) -> None:
    """Raise `InputError` for an object that is not on the CPU; `change` is the code that moves it.

    On another device the arithmetic is another one, and known to round otherwise.
    """
    if "cpu" not in str(device).lower():
        raise InputError(f"{kind} is on the device {device}, expected the CPU: {change}")


def refuse_unbuilt(kind: str, what: str) -> None:
    """Raise `InputError` for a layer that has no arrays yet; `what` makes them."""
    raise InputError(f"{kind} was never built, so it has no weights: {what}")


def _base(name: str) -> str:
    return name.rpartition("/")[2]
