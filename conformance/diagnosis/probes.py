"""Probes of a diagnosis: what a backend is asked, and what it found."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.adapter import Impure
from gateparity.conformance.cases import RECIPES
from gateparity.conformance.requirements.answers import find_lacks, has_gradients
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.storage.cases import name_arrays

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateparity.canonical import Lstm
    from gateparity.conformance.cases import Case
    from gateparity.conformance.plan import Plan
    from gateparity.conformance.requirements.checks import Check, Results
    from gateparity.conformance.result import Result

    Found = Results | str  # what a probe found, or in which way it was impure
    Key = tuple[str, str, str]  # check, case, dtype
    Asked = tuple[str, str, bytes]  # check, case, a digest of its numbers

# Cheap ones first: most mistakes are ruled out by the first of them.
PROBES: Final = (
    ("sizes", "one_step", "float32"),
    ("forward", "sequence", "float32"),
    ("gradients", "sequence", "float32"),
    ("lengths", "ragged", "float32"),
    ("gates", "deep", "float32"),
    ("directions", "deep", "float32"),
    ("layers", "stacked", "float32"),
    ("lengths", "one_empty", "float32"),
    ("lengths", "nan_padding", "float32"),
    ("gates", "ragged", "float32"),
    ("gates", "saturated", "float32"),
    ("layout", "deep", "float32"),
    ("sizes", "long", "float32"),
    ("sizes", "wide", "float32"),
    ("values", "overflowing", "float32"),
    ("values", "nan", "float32"),
    ("forward", "sequence", "float64"),
    ("gradients", "sequence", "float64"),
    ("purity", "ragged", "float32"),
    ("refusal", "sequence", "float32"),
)


@dataclasses.dataclass(frozen=True, eq=False)
class Probe:
    """A check on a case, and what a backend found there. Two of them are never the same."""

    check: Check
    case: Case
    found: Found

    @property
    def key(self) -> Key:
        """What was asked."""
        return self.check.name, self.case.name, self.case.config.dtype

    @property
    def outputs_alone(self) -> bool:
        """Whether the backend found no gradients, of which a check may have some."""
        return not isinstance(self.found, str) and not has_gradients(self.found)

    @functools.cached_property
    def lacks(self) -> frozenset[str]:
        """Return the states that the backend lacks, as far as what it found tells."""
        return frozenset() if isinstance(self.found, str) else find_lacks(self.found)

    @functools.cached_property
    def asked(self) -> Asked:
        """What was asked, numbers and all: a saved case isn't the one that it is named after."""
        digest = hashlib.sha256(repr((self.case.config, sorted(self.lacks))).encode())
        for name, array in name_arrays(self.case).items():
            digest.update(f"{name} {array.shape}".encode() + array.tobytes())
        return self.check.name, self.case.name, digest.digest()


def probe_cases(
    seed: int = 0, probes: Iterable[tuple[str, str, str]] = PROBES
) -> list[tuple[Check, Case]]:
    """What a backend is asked."""
    return [(CHECKS[check], RECIPES[case].build(dtype, seed)) for check, case, dtype in probes]


def make_probes(plan: Plan, results: Iterable[Result]) -> list[Probe]:
    """What a row found in the probes of a plan, as far as it answered."""
    found = {result.key: result for result in results if result.status in ("pass", "fail")}
    probes = []
    for check, case in plan:
        result = found.get((check.name, case.name, case.config.dtype))
        if result and result.key in PROBES:
            answer = result.reason if result.arrays is None else result.arrays
            probes.append(Probe(check, case, answer))
    return sorted(probes, key=lambda probe: PROBES.index(probe.key))


def run_probe(lstm: Lstm, check: Check, case: Case) -> Found:
    """The check's arrays, or in which way the LSTM is impure."""
    try:
        with np.errstate(all="ignore"):
            return check.run(lstm, case)
    except Impure as impure:
        return str(impure)
