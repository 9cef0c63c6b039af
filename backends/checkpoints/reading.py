"""The LSTM in a checkpoint, read from an untrusted file.

Every format is read as a state_dict, and its arrays' names tell where the LSTM is. Nothing is
unpickled on this side: what torch.save wrote goes to PyTorch's own worker.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.backends.checkpoints.registry import read_arrays
from gateparity.errors import InputError, printable
from gateparity.files import read_bytes
from gateparity.layouts.torch import TORCH, TORCH_CELL
from gateparity.network.cells import LSTM
from gateparity.packing.infer import infer_config

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gateparity.backends.checkpoints.format import Arrays, LoadTorch
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Parameters
    from gateparity.packing.layout import Layout

FIRST: Final = re.compile(r"((?:.*\.)?)weight_ih(_l0)?", re.DOTALL)
OWN: Final = {
    TORCH: re.compile(r"(weight|bias)_(ih|hh|hr)_l[0-9]+(_reverse)?"),
    TORCH_CELL: re.compile(r"(weight|bias)_(ih|hh)"),
}
# By the gates stacked in weight_hh.
KINDS: Final = {len(LSTM.gates): "LSTM", 3: "GRU", 1: "plain RNN"}
SHOWN: Final = 8  # names that an error lists


def read_checkpoint(
    path: Path, prefix: str | None, load_torch: LoadTorch
) -> tuple[Config, Parameters]:
    """Find the only `nn.LSTM` or `nn.LSTMCell` in a file, or the one at `prefix`.

    `prefix` is "encoder.lstm", with or without a last dot; "" is the top level. `load_torch` is
    `gateparity.backends.torch.checkpoint.load`, run in PyTorch's worker; its `ValueError` is the
    file's fault. float16 and bfloat16 are widened to float32, exactly; other dtypes are kept.

    Raise `InputError`, in one line with the file's name, unless there is exactly one LSTM of finite
    numbers. Several LSTMs, none, another kind of network, a projection or a damaged file are
    refused. Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html.
    """
    data = read_bytes(path, "a PyTorch checkpoint")
    where = str(path)
    try:
        arrays = read_arrays(data, load_torch)
        chosen, layout = _choose(arrays, prefix)
        where += f", prefix {chosen!r}" if chosen else ""
        native = _own(arrays, chosen, layout)
        config = infer_config(layout, native)
        params = layout.unpack(native, config)
        _check_finite(native)
    except ValueError as error:
        raise InputError(printable(f"{where}: {error}")) from error
    return config, params


def _choose(arrays: Arrays, prefix: str | None) -> tuple[str, Layout]:
    """Return the prefix, with its dot, and the layout of the LSTM that is meant."""
    layouts = {m[1]: TORCH if m[2] else TORCH_CELL for m in _firsts(arrays)}
    kinds = {found: _kind(arrays, found, layout) for found, layout in layouts.items()}
    if prefix is None:
        lstms = [found for found, kind in kinds.items() if kind == "LSTM"]
        meant = lstms or list(kinds)[:1]
    else:
        dotted = prefix if not prefix or prefix.endswith(".") else f"{prefix}."
        meant = [found for found in kinds if found == dotted]
    if not meant:
        raise ValueError(_missing(arrays, kinds, prefix))
    if len(meant) > 1:
        raise ValueError(
            f"holds {len(meant)} LSTMs, expected one: choose with --prefix, one of {_listed(meant)}"
        )
    if kinds[meant[0]] != "LSTM":
        name = _recurrent(meant[0], layouts[meant[0]])
        raise ValueError(
            f"{name} has shape {arrays[name].shape}, that of a {kinds[meant[0]]}, "
            f"expected an LSTM's ({len(LSTM.gates)} * hidden, hidden)"
        )
    return meant[0], layouts[meant[0]]


def _firsts(arrays: Arrays) -> Iterable[re.Match[str]]:
    """Return the first array of each recurrent layer; if a cell shares the prefix, the last."""
    return sorted(filter(None, map(FIRST.fullmatch, arrays)), key=lambda m: m[2] is not None)


def _recurrent(prefix: str, layout: Layout) -> str:
    return f"{prefix}weight_hh" + ("_l0" if layout is TORCH else "")


def _kind(arrays: Arrays, prefix: str, layout: Layout) -> str:
    """Return the kind of network at a prefix, from its gate count.

    An array that does not decide it counts as an LSTM, and the layout then reports the error.
    """
    array = arrays.get(_recurrent(prefix, layout))
    if array is None or array.ndim != 2:
        return "LSTM"
    rows, units = array.shape
    return next((kind for gates, kind in KINDS.items() if rows == gates * units), "LSTM")


def _missing(arrays: Arrays, kinds: Iterable[str], prefix: str | None) -> str:
    """Return a message: there is no LSTM, and what was found instead."""
    if found := list(kinds):
        return f"no LSTM at prefix {prefix!r}, found recurrent layers at {_listed(found)}"
    return f"no LSTM: expected an array weight_ih_l0, alone or at a prefix, found {_listed(arrays)}"


def _own(arrays: Arrays, prefix: str, layout: Layout) -> dict[str, Array]:
    """Return the arrays of the LSTM at a prefix, by their own names; other arrays are left out."""
    beside = {name[len(prefix) :]: a for name, a in arrays.items() if name.startswith(prefix)}
    return {name: array for name, array in beside.items() if OWN[layout].fullmatch(name)}


def _check_finite(native: Arrays) -> None:
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
