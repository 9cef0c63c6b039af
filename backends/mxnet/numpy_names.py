"""Names that NumPy 1.24 and 2.0 removed, and that MXNet needs when it is imported.

MXNet's last releases are older than the removals. The names are restored for the whole process, so
only MXNet's own worker calls this.
"""

from __future__ import annotations

import warnings
from typing import Any, Final

import numpy as np

_NAMES: Final[dict[str, Any]] = {
    "bool": bool,
    "int": int,
    "float": float,
    "complex": complex,
    "object": object,
    "str": str,
    "float_": np.float64,
    "unicode_": np.str_,
    "PZERO": 0.0,
    "NZERO": -0.0,
    "PINF": np.inf,
    "NINF": -np.inf,
    "Inf": np.inf,
    "Infinity": np.inf,
    "infty": np.inf,
    "NaN": np.nan,
    "NAN": np.nan,
    "alltrue": np.all,
    "sometrue": np.any,
    "product": np.prod,
    "cumproduct": np.cumprod,
    "round_": np.round,
    "in1d": getattr(np, "isin", None),
    "trapz": getattr(np, "trapezoid", None),
    "msort": lambda a: np.sort(a, axis=0),
}
_FINANCIAL: Final = ("mirr", "npv", "pmt", "ppmt", "pv", "rate")  # only listed by MXNet, not called


def restore_numpy_names() -> None:
    """Restore the names that this NumPy has removed; do nothing with an older NumPy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # to ask for some of them is deprecated already
        for name, value in {**_NAMES, **dict.fromkeys(_FINANCIAL, _gone)}.items():
            if not hasattr(np, name):
                setattr(np, name, value)


def _gone(*_: object) -> None:
    raise NotImplementedError("NumPy left its financial functions to numpy-financial")
