"""The LSTM in a PyTorch checkpoint, read from an untrusted file.

Nothing is unpickled on this side: safetensors is read here, and what torch.save wrote goes to
PyTorch's own worker. The members of a zip archive are checked here first, so that unpacking can't
make it larger; the worker checks the sizes of a file from before 1.6. Content decides what a file
is; its extension is often wrong.
"""

from __future__ import annotations

import io
import itertools
import re
import struct
import zipfile
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.backends.checkpoints.model_formats import name_archive, name_format
from gateparity.backends.torch.legacy import MAGIC as LEGACY_MAGIC
from gateparity.errors import InputError, printable
from gateparity.files import read_bytes
from gateparity.layouts.torch import TORCH, TORCH_CELL
from gateparity.packing.infer import infer_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Parameters
    from gateparity.packing.layout import Layout

    Arrays = Mapping[str, Array]

ZIP_MAGIC: Final = b"PK\x03\x04"
ZIP_ERRORS: Final = (  # what zipfile raises at damaged archives
    zipfile.BadZipFile,
    EOFError,
    OSError,
    OverflowError,
    RuntimeError,  # a member that is said to be encrypted, or packed in a way that isn't known
    ValueError,
    struct.error,
)
EXPECTED: Final = "expected a state_dict that torch.save wrote, or safetensors"
FIRST: Final = re.compile(r"((?:.*\.)?)weight_ih(_l0)?", re.DOTALL)
OWN: Final = {
    TORCH: re.compile(r"(weight|bias)_(ih|hh|hr)_l[0-9]+(_reverse)?"),
    TORCH_CELL: re.compile(r"(weight|bias)_(ih|hh)"),
}
KINDS: Final = {4: "LSTM", 3: "GRU", 1: "plain RNN"}  # by the gates stacked in weight_hh
SHOWN: Final = 8  # names that an error lists

# https://huggingface.co/docs/safetensors: little-endian; how it lies there, what it becomes here.
# bfloat16, which NumPy lacks, is the upper half of a float32.
DTYPES: Final = {
    "F16": ("<f2", "float32"),
    "BF16": ("<u2", "float32"),
    "F32": ("<f4", "float32"),
    "F64": ("<f8", "float64"),
}


def read_checkpoint(
    path: Path, prefix: str | None, load_torch: Callable[[bytes], dict[str, Array]]
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
        arrays = _read(data, load_torch)
        chosen, layout = _choose(arrays, prefix)
        where += f", prefix {chosen!r}" if chosen else ""
        native = _own(arrays, chosen, layout)
        config = infer_config(layout, native)
        params = layout.unpack(native, config)
        _check_finite(native)
    except ValueError as error:
        raise InputError(printable(f"{where}: {error}")) from error
    return config, params


def _read(data: bytes, load_torch: Callable[[bytes], dict[str, Array]]) -> Arrays:
    if data.startswith(ZIP_MAGIC):
        _check_zip(data)
    elif not data.startswith(LEGACY_MAGIC):
        return _read_safetensors(data)
    return load_torch(data)


def _check_zip(data: bytes) -> None:
    """Raise `ValueError` for a compressed archive: torch.save stores its members uncompressed."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except ZIP_ERRORS as error:
        raise ValueError(f"a damaged or truncated file of torch.save: {error}") from None
    if kind := name_archive({member.filename for member in members}):
        raise ValueError(f"{kind}, {EXPECTED}")
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
            raise ValueError(
                f"{member.filename} is compressed in it, and torch.save compresses nothing"
            )
    total = sum(member.file_size for member in members)
    if total > len(data):
        raise ValueError(f"its members declare {total} bytes, more than the file's {len(data)}")
    if any(member.CRC for member in members):  # set_crc32_options(False) leaves them all at 0
        _check_crcs(data)


def _check_crcs(data: bytes) -> None:
    """Refuse a member whose checksum isn't that of its contents: PyTorch itself compares none."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            damaged = archive.testzip()
    except ZIP_ERRORS as error:
        raise ValueError(f"a damaged or truncated file of torch.save: {error}") from None
    if damaged is not None:
        raise ValueError(f"a damaged file of torch.save: {damaged} has another checksum (CRC)")


def _read_safetensors(data: bytes) -> Arrays:
    from safetensors import SafetensorError, deserialize

    try:
        found = deserialize(data)  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        if kind := name_format(data):
            raise ValueError(f"{kind}, {EXPECTED}") from None
        reason = str(error).removeprefix("Error while deserializing: ")
        if data[8:9] == b"{":  # behind the length of the header
            raise ValueError(f"damaged or truncated safetensors: {reason}") from None
        raise ValueError(f"a file of another kind ({reason}), {EXPECTED}") from None
    return {name: _decode(held) for name, held in found if held["dtype"] in DTYPES}


def _decode(held: Mapping[str, Any]) -> Array:
    stored, dtype = DTYPES[held["dtype"]]
    flat: Array = np.frombuffer(held["data"], stored)
    if held["dtype"] == "BF16":
        flat = (flat.astype(np.uint32) << 16).view(np.float32)
    return flat.astype(dtype, copy=False).reshape(held["shape"])


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
            "expected an LSTM's (4 * hidden, hidden)"
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
