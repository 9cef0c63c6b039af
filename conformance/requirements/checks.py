"""The requirements as data, in order of number: plain functions from an LSTM and a case to arrays.

A check runs once on the reference and once on every backend. A backend's arrays are judged against
the reference's, and those of every two backends against each other.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from gateparity.conformance.problems.case import DTYPES
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
from gateparity.conformance.requirements.robustness import dtypes, purity, sizes, values
from gateparity.conformance.requirements.symmetries import directions, permutation
from gateparity.errors import InputError, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.results import Results
    from gateparity.protocol.canonical import Lstm


@dataclasses.dataclass(frozen=True)
class Check:
    """A requirement, the cases and dtypes that show it, and the features it needs of an adapter.

    `needs` are features that an adapter may declare unsupported; a case has needs of its own.
    Checks that don't need gradients compare them all the same where an adapter has them.
    `computes` is False for a check that runs no LSTM. `against` names the variant of the same
    framework that a backend's results are compared with, beside the reference; empty for none.
    """

    name: str
    requirement: Callable[[Lstm, Case], Results]
    cases: tuple[str, ...]
    needs: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = DTYPES
    computes: bool = True
    against: str = ""

    def run(self, lstm: Lstm, case: Case) -> Results:
        """Return the requirement's arrays, without those of states that the LSTM lacks."""
        return leave_out(self.requirement(lstm, case), lstm.lacks)


_USUAL: Final = ("sequence", "unit", "plain", "zero_states")
_ONES: Final = ("one_step", "one_sequence", "one_input", "one_unit")
_EMPTY: Final = ("no_steps", "no_sequences")
_SIZES: Final = (*_ONES, "long", "wide", *_EMPTY)
_FINITE: Final = ("saturated", "overflowing", "subnormal", "zeros", "huge")
_VALUES: Final = (*_FINITE, "nan", "infinite")

CHECKS: Final = {
    check.name: check
    for check in (
        Check("forward", forward, _USUAL),
        Check("gates", gates, ("sequence", "ragged", "deep", "saturated"), ("gates",)),
        Check("gradients", gradients, (*_USUAL, "saturated", *_EMPTY), ("gradients",)),
        Check("layout", layout, ("sequence", "plain", "deep"), computes=False),
        Check("batch", batch, ("sequence",)),
        Check("carry", carry, ("stacked",), ("final_states",)),
        Check("lengths", lengths, ("ragged", "one_empty", "nan_padding")),
        Check("directions", directions, ("deep",)),
        Check("layers", layers, ("stacked",)),
        Check("variants", variants, ("sequence",), against="scratch"),
        Check("permutation", permutation, ("ragged", "deep")),
        Check("purity", purity, ("sequence", "ragged", "deep"), dtypes=("float32",)),
        Check("sizes", sizes, _SIZES, dtypes=("float32",)),
        Check("values", values, _VALUES),
        Check("dtypes", dtypes, ("sequence",), dtypes=("float16",)),
        Check("refusal", refusal, ("sequence",), computes=False),
    )
}


def choose_checks(names: Iterable[str]) -> list[Check]:
    """Return the checks with these names, in the suite's order; all of them without names."""
    names = list(names)
    refuse_unknown("check", names, CHECKS)
    return [check for name, check in CHECKS.items() if not names or name in names]


def refuse_unknown(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise `InputError` for the first of the names that isn't known."""
    known = list(known)
    for name in names:
        if name not in known:
            hint = suggest(name, known)
            raise InputError(f"unknown {kind} {name!r}{hint}: expected one of {', '.join(known)}")
