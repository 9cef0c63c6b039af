"""Which calls of a check may be compiled: whole cases of shared shapes, and no pieces."""

from __future__ import annotations

import collections
import dataclasses

import pytest

from gateparity.backends.numpy.scratch import Scratch
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.problems.forms import ONCE, compiles, is_compiled
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.protocol.canonical import Canonical


def shape(name):
    case = RECIPES[name].build("float32", 0)
    return case.config, case.batch.x.shape


@dataclasses.dataclass(frozen=True)
class Notes(Scratch):
    """Notes the shape of every call, and whether it may be compiled."""

    calls: dict = dataclasses.field(default_factory=dict)
    manner: str = "compiled"

    def uncompiled(self):
        return dataclasses.replace(self, manner="operation by operation")

    def run(self, config, params, batch, **options):
        self.calls.setdefault(self.manner, set()).add((config, batch.x.shape))
        return super().run(config, params, batch, **options)


def calls_of(check, case):
    adapter, case = Notes(), RECIPES[case].build(CHECKS[check].dtypes[0], 0)
    CHECKS[check].run(Canonical(adapter, compiles(case)), case)
    return adapter.calls, (case.config, case.batch.x.shape)


def test_a_named_shape_that_appears_once_is_not_compiled():
    counts = collections.Counter(map(shape, RECIPES))
    assert {counts[shape(name)] for name in ONCE} == {1}
    alone = {name for name in RECIPES if counts[shape(name)] == 1}
    large = {name for name in RECIPES if name.startswith("many_")} | {"long", "wide"}
    assert alone - set(ONCE) == {"stacked", "square"} | large  # of many calls, or large on purpose


@pytest.mark.parametrize("case", ONCE)
def test_no_call_of_a_case_that_appears_once_is_compiled(case):
    for check in CHECKS.values():
        if case in check.cases:
            calls, _ = calls_of(check.name, case)
            assert set(calls) <= {"operation by operation"}


@pytest.mark.parametrize(
    ("check", "case", "whole"),
    [
        ("forward", "sequence", True),
        ("permutation", "deep", True),
        ("purity", "ragged", True),
        ("directions", "deep", True),
        ("layers", "stacked", True),
        ("lengths", "ragged", True),
        ("batch", "sequence", False),
        ("carry", "stacked", False),
    ],
)
def test_whole_cases_may_be_compiled_and_pieces_are_not(check, case, whole):
    calls, shape = calls_of(check, case)
    assert calls.get("compiled", set()) == ({shape} if whole else set())
    assert shape not in calls.get("operation by operation", ())
    cut = check in ("layers", "lengths", "batch", "carry")
    assert bool(calls.get("operation by operation")) == cut


def test_a_smaller_case_of_the_same_name_keeps_its_form():
    case = RECIPES["sequence"].build("float32", 0)
    smaller = dataclasses.replace(case, batch=dataclasses.replace(case.batch, x=case.batch.x[:2]))
    assert is_compiled(smaller)
    assert compiles(smaller)(smaller.config, smaller.batch)
    assert not compiles(smaller)(case.config, case.batch)
