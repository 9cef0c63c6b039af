"""Numbers as files store them, as arrays of NumPy: narrow floats widened, exactly."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from gateparity.network.parameters import Array

WIDENED: Final = {"float16": "<f4", "bfloat16": "<f4"}


def decode(data: bytes, dtype: str, shape: tuple[int, ...]) -> Array:
    """Return little-endian bytes as an array; float16 and bfloat16 become float32.

    Raise `ValueError` for a dtype that NumPy doesn't know, and for another number of bytes.
    """
    stored = "<u2" if dtype == "bfloat16" else dtype
    try:
        of = np.dtype(stored).newbyteorder("<")
    except TypeError:
        raise ValueError(f"its dtype is {dtype!r}, expected one of NumPy's") from None
    if of.kind not in "fiub" or math.prod(shape) * of.itemsize != len(data):
        raise ValueError(f"damaged: {len(data)} bytes for shape {shape} of {dtype}")
    flat: Array = np.frombuffer(data, of)
    if dtype == "bfloat16":  # the upper half of a float32
        flat = (flat.astype(np.uint32) << 16).view(np.float32)
    return flat.astype(WIDENED.get(dtype, of.newbyteorder("=")), copy=False).reshape(shape)


def itemsize(dtype: str) -> int:
    """Return the bytes of one number, 0 for a dtype that NumPy doesn't know."""
    try:
        return np.dtype("<u2" if dtype == "bfloat16" else dtype).itemsize
    except TypeError:
        return 0
