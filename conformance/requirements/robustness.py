"""Checks at the limits: side effects of a call, and unusual sizes, values and dtypes."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING

import numpy as np

from gateparity.conformance.problems.special_values import Spoil
from gateparity.conformance.requirements.answers import COUNTED, answer, forward, gradients
from gateparity.errors import Unsupported
from gateparity.network.batch import INITIAL_STATES, arrays_by_name
from gateparity.network.parameters import fields

if TYPE_CHECKING:
    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.results import Results
    from gateparity.protocol.canonical import Lstm


def purity(lstm: Lstm, case: Case) -> Results:
    """12. Run calls under guard: they change no argument, depend on nothing else, and accept views.

    Raise `Impure`. Gradients are run and compared if there are any.
    """
    guarded, found = lstm.guarded(), {}
    if lstm.differentiates:
        with contextlib.suppress(Unsupported):
            found = gradients(guarded, case)
    return forward(guarded, case) | found


def sizes(lstm: Lstm, case: Case) -> Results:
    """13. Run with sizes of 1, large sizes, no steps, and no sequences."""
    return forward(lstm, case)


def values(lstm: Lstm, case: Case) -> Results:
    """14. Run numbers at the limits: NaN and infinity must come out where they belong.

    On a problem of the array, a NaN stands in each of its arrays in turn.
    """
    return _count_nan(lstm, case) if case.problem else forward(lstm, case)


def dtypes(lstm: Lstm, case: Case) -> Results:
    """15. Run in half precision: results have that dtype, and are as exact as it allows."""
    return answer(lstm, case)


def _count_nan(lstm: Lstm, case: Case) -> Results:
    """Return how many features of y are NaN, at each step of each sequence."""
    found = {}
    for name in _name_floats(case, given="initial_states" not in lstm.lacks):
        spoiled = Spoil({name: math.nan})(case)
        y = lstm.forward(spoiled.config, spoiled.params, spoiled.batch).y
        found[f"{COUNTED} in y, with one in {name}"] = np.isnan(y).sum(-1).astype(y.dtype)
    return found


def _name_floats(case: Case, *, given: bool) -> list[str]:
    left_out = ("lengths",) if given else ("lengths", *INITIAL_STATES)
    return [n for n in (*arrays_by_name(case.batch), *fields(case.params[0])) if n not in left_out]
