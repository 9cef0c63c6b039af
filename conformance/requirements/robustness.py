"""Checks at the limits: side effects of a call, and unusual sizes, values and dtypes."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING

from gateparity.conformance.problems.special_values import Spoil
from gateparity.conformance.requirements.answers import answer, forward, gradients, label
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
    return _spoil_in_turn(lstm, case) if case.problem else forward(lstm, case)


def dtypes(lstm: Lstm, case: Case) -> Results:
    """15. Run in half precision: results have that dtype, and are as exact as it allows."""
    return answer(lstm, case)


def _spoil_in_turn(lstm: Lstm, case: Case) -> Results:
    """Return the outputs with a NaN in each array in turn.

    What the NaN doesn't reach is as it is without one.
    """
    found: Results = {}
    for name in _name_floats(case, given="initial_states" not in lstm.lacks):
        found |= label(forward(lstm, Spoil({name: math.nan})(case)), f"with a NaN in {name}")
    return found


def _name_floats(case: Case, *, given: bool) -> list[str]:
    left_out = ("lengths",) if given else ("lengths", *INITIAL_STATES)
    return [n for n in (*arrays_by_name(case.batch), *fields(case.params[0])) if n not in left_out]
