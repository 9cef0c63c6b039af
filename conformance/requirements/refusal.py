"""The check that wrong arguments are refused by name: an array that is accepted in the wrong shape
gives a wrong result later.

Each attempt spoils one argument of a valid case. Refusal happens before an adapter sees it.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from gateparity.errors import Unsupported
from gateparity.network.batch import arrays_by_name, replace_arrays

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.results import Results
    from gateparity.protocol.canonical import Lstm

    Attempts = dict[tuple[str, str], Case]  # an argument and what is wrong with it: the case


def refusal(lstm: Lstm, case: Case) -> Results:
    """16. Refuse what doesn't fit the config, by a ValueError or TypeError that names it.

    Return one array for each attempt: 1 if every method refuses the argument so, else 0.
    """
    attempts = _wrong_batches(case) | _wrong_parameters(case) | _wrong_cotangents(case)
    return {
        f"{argument} {fault}": np.array([_is_refused(lstm, argument, spoilt)], case.config.dtype)
        for (argument, fault), spoilt in attempts.items()
    }


def _is_refused(lstm: Lstm, argument: str, case: Case) -> bool:
    inputs = case.config, case.params, case.batch
    calls: list[Callable[[], Any]] = [lambda: lstm.gradients(*inputs, case.cotangent)]
    if argument not in arrays_by_name(case.cotangent):
        calls += [lambda: lstm.forward(*inputs), lambda: lstm.gates(*inputs)]
    return all(_refuses(call, argument) for call in calls)


def _refuses(call: Callable[[], Any], argument: str) -> bool:
    try:
        call()
    except Exception as error:  # noqa: BLE001  whatever else is raised is an accident
        refused = isinstance(error, (ValueError, TypeError)) and not isinstance(error, Unsupported)
        return refused and argument in str(error)
    return False


def _wrong_batches(case: Case) -> Attempts:
    x, states = case.batch.x, case.cotangent.states  # also where the batch has none
    h_0, c_0 = states["h"], states["c"]
    (steps, size, _), other = x.shape, _other_dtype(case)
    wrong: dict[tuple[str, str], Any] = {
        ("x", "of another size"): x[..., :-1],
        ("x", "with steps and sequences in one axis"): x.reshape(-1, x.shape[-1]),
        ("x", "of another dtype"): x.astype(other),
        ("x", "of integers"): np.zeros(x.shape, int),
        ("x", "as a list"): x.tolist(),
        ("h_0", "of another batch"): h_0[:, :-1],
        ("h_0", "of another dtype"): h_0.astype(other),
        ("c_0", "of too few cells"): c_0[:-1],
        ("c_0", "as a list"): c_0.tolist(),
        ("lengths", "below zero"): np.full(size, -1),
        ("lengths", "past the end"): np.full(size, steps + 1),
        ("lengths", "of another batch"): np.full(size + 1, steps),
        ("lengths", "as floats"): np.full(size, steps, x.dtype),
        ("lengths", "as a list"): [steps] * size,
    }
    return {
        key: dataclasses.replace(case, batch=replace_arrays(case.batch, **{key[0]: value}))
        for key, value in wrong.items()
    }


def _wrong_parameters(case: Case) -> Attempts:
    first, *others = case.params
    wrong: dict[tuple[str, str], Any] = {
        ("w_ih", "of another size"): first.w_ih[..., :-1],
        ("w_ih", "of another dtype"): first.w_ih.astype(_other_dtype(case)),
        ("w_hh", "with its gates in one axis"): first.w_hh.reshape(-1, first.w_hh.shape[-1]),
        ("w_hh", "left out"): None,
        ("b_hh", "in one place only"): first.w_hh[..., 0] if first.b_hh is None else None,
    }
    cells = {
        ("cells", "one too few"): case.params[:-1],
        ("cells", "one too many"): (*case.params, first),
    } | {
        key: (dataclasses.replace(first, **{key[0]: value}), *others)
        for key, value in wrong.items()
    }
    return {key: dataclasses.replace(case, params=params) for key, params in cells.items()}


def _wrong_cotangents(case: Case) -> Attempts:
    cotangents = case.cotangent
    wrong = {
        ("y", "of another size"): cotangents.y[..., :-1],
        ("h_n", "of another dtype"): cotangents.states["h"].astype(_other_dtype(case)),
        ("c_n", "of another size"): cotangents.states["c"][..., :-1],
    }
    return {
        key: dataclasses.replace(case, cotangent=replace_arrays(cotangents, **{key[0]: value}))
        for key, value in wrong.items()
    }


def _other_dtype(case: Case) -> str:
    """Return a dtype that is neither the case's nor the reference's."""
    return "float16" if case.config.dtype == "float32" else "float32"
