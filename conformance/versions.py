"""Changes between two versions of one framework: equal bit for bit, or within rounding.

An example is `jax:scratch@0.9.2` beside `jax:scratch`. A check's results are equal bit for bit if
every byte of every array is, in all cases and dtypes that both computed.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING

from gateparity.conformance.bits import other_bits
from gateparity.conformance.requirements.answers import comparable
from gateparity.conformance.verdict import ALLOWED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateparity.backends.spec import Backend
    from gateparity.conformance.result import Result

    Distance = Callable[[Result, Result], float]


@dataclasses.dataclass(frozen=True)
class Change:
    """Two backends of one framework and variant, compared check by check.

    `equal` are the checks with equal bits. `differing` are the others, each with the largest
    difference in standard deviations of the rounding of both.
    """

    a: str
    b: str
    equal: tuple[str, ...]
    differing: dict[str, float]


def find_changes(
    rows: Sequence[Backend], results: Sequence[Result], distance: Distance
) -> list[Change]:
    """Compare every two backends that differ only in where they run, in what both computed.

    `distance` returns how far apart two results are, in standard deviations.
    """
    answered = [r for r in results if r.arrays is not None and r.status != "known"]
    found = {(r.row.label, *r.key): r for r in answered}
    changes = [
        _compare(a.label, b.label, found, distance)
        for a, b in itertools.combinations(rows, 2)
        if a.shipped and b.shipped and (a.framework, a.variant) == (b.framework, b.variant)
    ]
    return [change for change in changes if change.equal or change.differing]


def describe_change(change: Change) -> str:
    """Return a change as one line: equal bit for bit, equal within rounding, or different."""
    within = {check: s for check, s in change.differing.items() if s <= ALLOWED}
    beyond = {check: s for check, s in change.differing.items() if not s <= ALLOWED}
    parts = [
        f"{words} {', '.join(checks)}"
        for words, checks in (
            ("bit for bit equal in", change.equal),
            ("equal within rounding in", _with_sigmas(within)),
            ("different in", _with_sigmas(beyond)),
        )
        if checks
    ]
    return f"{change.a} and {change.b}: {'; '.join(parts)}"


def _compare(
    a: str, b: str, found: dict[tuple[str, str, str, str], Result], distance: Distance
) -> Change:
    equal: dict[str, bool] = {}
    far: dict[str, float] = {}
    for (label, check, case, dtype), one in found.items():
        other = found.get((b, check, case, dtype)) if label == a else None
        if other is None:
            continue
        same = not other_bits(*comparable(one.arrays or {}, other.arrays or {}))
        equal[check] = equal.get(check, True) and same
        if not same:
            far[check] = max(far.get(check, 0.0), distance(one, other))
    return Change(a, b, tuple(check for check, same in equal.items() if same), far)


def _with_sigmas(checks: dict[str, float]) -> list[str]:
    return [f"{check} ({sigmas:.1f} sigma)" for check, sigmas in checks.items()]
