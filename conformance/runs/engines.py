"""What a named engine excuses in an adapter that gateparity doesn't ship.

Of its engine's known deviations an adapter inherits those of the arithmetic alone. Even there an
answer is excused only if it is right about the numbers as the engine takes them, so a mistake that
shows in the same case stays a failure.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.conformance.judgement.deviations import find_engine_deviations
from gateparity.conformance.judgement.verdict import passes
from gateparity.conformance.runs.judging import expect_deviating

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateparity.conformance.judgement.deviations import Deviation
    from gateparity.conformance.requirements.task import Task
    from gateparity.conformance.runs.result import Result
    from gateparity.conformance.runs.truths import Truths


def weigh_engine(
    result: Result,
    task: Task,
    truths: Truths,
    rounding_model: Mapping[str, float],
    manifest: Mapping[str, str],
) -> Result:
    """Return a failure as known where the engine that `manifest` names explains it.

    If no engine is named, the reason suggests those that would explain it.
    """
    if result.backend.shipped or result.status != "fail" or result.arrays is None:
        return result
    engine = manifest.get("engine", "")
    explaining = [
        known
        for known in find_engine_deviations(task.case, manifest)
        if passes(
            result.arrays,
            expect_deviating(task, [known], truths, rounding_model, result.lacks),
        )
    ]
    for known in explaining:
        if known.framework == engine:
            reason = f"{known.reason}: {known.link}"
            return dataclasses.replace(result, status="known", reason=reason)
    if engine or not explaining:
        return result
    return dataclasses.replace(result, reason=f"{result.reason}; {_suggest(explaining)}")


def _suggest(explaining: Sequence[Deviation]) -> str:
    titles = _either([FRAMEWORKS[known.framework].title for known in explaining])
    names = _either([f'"{known.framework}"' for known in explaining])
    return (
        f"{explaining[0].reason}, and this is exactly that: if {titles} computes it, name it in "
        f"the adapter, engine = {names} (docs/adapters.md)"
    )


def _either(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)
