"""A diagnosis in words on a terminal, and as plain data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from rich.markup import escape

from gateparity.conformance.diagnosis.evidence import describe_result
from gateparity.conformance.reports.console import print_line

if TYPE_CHECKING:
    from rich.console import Console

    from gateparity.conformance.diagnosis.evidence import Evidence
    from gateparity.conformance.diagnosis.search import Diagnosis

_NEAREST: Final = 5  # of those ruled out, in words


def print_diagnosis(evidence: Evidence, diagnosis: Diagnosis, console: Console) -> None:
    """Print what differs, what it behaves like, and what was ruled out."""
    label, count, differing = escape(evidence.label), len(diagnosis.probes), diagnosis.differing
    if differing:
        names = ", ".join(f"{p.check.name} of {p.case.name}" for p in differing)
        words = f"differs in {len(differing)} of {count} probes: {names}"
        print_line(f"[bold red]{label}[/] {words}", console)
        print_line(f"  [bold]{escape(diagnosis.words)}[/]", console)
    elif evidence.wrong:
        words = f"shows no difference in {count} probes, but fails a check"
        print_line(f"[bold red]{label}[/] {words}", console)
        print_line(f"  {escape(describe_result(evidence.wrong[0]))}", console)
    else:
        print_line(f"[green]{label}[/] agrees with the truth in {count} of {count} probes", console)
    if differing and not diagnosis.unsteady:
        print_line(f"  {escape(_ruled_out(diagnosis))}", console)


def diagnosis_json(evidence: Evidence, diagnosis: Diagnosis) -> dict[str, Any]:
    """Return a diagnosis as plain data; a distance that isn't finite is null."""
    return {
        "probes": [list(probe.key) for probe in diagnosis.probes],
        "differing": [list(probe.key) for probe in diagnosis.differing],
        "failing": [[*result.key, result.reason] for result in evidence.wrong],
        "words": diagnosis.words,
        "explanations": [[m.name for m in mistakes] for mistakes in diagnosis.explanations],
        "ruled_out": [
            {"name": m.name, "sigmas": d if math.isfinite(d) else None}
            for m, d in diagnosis.ruled_out
        ],
    }


def _ruled_out(diagnosis: Diagnosis) -> str:
    nearest = [f"{m.name} ({_words(d)})" for m, d in diagnosis.nearest[:_NEAREST]]
    near = f"; the nearest: {'; '.join(nearest)}" if nearest else ", and none of them is near"
    return f"Ruled out: {len(diagnosis.ruled_out)}{near}"


def _words(distance: float) -> str:
    return f"{distance:.0e} sigma" if math.isfinite(distance) else "not finite"
