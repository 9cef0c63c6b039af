"""Measured ratios beside their targets, and the reason where one is missed."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from gateparity.conformance.bench.targets import find_reason, find_target, judge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateparity.conformance.bench.measure import Bench, Timing
    from gateparity.conformance.bench.statistics import Spread
    from gateparity.conformance.bench.targets import Kind, Verdict


KINDS: Final[dict[Kind, str]] = {"framework": "to the framework's layer", "own": "own cost"}
_UNCLEAR: Final = (
    "a quarter of the rounds met it: the machine is too busy to tell, or --seconds more"
)
_UNKNOWN: Final = "no reason is known"


@dataclasses.dataclass(frozen=True)
class Judged:
    """One ratio beside its target."""

    timing: Timing
    kind: Kind
    ratio: Spread
    target: float
    verdict: Verdict

    @property
    def reason(self) -> str:
        """Return why the target isn't met, or an empty text if it is."""
        if self.verdict == "met":
            return ""
        where = (self.timing.label, self.timing.operation, self.timing.size, self.kind)
        return find_reason(*where) or (_UNCLEAR if self.verdict == "unclear" else _UNKNOWN)


def judge_all(bench: Bench) -> list[Judged]:
    """Judge every ratio that has a target."""
    return [judged for timing in bench.timings for judged in judge_timing(timing)]


def judge_timing(timing: Timing) -> Iterator[Judged]:
    """Yield each ratio of a timing that has a target."""
    for kind in KINDS:
        found = getattr(timing, kind)
        target = find_target(timing.label, timing.operation, kind)
        if found is not None and target is not None:
            yield Judged(timing, kind, found, target, judge(found, target))
