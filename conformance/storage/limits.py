"""Limits for a case in a file: a step or a layer costs time, however few numbers it has."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.errors import InputError
from gateparity.network.config import Config
from gateparity.network.dtypes import DTYPES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gateparity.conformance.problems.case import Case
    from gateparity.network.parameters import Array

_DTYPES: Final = tuple(name for name, dtype in DTYPES.items() if dtype.in_files)
_LIMITS: Final = {
    "steps": 10_000,
    "sequences": 100_000,
    "input_size": 100_000,
    "hidden_size": 100_000,
    "layers": 1000,
}


def make_config(found: Mapping[str, Any]) -> Config:
    """Return the config of these fields. Raise `ValueError` if they are invalid or too large."""
    config = Config(**found)
    if config.dtype not in _DTYPES:
        raise InputError(f"dtype is {config.dtype!r}, expected one of {', '.join(_DTYPES)}")
    _check(dataclasses.asdict(config))
    return config


def check_case(case: Case) -> None:
    """Raise `InputError` for a case that is too large for a file."""
    steps, sequences, _ = case.batch.x.shape
    _check(dataclasses.asdict(case.config) | {"steps": steps, "sequences": sequences})


def plain(array: Array) -> Array:
    """Return the array at a dtype that a file can hold; longdouble becomes float64."""
    return array if array.dtype.name in _DTYPES else array.astype(np.float64)


def _check(sizes: Mapping[str, Any]) -> None:
    for name, limit in _LIMITS.items():
        if sizes.get(name, 0) > limit:
            raise InputError(f"{name} is {sizes[name]}, expected at most {limit}")
