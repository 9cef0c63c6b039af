"""Diagnosis: the known mistake, or pair of mistakes, that reproduces the results within the budget.

Each mistake of the catalogue is applied to the reference, whose numbers are then compared with
those that were found. Mistakes that explain all probes are reported, or that none does.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.judgement.confidence import ALLOWED
from gateparity.conformance.mistakes.catalogue import CATALOGUE
from gateparity.conformance.mistakes.cells import confine, find_places
from gateparity.protocol.guard import is_not_deterministic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from gateparity.conformance.diagnosis.predictions import Predictions
    from gateparity.conformance.diagnosis.probes import Probe
    from gateparity.conformance.mistakes.mistake import Mistake

    Mistakes = tuple[Mistake, ...]

_CLOSER: Final = 0.5  # a mistake that explains anything is closer to what was found than the truth


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """The explanation of all that was found.

    `differing` are the probes that differ from the reference. `explanations` are mistakes, or
    pairs, that the probes can't distinguish; empty if no known mistake explains the results.
    `ruled_out` has the distance of each single mistake in standard deviations: the largest up to
    the first probe at which it is not near. `distance` is the largest of the right LSTM. `unsteady`
    says which calls differ, if the LSTM is not deterministic.
    """

    probes: tuple[Probe, ...]
    differing: tuple[Probe, ...]
    explanations: tuple[Mistakes, ...]
    ruled_out: tuple[tuple[Mistake, float], ...]
    distance: float = 0.0
    unsteady: str = ""

    @property
    def nearest(self) -> tuple[tuple[Mistake, float], ...]:
        """Return the ruled-out mistakes that are much closer to the results than the right LSTM."""
        least = _CLOSER * self.distance
        return tuple(found for found in self.ruled_out if found[1] <= least and found[1] < np.inf)

    @property
    def words(self) -> str:
        """Return the explanation as a sentence; empty if there is nothing to explain."""
        if not self.differing:
            return ""
        if self.unsteady:
            return f"it is not deterministic: {self.unsteady}"
        if not self.explanations:
            return "no known mistake explains it"
        alike = [" and ".join(m.words for m in mistakes) for mistakes in self.explanations]
        return f"it behaves exactly as if {', or as if '.join(alike)}"


class Diagnoser:
    """A search through the catalogue that keeps all predictions for the next question."""

    def __init__(self, predictions: Predictions, catalogue: Sequence[Mistake] = CATALOGUE) -> None:
        self._catalogue = tuple(catalogue)
        self._of = predictions

    def name(
        self,
        probes: Sequence[Probe],
        progress: Callable[[float], None] = lambda _: None,
        *,
        pairs: bool = True,
    ) -> Diagnosis:
        """Search single mistakes, then those of one layer or direction, then pairs.

        Nothing is searched if the LSTM is not deterministic. The distances of the other mistakes
        are not computed. `progress` gets the share of pairs that were tried.
        """
        unsteady = tuple(probe for probe in probes if is_not_deterministic(probe.found))
        if unsteady:
            return Diagnosis(tuple(probes), unsteady, (), (), unsteady=str(unsteady[0].found))
        differing = tuple(probe for probe in probes if not self._of.explains((), probe))
        if not differing:
            return Diagnosis(tuple(probes), (), (), ())
        singles = ((mistake,) for mistake in self._catalogue)
        found = self._search(singles, probes, differing)
        found = found or self._search(self._confined(probes, differing), probes, differing)
        if pairs and not found:
            found = self._search_pairs(probes, differing, progress)
        return Diagnosis(tuple(probes), differing, found, ())

    def diagnose(
        self, probes: Sequence[Probe], progress: Callable[[float], None] = lambda _: None
    ) -> Diagnosis:
        """Search for the mistakes, and compute how far each of the others is."""
        found = self.name(probes, progress)
        if found.unsteady:
            return found
        named = {mistake.name for mistakes in found.explanations for mistake in mistakes}
        others = [m for m in self._catalogue if m.name not in named and found.differing]
        own = {probe: self._of.distance((), probe) for probe in found.differing}
        farthest = max(own.values(), default=0.0)
        # Where the right LSTM is farthest, most mistakes are as far, and need no second probe.
        order = sorted(own, key=own.__getitem__, reverse=True)
        enough = max(_CLOSER * farthest, ALLOWED)
        distances = [(m, self._find_distance(m, order, enough)) for m in others]
        distances.sort(key=lambda pair: pair[1])
        return dataclasses.replace(found, ruled_out=tuple(distances), distance=farthest)

    def _find_distance(self, mistake: Mistake, probes: Sequence[Probe], enough: float) -> float:
        """Return the largest distance of a mistake, up to the first that is more than enough."""
        farthest = 0.0
        for probe in probes:
            farthest = max(farthest, self._of.distance((mistake,), probe))
            if farthest > enough or farthest == np.inf:  # `enough` may be infinite too
                break
        return farthest

    def are_alike(self, a: Mistakes, b: Mistakes, probes: Iterable[Probe]) -> bool:
        """Return whether no probe distinguishes two explanations."""
        return all(self._of.agree(a, b, probe) for probe in probes)

    def _confined(self, probes: Sequence[Probe], differing: Sequence[Probe]) -> Iterator[Mistakes]:
        """Yield mistakes of the weights in one layer or direction, of which each differing probe
        has a cell.
        """
        for place in find_places(probe.case.config for probe in probes):
            if all(place.cells(probe.case.config) for probe in differing):
                for mistake in self._catalogue:
                    confined = confine(mistake, place)
                    if confined:
                        yield (confined,)

    def _search_pairs(
        self, probes: Sequence[Probe], differing: Sequence[Probe], progress: Callable[[float], None]
    ) -> tuple[Mistakes, ...]:
        pairs = self._plausible_pairs(probes, differing)
        backwards = [pair[::-1] for pair in pairs]  # one may see what the other has done
        candidates = _tell(pairs, 0, 2 * len(pairs), progress)
        found = self._search(candidates, probes, differing)
        if found:
            return found
        candidates = _tell(backwards, len(pairs), 2 * len(pairs), progress)
        return self._search(candidates, probes, differing)

    def _search(
        self, candidates: Iterable[Mistakes], probes: Sequence[Probe], differing: Sequence[Probe]
    ) -> tuple[Mistakes, ...]:
        """Return the candidates that explain all probes.

        If the probes distinguish them, only the likeliest is returned, with those just like it.
        """
        first = [*differing, *(probe for probe in probes if probe not in differing)]
        nearest = {p: _CLOSER * self._of.usual_distance((), p) for p in differing}
        close = [
            c
            for c in candidates
            if all(self._of.usual_distance(c, p) <= least for p, least in nearest.items())
        ]
        good = [c for c in close if all(self._of.explains(c, p) for p in first)]
        if all(self.are_alike(c, good[0], probes) for c in good):
            return tuple(good)
        # A probe in which all predict the same says nothing, and its budgets take long to draw.
        telling = [p for p in probes if not all(self._of.agree(c, good[0], p) for c in good)]
        likely = [sum(self._of.log_likelihood(c, p) for p in telling) for c in good]
        best = good[int(np.argmax(likely))]
        alike = [c for c in good if self.are_alike(c, best, probes)]
        return tuple(sorted(alike, key=lambda mistakes: mistakes != best))

    def _plausible_pairs(
        self, probes: Sequence[Probe], differing: Sequence[Probe]
    ) -> list[Mistakes]:
        """Return the pairs that could explain the results.

        Neither mistake may show in a probe without a difference, and at least one must show in
        every probe with one. Where only one of them shows, it has to explain the result by itself.
        """
        silent = [probe for probe in probes if probe not in differing]
        quiet = [m for m in self._catalogue if not any(self._shows(m, p) for p in silent)]
        shown = {m.name: {p for p in differing if self._shows(m, p)} for m in quiet}
        # Whether a mistake explains a probe may take a budget, so most pairs are left out first.
        explains = functools.cache(lambda m, p: self._of.explains((m,), p))

        def is_plausible(a: Mistake, b: Mistake) -> bool:
            alone = [(m, shown[m.name] - shown[o.name]) for m, o in ((a, b), (b, a))]
            both = shown[a.name] & shown[b.name]
            if len(both) + sum(len(some) for _, some in alone) < len(differing):
                return False
            return all(explains(m, p) for m, some in alone for p in some)

        return [(a, b) for a, b in itertools.combinations(quiet, 2) if is_plausible(a, b)]

    def _shows(self, mistake: Mistake, probe: Probe) -> bool:
        """Return whether a probe can see a mistake at all."""
        return not self._of.agree((mistake,), (), probe)


def _tell(
    pairs: Iterable[Mistakes], before: int, count: int, progress: Callable[[float], None]
) -> Iterator[Mistakes]:
    for k, pair in enumerate(pairs):
        progress((before + k) / count)
        yield pair
