"""What a comparison of two live layers says, in at most 25 lines that begin with the sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateparity.conformance.judgement.confidence import ALLOWED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateparity.conformance.runs.result import Result, Run

LINES: Final = 25  # at most
_WIDTH: Final = 400  # of one line


def describe_live(run: Run) -> str:
    """Return the sentence that says how two layers differ, then where and by how much.

    It is empty if they agree.
    """
    if run.exit_code == 0:
        return ""
    lines = [f"{sentence(run)}.", *_sides(run), *_weights(run), *map(_outcome, _wrong(run))]
    lines += [f"pair: {p.reason}" for p in run.pairs if p.status == "fail" and p.sigmas is not None]
    return "\n".join(line[:_WIDTH] for line in lines[:LINES])


def sentence(run: Run) -> str:
    """Return in one sentence why two layers differ, as far as it is known."""
    if run.explanations:
        return "; ".join(run.explanations.values())
    errors = [result for result in run.results if result.status == "error"]
    if errors:
        return f"{errors[0].backend.label} can't run: {errors[0].reason}"
    pairs = [pair for pair in run.pairs if pair.status == "fail"]
    return f"a and b differ: {pairs[0].reason}" if pairs else "nothing was compared"


def _sides(run: Run) -> Iterator[str]:
    for backend in run.backends:
        own = [r for r in run.results if r.backend.label == backend.label and r.check != "weights"]
        largest = max((r.largest for r in own if r.largest is not None), default=None)
        wrong = sum(r.status != "pass" for r in own)
        error = (
            "" if largest is None else f", largest error {largest:.3g} sigma, {ALLOWED:g} allowed"
        )
        verdict = (
            f"{wrong} of {len(own)} results are wrong" if wrong else "computes its weights right"
        )
        yield f"{backend.label}: {run.versions[backend.label]}: {verdict}{error}"


def _weights(run: Run) -> Iterator[str]:
    for result in run.results:
        if result.check == "weights":
            yield f"weights: {result.reason or 'equal'}"


def _wrong(run: Run) -> list[Result]:
    return [r for r in run.results if r.status in ("fail", "error") and r.check != "weights"]


def _outcome(result: Result) -> str:
    return f"{result.backend.label}, {result.check}, {result.case}: {result.reason}"
