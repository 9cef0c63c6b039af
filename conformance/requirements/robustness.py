"""Checks at the edges: what a call may touch, and sizes, values and dtypes out of the ordinary."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from gateparity.adapter import Unsupported
from gateparity.conformance.requirements.answers import answer, forward, gradients

if TYPE_CHECKING:
    from gateparity.canonical import Lstm
    from gateparity.conformance.cases import Case
    from gateparity.conformance.requirements.checks import Results


def purity(lstm: Lstm, case: Case) -> Results:
    """12. A call changes nothing that it is given, and depends on nothing else; views will do.

    Raises `Impure`. Gradients are called where there are any, and compared by other checks.
    """
    guarded = lstm.guarded()
    if lstm.differentiates:
        with contextlib.suppress(Unsupported):
            gradients(guarded, case)
    return forward(guarded, case)


def sizes(lstm: Lstm, case: Case) -> Results:
    """13. Every size may be 1, or large; of no steps or no sequences the answer is empty."""
    return forward(lstm, case)


def values(lstm: Lstm, case: Case) -> Results:
    """14. Numbers at the limits: NaN and infinity come out where they must, and nowhere else."""
    return forward(lstm, case)


def dtypes(lstm: Lstm, case: Case) -> Results:
    """15. Half precision comes in and goes out, and is as exact as half precision can be."""
    return answer(lstm, case)
