"""How numbers are stored in files, by name, and how they become numbers that NumPy has."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from gateparity.network.parameters import Array

# Little-endian. bfloat16, which NumPy lacks, is the upper half of a float32.
STORED: Final = {
    **{f"float{bits}": f"<f{bits // 8}" for bits in (16, 32, 64)},
    **{f"int{bits}": f"<i{bits // 8}" for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": f"<u{bits // 8}" for bits in (8, 16, 32, 64)},
    **{f"complex{bits}": f"<c{bits // 8}" for bits in (64, 128)},
    "bfloat16": "<u2",
    "bool": "?",
}
FLOATS: Final = ("float16", "bfloat16", "float32", "float64")


def widen(stored: Array, dtype: str) -> Array:
    """Return stored numbers at a dtype that is computed with, exactly: a narrow float as float32.

    Others come back as they are, in this machine's order of bytes.
    """
    if dtype == "bfloat16":
        return (stored.astype(np.uint32) << 16).view(np.float32)
    if dtype == "float16":
        return stored.astype(np.float32)
    return stored.astype(stored.dtype.newbyteorder("="), copy=False)


def decode(data: bytes, dtype: str, shape: tuple[int, ...]) -> Array:
    """Return little-endian bytes as an array of numbers that NumPy has, narrow floats widened.

    Raise `ValueError` for a dtype that isn't known, and for another number of bytes.
    """
    if dtype not in STORED:
        raise ValueError(f"its dtype is {dtype!r}, expected one of {', '.join(STORED)}")
    if len(data) != math.prod(shape) * itemsize(dtype):
        raise ValueError(f"damaged: {len(data)} bytes for shape {shape} of {dtype}")
    return widen(np.frombuffer(data, STORED[dtype]), dtype).reshape(shape)


def itemsize(dtype: str) -> int:
    """Return the bytes of one number, 0 for a dtype that isn't known."""
    return np.dtype(STORED[dtype]).itemsize if dtype in STORED else 0
