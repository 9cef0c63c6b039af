"""What changed between two rows of one framework."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from gateparity.backends.spec import parse_backends
from gateparity.backends.workers.remote import open_worker
from gateparity.conformance.judgement.verdict import Score
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.reports.record import to_json
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.requirements.task import Task
from gateparity.conformance.runs.pairs import (
    Compared,
    compare_all,
    describe_change,
    find_changes,
    make_pairs,
)
from gateparity.conformance.runs.plan import Source
from gateparity.conformance.runs.result import Change, Result, Run
from gateparity.conformance.runs.session import Session
from gateparity.conformance.runs.truths import Truths

[NUMPY] = parse_backends(["numpy"])
OLD = dataclasses.replace(NUMPY, name="numpy@1.0")


def task(check="forward", dtype="float32", case="unit"):
    return Task(CHECKS[check], RECIPES[case].build(dtype, 0))


def compared(of, *, same, sigmas=0.0, status="pass"):
    """Two results of one task, `sigmas` apart."""
    one, other = (Result(backend, *of.key, status) for backend in (OLD, NUMPY))
    return Compared(of, one, other, Score(sigmas), "", same)


def changes(*found):
    return find_changes([OLD, NUMPY], {(OLD.label, NUMPY.label): found})


def run_both(change=lambda arrays: arrays, check="forward", case="unit"):
    """NumPy's results on one case as those of two versions; one of them has them changed."""
    plan, truths = [task(check, case=case)], Truths()
    with Session(NUMPY, truths, open_worker) as session:
        found = session.run(*plan[0])
    changed = dataclasses.replace(found, backend=OLD, arrays=change(found.arrays))
    labels = [OLD.label, NUMPY.label]
    return compare_all(labels, [changed, found], plan, truths, {key: {} for key in labels}), plan


def test_a_check_is_equal_if_all_its_cases_and_dtypes_are():
    [change] = changes(
        compared(task("forward"), same=True),
        compared(task("forward", "float64"), same=False, sigmas=2.0),
        compared(task("gates"), same=True),
    )
    assert change == Change("numpy:scratch@1.0", "numpy:scratch", ("gates",), {"forward": 2.0})


@pytest.mark.parametrize(
    "other",
    [
        lambda y: np.nextafter(y, 1),
        lambda y: np.concatenate([y, y]),
        lambda y: y.astype("float64"),
    ],
)
def test_other_bits_are_no_equality(other):
    found, _ = run_both(lambda arrays: arrays | {"y": other(arrays["y"])})
    [change] = find_changes([OLD, NUMPY], found)
    assert not change.equal


def test_the_same_bits_are_equal_though_some_are_nan():
    found, _ = run_both(check="values", case="nan")
    [change] = find_changes([OLD, NUMPY], found)
    assert change == Change(OLD.label, NUMPY.label, ("values",), {})


def test_a_pair_and_a_change_are_made_of_one_comparison():
    found, plan = run_both(lambda arrays: arrays | {"y": arrays["y"] + np.float32(0.25)})
    [pair], [change] = make_pairs(found, plan), find_changes([OLD, NUMPY], found)
    assert pair.status == "fail"
    assert change.differing == {"forward": pair.sigmas}


def test_the_largest_distance_is_told():
    cases = ("unit", "plain", "sequence")
    [change] = changes(
        *(
            compared(task(case=case), same=False, sigmas=sigmas)
            for case, sigmas in zip(cases, (1.0, 3.0, 2.0), strict=True)
        )
    )
    assert change.differing == {"forward": 3.0}


def test_a_known_deviation_is_left_out():
    assert changes(compared(task(), same=False, sigmas=9.0, status="known")) == []


def test_rows_of_other_frameworks_variants_or_packages_are_left_out():
    other = dataclasses.replace(NUMPY, name="torch")
    layer = dataclasses.replace(NUMPY, variant="layer")
    foreign = dataclasses.replace(OLD, shipped=False)
    for backend in (other, layer, foreign):
        found = {(backend.label, NUMPY.label): [compared(task(), same=True)]}
        assert find_changes([backend, NUMPY], found) == []


def test_nothing_that_both_computed_is_no_line():
    assert changes() == []


def test_a_change_is_one_line():
    change = Change("a", "b", ("gates", "carry"), {"forward": 1.23, "batch": 9.0, "x": np.inf})
    assert describe_change(change) == (
        "a and b: bit for bit equal in gates, carry; equal within rounding in forward (1.2 sigma); "
        "different in batch (9.0 sigma), x (inf sigma)"
    )


def test_changes_are_in_the_json():
    change = Change("a", "b", ("gates",), {"forward": 1.5, "x": np.inf})
    run = Run((NUMPY,), (), (), {}, 0, 1.0, 0.0, changes=(change,))
    (found,) = json.loads(json.dumps(to_json(run, Source())))["changes"]
    assert found == {
        "a": "a",
        "b": "b",
        "equal": ["gates"],
        "differing": {"forward": 1.5, "x": None},
    }
