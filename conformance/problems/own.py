"""A user's own problem: arrays by name, of a call or of a file, and the values that they expect.

x, h_0, c_0 and lengths go in. cotangent_y, cotangent_h_n and cotangent_c_n are what gradients are
taken with. y, h_n, c_n, d_x, d_h_0, d_c_0 and d_NAME, for each array NAME of the weights in
PyTorch's spelling, are expected values.
"""

from __future__ import annotations

import dataclasses
import io
import zipfile
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.conformance.problems.case import Case, output_shapes
from gateparity.errors import InputError, printable, suggest
from gateparity.files import read_bytes
from gateparity.layouts import TORCH
from gateparity.network.batch import FINAL_STATES, INITIAL_STATES, state_shape
from gateparity.network.parameters import check_array

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Parameters

    Arrays = Mapping[str, Array]

GIVEN: Final = ("x", *INITIAL_STATES, "lengths")
_OUTPUTS: Final = ("y", *FINAL_STATES)
_COTANGENTS: Final = tuple(f"cotangent_{name}" for name in _OUTPUTS)
_GRADIENTS: Final = ("d_x", *(f"d_{name}" for name in INITIAL_STATES))


@dataclasses.dataclass(frozen=True)
class OwnProblem:
    """A case from a user's arrays. `expected` are those that they expect, by the suite's names."""

    case: Case
    expected: Arrays


def make_problem(
    config: Config, params: Parameters, arrays: Arrays, *, name: str = "given", seed: int = 0
) -> OwnProblem:
    """Return the problem of an LSTM with these arrays.

    Cotangents that aren't given are zero if others are, and else drawn from `seed`. Raise
    `InputError` for an array that is missing, unknown, of a wrong shape or dtype or not finite, and
    for expected gradients without a cotangent.
    """
    named = _expected_shapes(config)
    for array in arrays:
        if array not in (*GIVEN, *_COTANGENTS, *_OUTPUTS, *named):
            known = (*GIVEN, *_COTANGENTS, *_OUTPUTS, *named)
            hint = suggest(array, known)
            raise InputError(f"array {array!r} is unknown{hint}: expected some of {_listed(known)}")
    if "x" not in arrays:
        raise InputError(f"there is no array x among {_listed(sorted(arrays))}, expected one")
    given = {n: np.asarray(arrays[n]) for n in (*GIVEN, *_COTANGENTS) if n in arrays}
    wanted = [array for array in arrays if array.startswith("d_")]
    if wanted and not any(cotangent in given for cotangent in _COTANGENTS):
        raise InputError(f"{wanted[0]} is expected without a cotangent, such as cotangent_y")
    _refuse_not_finite(arrays)
    case = Case.from_arrays(config, params, **given, name=name, seed=seed)
    values = {n: array for n, array in arrays.items() if n in _OUTPUTS or n in named}
    return OwnProblem(case, expected_values(case, values))


def expected_values(case: Case, arrays: Arrays) -> dict[str, Array]:
    """Return the values that a user expects of a problem, under the names that checks give them.

    Raise `InputError` for an unknown name, and for a wrong shape or dtype.
    """
    known = (*_OUTPUTS, *_expected_shapes(case.config))
    for name in arrays:
        if name not in known:
            hint = suggest(name, known)
            raise InputError(f"expected array {name!r} is unknown{hint}: one of {_listed(known)}")
    try:
        return _expected(case.config, case, arrays)
    except (TypeError, ValueError) as error:
        raise InputError(str(error)) from error


def read_problem(path: Path, config: Config, params: Parameters, seed: int) -> OwnProblem:
    """Return the problem in a .npz or .safetensors file. Raise `InputError` with the file's name.

    Nothing in the file is ever run: arrays of Python objects are refused.
    """
    data = read_bytes(path, "a problem")
    try:
        return make_problem(config, params, _read_arrays(path, data), name=path.stem, seed=seed)
    except InputError as error:
        raise InputError(printable(f"{path}: {error}")) from error


def _read_arrays(path: Path, data: bytes) -> dict[str, Array]:
    if data[:2] == b"PK":
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as held:
                return {name: held[name] for name in held.files}
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise InputError(f"damaged .npz: {error}") from error
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(sorted(load(data).items()))  # they have another order each time
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"neither .npz nor .safetensors ({error}): {path.suffix}") from error


def _expected_shapes(config: Config) -> dict[str, tuple[int, ...]]:
    """Return the names of gradients: of x and states, and of the weights in PyTorch's spelling."""
    weights = {f"d_{name}": shape for name, shape in TORCH.shapes(config).items()}
    return dict.fromkeys(_GRADIENTS, ()) | weights


def _expected(config: Config, case: Case, arrays: Arrays) -> dict[str, Array]:
    """Return the expected arrays, under the names that checks give them."""
    shapes = output_shapes(config, case.batch) | {"d_x": case.batch.x.shape}
    shapes |= {f"d_{name}": state_shape(config, case.batch) for name in INITIAL_STATES}
    found = {name: np.asarray(arrays[name]) for name in shapes if name in arrays}
    for name, array in found.items():
        check_array(name, array, shapes[name], config.dtype)
    return found | _weight_gradients(config, arrays)


def _weight_gradients(config: Config, arrays: Arrays) -> dict[str, Array]:
    """Return the gradients that are named as PyTorch names weights, as checks name them."""
    found = {}
    for native in TORCH.native_arrays(config):
        if (name := f"d_{native.name}") in arrays:
            array = np.asarray(arrays[name])
            check_array(name, array, native.shape, config.dtype)
            reverse = ", reverse" if native.where[0].start else ""
            field = native.contents.fields[0]
            found[f"d_{field} of layer {native.layer}{reverse}"] = native.unpack(array)[0]
    return found


def _refuse_not_finite(arrays: Arrays) -> None:
    for name, array in arrays.items():
        plain: Any = np.asarray(array)
        if plain.dtype.kind == "f" and not np.isfinite(plain).all():
            bad = plain.size - np.count_nonzero(np.isfinite(plain))
            raise InputError(f"{name} holds NaN or infinity in {bad} of {plain.size} elements")


def _listed(names: Any) -> str:
    return ", ".join(names)
