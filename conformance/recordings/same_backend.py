"""One backend in two recordings: equal to the last bit, within rounding, or beyond, and why.

Two entries are one backend if framework and variant are the same. Their versions may differ; that
is then one of the differing lines.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Literal

from gateparity.conformance.judgement.differences import difference, in_sigmas, other_bits
from gateparity.conformance.judgement.divergence import locate
from gateparity.conformance.requirements.answers import comparable
from gateparity.conformance.runs.pairs import coarser
from gateparity.network.dtypes import count_digits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gateparity.backends.backend import Backend
    from gateparity.conformance.judgement.verdict import Expected
    from gateparity.conformance.requirements.results import Results
    from gateparity.conformance.runs.plan import Plan
    from gateparity.conformance.runs.result import Result, Run
    from gateparity.conformance.runs.truths import Truths

    Alike = Literal["same bits", "within rounding", "beyond rounding", "not compared"]


@dataclasses.dataclass(frozen=True)
class SameBackend:
    """One backend in two recordings at one dtype; `same_bits` of `compared` results are identical.

    `sigmas` is the largest difference in standard deviations of rounding, or None if everything
    compared is known to deviate. `first` is where bits differ first, empty if they don't.
    """

    a: str
    b: str
    dtype: str
    alike: Alike
    compared: int
    same_bits: int
    sigmas: float | None
    first: str


@dataclasses.dataclass(frozen=True)
class ManifestDifference:
    """A line of the manifest in which two recordings differ, and the backends that it concerns."""

    name: str
    a: str
    b: str
    value_a: str
    value_b: str
    backends: tuple[str, ...]


def compare_twins(
    groups: Sequence[Sequence[Backend]], run: Run, plan: Plan, truths: Truths
) -> Iterator[SameBackend]:
    """Yield the comparison of every backend that two of the groups have, at each dtype."""
    answers = {(result.backend.label, result.key): result for result in run.results}
    pairs = {(pair.a, pair.b, pair.dtype): pair for pair in run.pairs}
    dtypes = dict.fromkeys(case.config.dtype for _, case in plan)
    for a, b in _twins(groups):
        covering = coarser(run.arithmetics.get(a.label, {}), run.arithmetics.get(b.label, {}))
        for dtype in dtypes:
            both = [
                (task, answers[a.label, task.key], answers[b.label, task.key])
                for task in plan
                if task.case.config.dtype == dtype
            ]
            both = [held for held in both if None not in (held[1].arrays, held[2].arrays)]
            other = [held for held in both if other_bits(*_both(held[1], held[2]))]
            pair = pairs[a.label, b.label, dtype]
            first = ""
            if other:
                task, one, two = other[0]
                expected = truths.of(*task, covering, one.lacks)
                first = f"{task.check.name}, {task.case.name}: {_first_place(one, two, expected)}"
            yield SameBackend(
                a.label,
                b.label,
                dtype,
                _alike(len(both), len(other), beyond=pair.status == "fail"),
                len(both),
                len(both) - len(other),
                pair.sigmas,
                first,
            )


def differing_lines(runs: Mapping[str, Run]) -> list[ManifestDifference]:
    """Return the manifest lines that differ, each once with all backends that it concerns."""
    found: dict[tuple[str, str, str, str, str], list[str]] = {}
    for (a, run_a), (b, run_b) in itertools.combinations(runs.items(), 2):
        for one, other in _twins([run_a.backends, run_b.backends]):
            manifest, other_told = _manifest(run_a, one), _manifest(run_b, other)
            for name in manifest | other_told:
                value, other_value = manifest.get(name, ""), other_told.get(name, "")
                if value != other_value:
                    found.setdefault((name, a, b, value, other_value), []).append(one.spec)
    return [ManifestDifference(*key, tuple(backends)) for key, backends in found.items()]


def _twins(groups: Sequence[Sequence[Backend]]) -> Iterator[tuple[Backend, Backend]]:
    for one, other in itertools.combinations(groups, 2):
        for a, b in itertools.product(one, other):
            if (a.framework, a.variant) == (b.framework, b.variant):
                yield a, b


def _manifest(run: Run, backend: Backend) -> dict[str, str]:
    return {"version": run.versions.get(backend.label, ""), **run.manifests.get(backend.label, {})}


def _alike(compared: int, other: int, *, beyond: bool) -> Alike:
    if not compared:
        return "not compared"
    if beyond:
        return "beyond rounding"
    return "within rounding" if other else "same bits"


def _both(one: Result, other: Result) -> tuple[Results, Results]:
    return comparable(one.arrays or {}, other.arrays or {})


def _first_place(one: Result, other: Result, expected: Expected) -> str:
    """Describe where numbers differ first, in the order of computation."""
    a, b = _both(one, other)
    sigmas = expected.budget.scaled(2**0.5).sigmas
    ratios = {name: in_sigmas(difference(a[name], b[name]), sigmas[name]) for name in a}
    place = locate(ratios, expected.budget.case.config, allowed=0.0)
    if place is None:
        return "other bits of equal numbers: the sign of a zero, or what a NaN holds"
    at = place.index
    where = f"[{', '.join(map(str, at))}]" if at else ""
    words = f" ({place.inside})" if place.inside else ""
    digits = count_digits(a[place.array].dtype)
    numbers = f"{a[place.array][at]:.{digits}g} and {b[place.array][at]:.{digits}g}"
    return f"{place.array}{where}{words}: {numbers}"
