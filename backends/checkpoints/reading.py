"""The LSTM in a file of weights, read from an untrusted file.

Nothing is unpickled on this side, and no code of a file runs.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.backends.checkpoints.registry import open_contents
from gateparity.errors import InputError, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from gateparity.backends.checkpoints.contents import Contents, FoundLayer
    from gateparity.backends.checkpoints.source import AskWorker
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Parameters

SHOWN: Final = 8  # names that an error lists


def read_checkpoint(path: Path, prefix: str | None, ask: AskWorker) -> tuple[Config, Parameters]:
    """Find the only LSTM in a file, or the one at `prefix`, and return its canonical parameters.

    `prefix` is a path that `gateparity inspect` prints, "encoder.lstm", with or without a last dot;
    "" is the top level. float16 and bfloat16 are widened to float32, exactly; other dtypes are
    kept.

    Raise `InputError`, in one line with the file's name, unless there is exactly one LSTM of finite
    numbers. Several LSTMs, none, another kind of network, a projection or a damaged file are
    refused.
    """
    with open_contents(path, ask) as contents:
        where = str(path)
        try:
            layer = choose_layer(contents, prefix)
            where += f", prefix {layer.path!r}" if layer.path else ""
            native = layer.native()
            found = layer.unpack(native)
            _check_finite(native)
        except ValueError as error:
            raise InputError(printable(f"{where}: {error}")) from error
    return found


def choose_layer(contents: Contents, prefix: str | None) -> FoundLayer:
    """Return the layer at a prefix, or the only LSTM. Raise `ValueError` that lists what there is.

    Layers of other kinds beside the only LSTM do no harm.
    """
    layers = contents.layers
    if prefix is None:
        meant = [layer for layer in layers if layer.kind == "LSTM"] or list(layers[:1])
    else:
        meant = [layer for layer in layers if layer.path == prefix.removesuffix(".")]
    if not meant:
        raise ValueError(_missing(contents, prefix))
    if len(meant) > 1:
        paths = _listed(layer.path for layer in meant)
        raise ValueError(
            f"holds {len(meant)} LSTMs, expected one: choose with --prefix, one of {paths}"
        )
    return meant[0]


def _missing(contents: Contents, prefix: str | None) -> str:
    """Return a message: there is no LSTM, and what was found instead."""
    if contents.layers:
        paths = _listed(layer.path for layer in contents.layers)
        return f"no LSTM at prefix {prefix!r}, found recurrent layers at {paths}"
    names = _listed(contents.arrays)
    return f"no LSTM: expected names as a framework gives them, lstm.weight_ih_l0, found {names}"


def _check_finite(native: Mapping[str, Array]) -> None:
    for name, array in native.items():
        bad = array.size - np.count_nonzero(np.isfinite(array))
        if bad:
            raise ValueError(
                f"{name} holds NaN or infinity in {bad} of {array.size} elements, "
                "expected finite numbers: where all is NaN, parity proves nothing"
            )


def _listed(names: Iterable[str]) -> str:
    """Return the first few names, quoted, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (", ".join(map(repr, itertools.islice(names, SHOWN))) or "none") + more
