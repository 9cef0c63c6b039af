"""Which calls of a check may be compiled: whole cases of shared shapes, and no pieces."""

from __future__ import annotations

import collections
import dataclasses

import pytest

from gateparity.backends.numpy.scratch import Scratch
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.requirements.task import Task
from gateparity.conformance.runs.forms import FEW, GATES, compiles, is_compiled
from gateparity.conformance.runs.plan import named_plan
from gateparity.protocol.canonical import Canonical


def shape(name):
    case = RECIPES[name].build("float32", 0)
    return case.config, case.batch.x.shape, case.batch.lengths is None


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


def calls_of(check, case, dtype=""):
    adapter, case = Notes(), RECIPES[case].build(dtype or CHECKS[check].dtypes[0], 0)
    CHECKS[check].run(Canonical(adapter, compiles(Task(CHECKS[check], case))), case)
    return adapter.calls, (case.config, case.batch.x.shape)


def test_shapes_of_few_calls_are_not_compiled():
    """A program pays from several calls on. `long` and `wide` are large on purpose."""
    tasks = collections.Counter()
    for task in named_plan((), (), 0):
        if is_compiled(task):
            tasks[shape(task.case.name), task.case.config.dtype] += 1 + 9 * task.check.repeats
    alone = {shape(name) for name in ("long", "wide")}
    assert all(count > 5 or case in alone for (case, _), count in tasks.items())
    assert {shape(name) for name in FEW}.isdisjoint(case for case, _ in tasks)


@pytest.mark.parametrize("case", FEW)
def test_no_call_of_a_case_of_few_calls_is_compiled(case):
    for check in CHECKS.values():
        if case in check.cases:
            calls, _ = calls_of(check.name, case)
            assert set(calls) <= {"operation by operation"}


def test_in_double_precision_one_shape_is_compiled():
    compiled = {
        t.case.name
        for t in named_plan((), (), 0)
        if is_compiled(t) and t.case.config.dtype == "float64"
    }
    assert {shape(name)[:2] for name in compiled} == {shape("sequence")[:2]}
    assert "compiled" in calls_of("forward", "sequence", "float64")[0]
    assert "compiled" not in calls_of("lengths", "ragged", "float64")[0]


def test_one_trace_is_compiled_and_half_precision_is_not():
    for case in CHECKS["gates"].cases:
        assert ("compiled" in calls_of("gates", case)[0]) == (case == GATES)
    assert "compiled" not in calls_of("dtypes", "sequence", "float16")[0]


@pytest.mark.parametrize(
    ("check", "case", "whole"),
    [
        ("forward", "sequence", True),
        ("permutation", "ragged", True),
        ("purity", "ragged", True),
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
    task = Task(CHECKS["forward"], smaller)
    assert is_compiled(task)
    assert compiles(task)(smaller.config, smaller.batch)
    assert not compiles(task)(case.config, case.batch)
