"""Problems for two live layers: given by the user, or drawn to fit the layers' sizes."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.conformance.problems.case import build_case, draw_for
from gateparity.errors import InputError
from gateparity.network.batch import Batch, from_names
from gateparity.protocol.validation import check_batch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.conformance.problems.case import Case
    from gateparity.network.config import Config
    from gateparity.network.parameters import Parameters

# As many steps as sequences: a layer that takes one for the other computes something, and is named.
_STEPS: Final = 3
_INT32: Final = -(2**31), 2**31 - 1


def draw_problems(config: Config, params: Parameters, *, initial: bool, seed: int) -> list[Case]:
    """Return problems of a config: full sequences, then sequences with lengths.

    Without `initial`, for layers that take no initial states, there is none of these.
    """
    full = _draw("full sequences", config, params, initial=initial, seed=seed)
    lengths = np.array([2, _STEPS, 1], np.int32)
    ragged = _draw("lengths", config, params, initial=initial, seed=seed, lengths=lengths)
    return [full, ragged]


def own_problem(config: Config, params: Parameters, given: Mapping[str, Any], seed: int) -> Case:
    """Return the problem of a user's arrays, by the names x, h_0, c_0 and lengths.

    Arrays of any framework become NumPy's, at the layers' dtype. A state that isn't given is zero,
    and the cotangent is drawn. Raise `InputError` that names an array of a wrong shape.
    """
    arrays = {name: _as_array(name, array, config.dtype) for name, array in given.items()}
    batch = from_names(Batch, arrays)
    try:
        check_batch(batch, config)
    except (TypeError, ValueError) as error:
        raise InputError(f"{error} (x is time-major, (T, B, input))") from error
    _refuse_empty(batch)
    draw = draw_for("given", seed, config.dtype)
    drawn = build_case("given", config, batch.x, draw, params=params, initial=False)
    return dataclasses.replace(drawn, batch=batch)


def with_weights(case: Case, config: Config, params: Parameters) -> Case:
    """Return the same problem for a layer with other weights."""
    return dataclasses.replace(case, config=config, params=params)


def _draw(
    name: str, config: Config, params: Parameters, *, initial: bool, seed: int, lengths: Any = None
) -> Case:
    draw = draw_for(name, seed, config.dtype)
    x = draw((_STEPS, _STEPS, config.input_size), 1.0)
    return build_case(name, config, x, draw, lengths, params=params, initial=initial)


def _as_array(name: str, given: Any, dtype: str) -> Any:
    detach = getattr(given, "detach", None)
    kinds, words = ("iu", "integers") if name == "lengths" else ("fiu", "numbers")
    try:
        array = np.asarray(detach().cpu() if detach else given)  # np.array warns of older protocols
    except Exception as error:
        found = f"{type(given).__module__}.{type(given).__name__}"
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{name} is {found}, expected an array of {words}: {reason}") from error
    if array.dtype.kind not in kinds:
        raise InputError(f"{name} is {array.dtype}, expected an array of {words}")
    if name == "lengths":
        return np.clip(array, *_INT32).astype(np.int32)
    with np.errstate(over="ignore"):
        return array.astype(dtype)


def _refuse_empty(batch: Batch) -> None:
    """Raise `InputError` where nothing would be compared: no numbers, or none that are finite."""
    if not batch.x.size:
        raise InputError(f"x has shape {batch.x.shape}, expected a step and a sequence at least")
    live = np.ones(batch.x.shape[:2], bool)
    if batch.lengths is not None:
        live = np.arange(len(batch.x))[:, None] < batch.lengths
    for name, array in {"x": batch.x[live], **(batch.states or {})}.items():
        bad = array.size - np.count_nonzero(np.isfinite(array))
        if bad:
            raise InputError(
                f"{name if name == 'x' else name + '_0'} holds NaN or infinity in {bad} of "
                f"{array.size} elements at {array.dtype}, expected finite numbers"
            )
