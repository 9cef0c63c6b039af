"""The dtypes that an LSTM may have, as one table: what depends on a dtype is a column here.

To add a dtype, add a line. Configs, adapters' features, the suite's cases, files and the wire
follow from it.
"""

from __future__ import annotations

import dataclasses
from typing import Final, Literal

import numpy as np


@dataclasses.dataclass(frozen=True)
class Dtype:
    """One dtype, and everything that the project has to know about it.

    `name` is NumPy's. `digits` are the decimal digits that tell every number from its neighbours.
    `reference` is the dtype of the reference that judges it. `drawn_as` is the dtype whose random
    rounding gives its budget, which is scaled by the two units roundoff; None if nothing is judged
    at this dtype. `in_suite` means that checks run at it unless they name dtypes of their own.

    `feature` is the key of `unsupported` by which an adapter declares that it lacks the dtype, and
    `lengths_feature` that it lacks lengths at this dtype; both are "" where it can't say so.
    `in_files` is the name in the safetensors format, or "" if no file holds such arrays.
    """

    name: str
    digits: int
    reference: str
    drawn_as: Literal["float16", "float32"] | None = None
    in_suite: bool = False
    feature: str = ""
    lengths_feature: str = ""
    in_files: str = ""

    @property
    def unit_roundoff(self) -> float:
        """Return the largest relative error of one rounding to nearest."""
        return float(np.finfo(self.name).eps) / 2


DTYPES: Final = {
    dtype.name: dtype
    for dtype in (
        Dtype("float16", 5, "float64", "float16", feature="float16", in_files="F16"),
        Dtype("float32", 9, "float64", "float32", in_suite=True, in_files="F32"),
        Dtype(
            "float64",
            17,
            "longdouble",
            "float32",  # draws are float64 numbers, with no digits left for float64's own errors
            in_suite=True,
            feature="float64",
            lengths_feature="lengths_float64",
            in_files="F64",
        ),
        Dtype("longdouble", 17, "float64"),  # the reference's own; printed as a float64
    )
}
SUITE_DTYPES: Final = tuple(name for name, dtype in DTYPES.items() if dtype.in_suite)
JUDGED_DTYPES: Final = tuple(name for name, dtype in DTYPES.items() if dtype.drawn_as)
FILE_DTYPES: Final = {  # as safetensors has them, little-endian
    dtype.in_files: np.dtype(name).newbyteorder("<").str
    for name, dtype in DTYPES.items()
    if dtype.in_files
}
KINDS: Final = frozenset(np.dtype(name).kind for name in DTYPES)  # NumPy's letters for them


def unit_roundoff(dtype: str) -> float:
    """Return the largest relative error of one rounding to nearest, at the dtype of this name."""
    return DTYPES[dtype].unit_roundoff


def count_digits(dtype: object) -> int:
    """Return how many digits tell every number of a dtype from the next."""
    known = DTYPES.get(str(dtype))  # NumPy calls longdouble float128 on some machines
    return known.digits if known else DTYPES["longdouble"].digits
