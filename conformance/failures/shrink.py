"""Shrink a failing case: find the smallest that still fails, within a time limit.

The search is greedy. It removes parts of the case, large ones first, because a compiled framework
compiles for each new shape. Then it simplifies numbers. It does not use why a case fails.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.failures.reductions import AXES, WITHOUT, forward_only, keep_layers
from gateparity.conformance.problems.arrays import LENGTHS, join_arrays, name_arrays

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from gateparity.conformance.failures.reductions import Axis
    from gateparity.conformance.problems.case import Case
    from gateparity.network.parameters import Array

    Fails = Callable[[Case], bool]
    Proposals = Generator[Case, bool | None, None]  # each is answered: does it fail?
    Walk = Callable[[Case], Proposals]

TIME_LIMIT: Final = 20.0  # seconds for one case
_CORNERS: Final = (1, 2)  # of everything: where most mistakes show
_DIGITS: Final = (1, 2, 3)  # that a number is rounded to


class GiveUp(Exception):
    """Raised by `fails` when nothing more can be tried; the best case so far is the result."""


def shrink(case: Case, fails: Fails, limit_s: float = TIME_LIMIT) -> Case:
    """Return the smallest case found for which `fails` is true, or the case itself.

    It has the same name. An exception of `fails`, other than `GiveUp`, counts as not failing. After
    `limit_s` seconds nothing more is tried; until then the search is deterministic.
    """
    search = _Search(case, fails, time.monotonic() + limit_s)
    with contextlib.suppress(GiveUp):
        search.follow(_jump)
        before = None
        while search.best is not before:
            before = search.best
            for walk in (*_STRUCTURE, *_NUMBERS):
                search.follow(walk)
    return search.best


class _Search:
    """The best case so far, and the cases that were tried."""

    def __init__(self, case: Case, fails: Fails, deadline: float) -> None:
        self.best = case
        self._fails = fails
        self._deadline = deadline
        self._tried = {_digest(case)}

    def follow(self, walk: Walk) -> None:
        """Try the cases that a walk proposes, and send it whether each still fails."""
        proposals = walk(self.best)
        better: bool | None = None
        with contextlib.suppress(StopIteration):
            while time.monotonic() < self._deadline:
                candidate = proposals.send(better)  # None starts it
                better = self._is_better(candidate)
                if better:
                    self.best = candidate

    def _is_better(self, candidate: Case) -> bool:
        digest = _digest(candidate)
        if digest in self._tried:
            return False
        self._tried.add(digest)
        try:
            return self._fails(candidate)
        except GiveUp:
            raise
        except Exception:  # noqa: BLE001  it is something else that goes wrong there
            return False


def _jump(case: Case) -> Proposals:
    """Propose cases with the first one or two of everything, also in one layer and direction."""
    for size in _CORNERS:
        corner = case
        for axis in AXES:
            corner = axis.keep(corner, np.arange(min(size, axis.size(corner))))
        for candidate in (forward_only(keep_layers(corner, 1)), corner):
            if (yield candidate):
                return


def _drop_layers(case: Case) -> Proposals:
    for layers in range(1, case.config.layers):
        if (yield keep_layers(case, layers)):
            return


def _do_without(case: Case) -> Proposals:
    for without in WITHOUT:
        candidate = without(case)
        if (yield candidate):
            case = candidate


def _along(axis: Axis) -> Walk:
    """Propose to leave out halves of an axis, then quarters, then single indices."""

    def walk(case: Case) -> Proposals:
        piece = axis.size(case) // 2
        while piece:
            start = 0
            while start < axis.size(case) and axis.size(case) > piece:
                indices = np.arange(axis.size(case))
                candidate = axis.keep(case, np.delete(indices, slice(start, start + piece)))
                if (yield candidate):
                    case = candidate
                else:
                    start += piece
            piece //= 2

    return walk


def _zero_arrays(case: Case) -> Proposals:
    for name, array in _floats(case).items():
        candidate = _replace(case, name, np.zeros_like(array))
        if (yield candidate):
            case = candidate


def _round_arrays(case: Case) -> Proposals:
    """Propose each array rounded to few digits, and keep the fewest that still fail."""
    for name, array in _floats(case).items():
        for digits in _DIGITS:
            candidate = _replace(case, name, _round(array, digits))
            if (yield candidate):
                case = candidate
                break


def _zero_elements(case: Case) -> Proposals:
    """Propose zeros for halves of each array, then quarters, and finally single elements."""
    for name in _floats(case):
        piece = _floats(case)[name].size // 2
        while piece:
            for start in range(0, _floats(case)[name].size, piece):
                array = _floats(case)[name].copy()
                array.reshape(-1)[start : start + piece] = 0
                candidate = _replace(case, name, array)
                if (yield candidate):
                    case = candidate
            piece //= 2


_STRUCTURE: Final = (_drop_layers, _do_without, *map(_along, AXES))
_NUMBERS: Final = (_zero_arrays, _round_arrays, _zero_elements)


def _floats(case: Case) -> dict[str, Array]:
    return {name: array for name, array in name_arrays(case).items() if name != LENGTHS}


def _replace(case: Case, name: str, array: Array) -> Case:
    return join_arrays(case.name, case.config, name_arrays(case) | {name: array})


@np.errstate(over="ignore")
def _round(array: Array, digits: int) -> Array:
    """Round to so many significant digits; elements that would become infinite stay."""
    words = [f"{number:.{digits - 1}e}" for number in array.reshape(-1).tolist()]
    rounded = np.array(words, np.float64).astype(array.dtype).reshape(array.shape)
    return np.where(np.isfinite(array) == np.isfinite(rounded), rounded, array)


def _digest(case: Case) -> bytes:
    digest = hashlib.sha256(repr(case.config).encode())
    for name, array in name_arrays(case).items():
        digest.update(f"{name} {array.dtype} {array.shape} ".encode())
        digest.update(array.tobytes())
    return digest.digest()
