"""What a file holds: its arrays by name, and the recurrent layers among them, none read yet."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.packing.infer import infer_config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Parameters
    from gateparity.packing.layout import Layout


@dataclasses.dataclass(frozen=True)
class StoredArray:
    """An array in a file, known by its header.

    `dtype` is how it is stored: "float32", "float16", "bfloat16", "int8", ... `load` reads its
    bytes, and returns float32 or float64: a narrower float is widened, exactly, and an integer with
    a scale is multiplied by it. Other integers come back as they are.
    """

    shape: tuple[int, ...]
    dtype: str
    load: Callable[[], Array]


# Oddities of layers that read their steps otherwise than from the first to the last.
REVERSE: Final = "runs in reverse"
BACKWARDS: Final = "go_backwards: it reads the last step first"


@dataclasses.dataclass(frozen=True)
class FoundLayer:
    """A recurrent layer in a file: one LSTM of one or more layers and directions, or another kind.

    `path` is where it lies in the file, "encoder.lstm". `kind` is "LSTM", "GRU", or "RNN". `layout`
    is how its arrays are packed, and `arrays` has them by the layout's own names, as they are in
    the file; a kind that no layout holds has no layout. `oddities` name what no other framework
    has or what a reader wouldn't expect: "peepholes", "stateful", "int8 with a scale". `refusal`
    says in words why it can't be held, and is empty if it can. `origin` says where the numbers
    probably come from. `input_size` and `hidden_size` are known for other kinds too.
    """

    path: str
    kind: str
    input_size: int
    hidden_size: int
    layout: Layout | None = None
    arrays: Mapping[str, StoredArray] = dataclasses.field(default_factory=dict)
    layers: int = 1
    directions: int = 1
    biases: bool = True
    oddities: tuple[str, ...] = ()
    refusal: str = ""
    origin: str = ""

    @property
    def reads(self) -> str:
        """Return the oddity that says how its steps are read, or "" for first to last."""
        return next((odd for odd in self.oddities if odd in (REVERSE, BACKWARDS)), "")

    @property
    def parameters(self) -> int:
        """Return how many numbers its arrays hold."""
        return sum(math.prod(array.shape) for array in self.arrays.values())

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Return how its arrays are stored, each dtype once."""
        return tuple(dict.fromkeys(array.dtype for array in self.arrays.values()))

    def read(self) -> tuple[Config, Parameters]:
        """Read its arrays, and return its config and canonical parameters.

        Raise `ValueError` for a layer that can't be held, and for damaged arrays.
        """
        return self.unpack(self.native())

    def native(self) -> dict[str, Array]:
        """Read its arrays, and return them by the layout's names.

        Raise `ValueError` for a layer that can't be held, and for damaged arrays.
        """
        if self.refusal or self.layout is None:
            raise ValueError(self.refusal or f"is of kind {self.kind}, expected an LSTM")
        return {name: array.load() for name, array in self.arrays.items()}

    def unpack(self, native: Mapping[str, Array]) -> tuple[Config, Parameters]:
        """Return the config and the canonical parameters of arrays that `native` returned."""
        if self.layout is None:
            raise ValueError(f"is of kind {self.kind}, expected an LSTM")
        config = infer_config(self.layout, native)
        return config, self.layout.unpack(native, config)


@dataclasses.dataclass(frozen=True)
class Contents:
    """A file's `format` in words, its arrays by name, and its recurrent layers by path.

    A format that holds names and arrays alone leaves `layers` empty: `names.py` finds them. `notes`
    say in words what of the file can't be shown.
    """

    format: str
    arrays: Mapping[str, StoredArray] = dataclasses.field(default_factory=dict)
    layers: tuple[FoundLayer, ...] = ()
    notes: tuple[str, ...] = ()


def found_lstm(
    path: str,
    layout: Layout,
    arrays: Mapping[str, StoredArray],
    oddities: Sequence[str] = (),
    refusal: str = "",
) -> FoundLayer:
    """Return the LSTM that arrays of a layout are, its structure inferred from their headers.

    Where names or shapes aren't those of an LSTM, its refusal says why.
    """
    config = None
    try:
        config = infer_from_headers(layout, arrays)
    except ValueError as error:
        refusal = refusal or str(error)
    return FoundLayer(
        path,
        "LSTM",
        config.input_size if config else 0,
        config.hidden_size if config else 0,
        layout,
        arrays,
        config.layers if config else 1,
        config.directions if config else 1,
        config.biases if config else True,
        tuple(oddities),
        refusal,
    )


def infer_from_headers(layout: Layout, arrays: Mapping[str, StoredArray]) -> Config:
    """Return the config that arrays of a layout have. Raise `ValueError` if they have none."""
    return infer_config(layout, {name: _hollow(array) for name, array in arrays.items()})


def _hollow(array: StoredArray) -> Array:
    """Return an array of the shape and the dtype that `load` returns; it takes no memory."""
    dtype = np.float64 if array.dtype == "float64" else np.float32
    return np.broadcast_to(dtype(0), array.shape)
