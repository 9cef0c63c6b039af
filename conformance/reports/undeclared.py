"""What a backend of the user's couldn't do in a call, and the key of `unsupported` that says so.

A key is suggested only where nothing else explains it: every case that erred in one way needs it,
and no case that needs it was computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateparity.conformance.runs.result import Result, Run


def describe_place(results: Sequence[Result]) -> str:
    """Return the checks of results that have one reason; the first case if they are undeclared."""
    checks = ", ".join(dict.fromkeys(result.check for result in results))
    first = results[0]
    if not first.undeclared:
        return checks
    case = f"{first.case}, {first.dtype}"
    return f"{checks} ({case})" if len(results) == 1 else f"{checks} (first: {case})"


def suggest_keys(run: Run, results: Sequence[Result]) -> str:
    """Return how to declare what results of one reason couldn't do, or nothing."""
    first = results[0]
    if first.backend.shipped or not first.undeclared:
        return ""
    shared = set.intersection(*(set(result.needs) for result in results))
    computed = [
        r.needs for r in run.results if r.backend == first.backend and r.max_error is not None
    ]
    keys = [key for key in first.needs if key in shared.difference(*computed)]
    if not keys:
        return ""
    declarations = " or ".join(f'{{"{key}": "why"}}' for key in keys)
    kind = "that holds for all cases" if first.status == "skip" else "it can't do that"
    return f": if {kind}, declare unsupported = {declarations}"
