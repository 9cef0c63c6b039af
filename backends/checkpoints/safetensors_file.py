"""The safetensors format: the length of a header, the header as JSON, and the arrays' bytes.

It has no magic number, so a file that no other format matches is read as safetensors, and the
reader reports what is wrong. Source: https://huggingface.co/docs/safetensors.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.backends.checkpoints.format import Arrays, Format, LoadTorch, OtherKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.network.parameters import Array

HEADER: Final = re.compile(rb".{4}\0{4}\s*\{", re.DOTALL)  # its length, below 4 GB; its start
# How an element is stored, little-endian, and the dtype that it gets here.
# bfloat16, which NumPy lacks, is the upper half of a float32.
DTYPES: Final = {
    "F16": ("<f2", "float32"),
    "BF16": ("<u2", "float32"),
    "F32": ("<f4", "float32"),
    "F64": ("<f8", "float64"),
}


def begins_safetensors(data: bytes) -> bool:
    """Return whether data begins with the length of a header and a header, as safetensors do."""
    return bool(HEADER.match(data))


def _read(data: bytes, _: LoadTorch) -> Arrays:
    from safetensors import SafetensorError, deserialize

    try:
        found = deserialize(data)  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        reason = str(error).removeprefix("Error while deserializing: ")
        if data[8:9] == b"{":  # behind the length of the header
            raise ValueError(f"damaged or truncated safetensors: {reason}") from None
        raise OtherKind(f"a file of another kind ({reason})") from None
    return {name: _decode(held) for name, held in found if held["dtype"] in DTYPES}


def _decode(held: Mapping[str, Any]) -> Array:
    stored, dtype = DTYPES[held["dtype"]]
    flat: Array = np.frombuffer(held["data"], stored)
    if held["dtype"] == "BF16":
        flat = (flat.astype(np.uint32) << 16).view(np.float32)
    return flat.astype(dtype, copy=False).reshape(held["shape"])


FORMATS: Final = (Format("safetensors", lambda _: True, _read, ".safetensors", order=2),)
