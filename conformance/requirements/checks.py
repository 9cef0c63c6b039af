"""The requirements as data, in order of number: plain functions from an LSTM and a case to arrays.

A check runs once on the reference and once on every backend. A backend's arrays are judged against
the reference's, and those of every two backends against each other.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final, Literal

from gateparity.conformance.problems.cases import SPOILED
from gateparity.conformance.problems.slices import find_cut
from gateparity.conformance.requirements.answers import (
    forward,
    gates,
    gradients,
    layout,
    leave_out,
    variants,
)
from gateparity.conformance.requirements.invariances import batch, carry, layers, lengths
from gateparity.conformance.requirements.refusal import refusal
from gateparity.conformance.requirements.repetition import calls
from gateparity.conformance.requirements.robustness import dtypes, purity, sizes, values
from gateparity.conformance.requirements.symmetries import directions, permutation
from gateparity.errors import refuse_unknown
from gateparity.network.dtypes import SUITE_DTYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.results import Results
    from gateparity.protocol.canonical import Lstm


_SMALL: Final = 400  # numbers in the states of all steps


def _always(_case: Case) -> bool:
    return True


def _never(_case: Case) -> bool:
    return False


def _is_small(case: Case) -> bool:
    """Return whether many calls take little time."""
    return case.batch.x[..., 0].size * case.config.hidden_size * case.config.cells <= _SMALL


def _has_sequences(case: Case) -> bool:
    return bool(case.batch.x.shape[1] > 1)


def _can_be_cut(case: Case) -> bool:
    return case.config.directions == 1 and find_cut(case) > 0


def _has_lengths(case: Case) -> bool:
    return case.batch.lengths is not None


def _has_directions(case: Case) -> bool:
    return case.config.directions > 1


def _has_layers(case: Case) -> bool:
    return case.config.layers > 1


Compared = Literal["outputs", "gradients", "trace", "weights", "side effects", "calls", "refusals"]


@dataclasses.dataclass(frozen=True)
class Check:
    """A requirement, the cases and dtypes that show it, and the features it needs of an adapter.

    `compares` says which kinds of results are compared; the checks that must catch a deliberate
    mistake follow from it. `needs` are features that an adapter may declare unsupported; a case has
    needs of its own. Checks that don't need gradients compare them all the same where an adapter
    has them. `whole` is False for a check that never runs several sequences of several steps in one
    call. `against` names the variant of the same framework that a backend's results are compared
    with, beside the reference; empty for none. `applies` says on which problems of the array it can
    run, and `finite` that it runs on none with an infinity, whose gradients aren't defined. Those
    that take `turns` find numbers that other checks compare too, in another way. By default, one
    such check runs on a problem. One that `repeats` makes each call again and again.
    """

    name: str
    requirement: Callable[[Lstm, Case], Results]
    cases: tuple[str, ...]
    compares: tuple[Compared, ...]
    needs: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = SUITE_DTYPES
    applies: Callable[[Case], bool] = _always
    finite: bool = True
    turns: bool = False
    repeats: bool = False
    whole: bool = True
    against: str = ""

    @property
    def computes(self) -> bool:
        """Return whether the check compares numbers that an LSTM computed."""
        return any(kind in _COMPUTED for kind in self.compares)

    def applies_to(self, problem: Case) -> bool:
        """Return whether the check runs on a problem of the array, at the problem's dtype."""
        known = problem.config.dtype in self.dtypes
        return known and self.applies(problem) and (problem.is_finite or not self.finite)

    def run(self, lstm: Lstm, case: Case) -> Results:
        """Return the requirement's arrays, without those of states that the LSTM lacks."""
        return leave_out(self.requirement(lstm, case), lstm.lacks)


_COMPUTED: Final = ("outputs", "gradients", "trace")
_BOTH: Final = ("outputs", "gradients")

_USUAL: Final = ("sequence", "unit", "plain", "zero_states")
_ONES: Final = ("one_step", "one_sequence", "one_input", "one_unit")
_EMPTY: Final = ("no_steps", "no_sequences")
_MANY: Final = (
    *("long", "wide", "many_steps", "many_sequences", "many_units", "many_numbers", "many_layers"),
)
_SIZES: Final = (*_ONES, *_MANY, *_EMPTY)
_FINITE: Final = ("saturated", "overflowing", "subnormal", "zeros", "all_zero", "huge", "growing")
_SPOILED: Final = ("nan", "infinite", *(recipe.name for recipe in SPOILED))
_VALUES: Final = (*_FINITE, *_SPOILED)

CHECKS: Final = {
    check.name: check
    for check in (
        Check("forward", forward, _USUAL, ("outputs",), finite=False),
        Check(
            "gates",
            gates,
            ("sequence", "ragged", "deep", "saturated"),
            ("trace",),
            needs=("gates",),
            finite=False,
        ),
        Check(
            "gradients",
            gradients,
            (*_USUAL, "saturated", "overflowing", "steep", "nan_cotangent", *_SPOILED, *_EMPTY),
            ("gradients",),
            needs=("gradients",),
        ),
        Check("layout", layout, ("sequence", "plain", "deep", "many_layers"), ("weights",)),
        Check(
            "batch",
            batch,
            ("sequence",),
            ("outputs",),
            whole=False,
            applies=_has_sequences,
            turns=True,
        ),
        Check(
            "carry",
            carry,
            ("stacked",),
            _BOTH,
            needs=("final_states",),
            applies=_can_be_cut,
            turns=True,
        ),
        Check(
            "lengths",
            lengths,
            ("ragged", "one_empty", "all_empty", "nan_padding"),
            _BOTH,
            applies=_has_lengths,
            turns=True,
        ),
        Check("directions", directions, ("deep",), _BOTH, applies=_has_directions, turns=True),
        Check("layers", layers, ("stacked",), _BOTH, applies=_has_layers, turns=True),
        Check("variants", variants, ("sequence",), _BOTH, against="scratch", turns=True),
        Check("permutation", permutation, ("ragged", "deep"), _BOTH, turns=True),
        Check(
            "purity",
            purity,
            ("sequence", "ragged", "deep", "expanded"),
            (*_BOTH, "side effects"),
            turns=True,
            repeats=True,
        ),
        Check("sizes", sizes, _SIZES, ("outputs",), dtypes=("float32",), applies=_never),
        Check("values", values, _VALUES, ("outputs",)),
        Check("dtypes", dtypes, ("sequence", "half_steep", "growing"), _BOTH, dtypes=("float16",)),
        Check("refusal", refusal, ("sequence",), ("refusals",), applies=_never),
        Check(
            "calls",
            calls,
            ("zero_states", "uneven", "square"),
            (*_BOTH, "calls"),
            dtypes=("float32",),
            applies=_is_small,
            turns=True,
            repeats=True,
        ),
    )
}


def choose_checks(names: Iterable[str]) -> list[Check]:
    """Return the checks with these names, in the suite's order; all of them without names."""
    names = list(names)
    refuse_unknown("check", names, CHECKS)
    return [check for name, check in CHECKS.items() if not names or name in names]
