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
    array = np.array(detach().cpu() if detach else given)
    kind = "iu" if name == "lengths" else "fiu"
    if array.dtype.kind not in kind:
        raise InputError(f"{name} is {array.dtype}, expected an array of numbers")
    if name == "lengths":
        return array.astype(np.int32)
    return array.astype(dtype)
