"""What a diagnosis of one backend goes by: its answers to probes, and what failed beside them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from gateparity.conformance.diagnosis.probes import is_probe, make_probes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateparity.conformance.diagnosis.probes import Probe
    from gateparity.conformance.runs.plan import Plan
    from gateparity.conformance.runs.result import Result


@dataclasses.dataclass(frozen=True)
class Evidence:
    """The probes of a backend, what it declares of its arithmetic, and its results that are wrong.

    `error` says why there is nothing to diagnose, in one line: a probe that raised, or none that
    was answered.
    """

    label: str
    probes: tuple[Probe, ...]
    rounding_model: Mapping[str, float]
    wrong: tuple[Result, ...] = ()
    error: str = ""


def gather_evidence(
    label: str, plan: Plan, results: Sequence[Result], rounding_model: Mapping[str, float]
) -> Evidence:
    """Return what the results of one backend, one for each check and case of a plan, say of it."""
    probes = tuple(make_probes(plan, results))
    wrong = tuple(r for status in ("fail", "error") for r in results if r.status == status)
    raised = [r for r in wrong if r.status == "error" and is_probe(r.key)]
    error = ""
    if raised:
        error = f"{label} can't be diagnosed: {describe_result(raised[0])}"
    elif not probes:
        error = f"{label} answers no probe: {results[0].reason}"
    return Evidence(label, probes, rounding_model, wrong, error)


def describe_result(result: Result) -> str:
    """Return check, case and dtype of a result that is wrong, and the reason."""
    return f"{result.check}, case {result.case}, {result.dtype}: {result.reason}"
