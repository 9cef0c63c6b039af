"""One backend in two recordings: equal to the last bit, within rounding, or beyond, and why.

Two entries are one backend if framework and variant are the same. Their versions may differ; that
is then one of the differing lines.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Literal

from gateparity.conformance.judgement.differences import difference, in_sigmas
from gateparity.conformance.judgement.divergence import locate
from gateparity.conformance.requirements.answers import comparable
from gateparity.conformance.runs.pairs import coarser
from gateparity.network.dtypes import count_digits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gateparity.backends.backend import Backend
    from gateparity.conformance.runs.pairs import AllCompared, Compared
    from gateparity.conformance.runs.result import Run
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


def compare_same_backend(
    groups: Sequence[Sequence[Backend]], run: Run, compared: AllCompared, truths: Truths
) -> Iterator[SameBackend]:
    """Yield the comparison of every backend that two of the groups have, at each dtype."""
    pairs = {(pair.a, pair.b, pair.dtype): pair for pair in run.pairs}
    dtypes = dict.fromkeys(pair.dtype for pair in run.pairs)
    for a, b in _pairs_of_one(groups):
        covering = coarser(
            run.rounding_models.get(a.label, {}), run.rounding_models.get(b.label, {})
        )
        for dtype in dtypes:
            key = a.label, b.label
            both = [c for c in compared[key] if c.task.case.config.dtype == dtype]
            other = [c for c in both if not c.same]
            pair = pairs[*key, dtype]
            alike = _alike(len(both), len(other), beyond=pair.status == "fail")
            first = _first_place(other[0], truths, covering) if other else ""
            same = len(both) - len(other)
            yield SameBackend(*key, dtype, alike, len(both), same, pair.sigmas, first)


def differing_lines(runs: Mapping[str, Run]) -> list[ManifestDifference]:
    """Return the manifest lines that differ, each once with all backends that it concerns."""
    found: dict[tuple[str, str, str, str, str], list[str]] = {}
    for (a, run_a), (b, run_b) in itertools.combinations(runs.items(), 2):
        for one, other in _pairs_of_one([run_a.backends, run_b.backends]):
            manifest, other_told = _manifest(run_a, one), _manifest(run_b, other)
            for name in manifest | other_told:
                value, other_value = manifest.get(name, ""), other_told.get(name, "")
                if value != other_value:
                    found.setdefault((name, a, b, value, other_value), []).append(one.spec)
    return [ManifestDifference(*key, tuple(backends)) for key, backends in found.items()]


def _pairs_of_one(groups: Sequence[Sequence[Backend]]) -> Iterator[tuple[Backend, Backend]]:
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


def _first_place(compared: Compared, truths: Truths, covering: Mapping[str, float]) -> str:
    """Describe where numbers differ first, in the order of computation."""
    task, one, other = compared.task, compared.one, compared.other
    expected = truths.of(*task, covering, one.lacks)
    a, b = comparable(one.arrays or {}, other.arrays or {})
    sigmas = expected.budget.scaled(2**0.5).sigmas
    ratios = {name: in_sigmas(difference(a[name], b[name]), sigmas[name]) for name in a}
    place = locate(ratios, task.case.config, allowed=0.0)
    start = f"{task.check.name}, {task.case.name}: "
    if place is None:
        return f"{start}other bits of equal numbers: the sign of a zero, or what a NaN holds"
    at = place.index
    where = f"[{', '.join(map(str, at))}]" if at else ""
    words = f" ({place.inside})" if place.inside else ""
    digits = count_digits(a[place.array].dtype)
    numbers = f"{a[place.array][at]:.{digits}g} and {b[place.array][at]:.{digits}g}"
    return f"{start}{place.array}{where}{words}: {numbers}"
