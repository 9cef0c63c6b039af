"""Checks at the limits: side effects of a call, and unusual sizes, values and dtypes."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from gateparity.conformance.requirements.answers import answer, forward, gradients
from gateparity.errors import Unsupported

if TYPE_CHECKING:
    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.results import Results
    from gateparity.protocol.canonical import Lstm


def purity(lstm: Lstm, case: Case) -> Results:
    """12. Run calls under guard: they change no argument, depend on nothing else, and accept views.

    Raise `Impure`. Gradients are run if there are any; other checks compare them.
    """
    guarded = lstm.guarded()
    if lstm.differentiates:
        with contextlib.suppress(Unsupported):
            gradients(guarded, case)
    return forward(guarded, case)


def sizes(lstm: Lstm, case: Case) -> Results:
    """13. Run with sizes of 1, large sizes, no steps, and no sequences."""
    return forward(lstm, case)


def values(lstm: Lstm, case: Case) -> Results:
    """14. Run numbers at the limits: NaN and infinity must come out where they belong."""
    return forward(lstm, case)


def dtypes(lstm: Lstm, case: Case) -> Results:
    """15. Run in half precision: results have that dtype, and are as exact as it allows."""
    return answer(lstm, case)
