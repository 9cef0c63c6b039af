"""What changed between two rows of one framework."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from gateparity.backends.spec import parse_backends
from gateparity.conformance.reports.record import to_json
from gateparity.conformance.runs.pairs import describe_change, find_changes
from gateparity.conformance.runs.plan import Source
from gateparity.conformance.runs.result import Change, Result, Run

[NUMPY] = parse_backends(["numpy"])
OLD = dataclasses.replace(NUMPY, name="numpy@1.0")


def result(backend, check, array, dtype="float32", case="unit"):
    return Result(backend, check, case, dtype, "pass", arrays={"y": np.asarray(array)})


def changes(*results, distance=lambda one, other: 2.0):
    return find_changes([OLD, NUMPY], results, distance)


def test_a_check_is_equal_if_all_its_cases_and_dtypes_are():
    [change] = changes(
        result(OLD, "forward", [1.0]),
        result(NUMPY, "forward", [1.0]),
        result(OLD, "forward", [1.0], "float64"),
        result(NUMPY, "forward", [1.5], "float64"),
        result(OLD, "gates", [np.nan]),
        result(NUMPY, "gates", [np.nan]),
    )
    assert change == Change("numpy:scratch@1.0", "numpy:scratch", ("gates",), {"forward": 2.0})


@pytest.mark.parametrize("other", [[-0.0], [0.0, 0.0], np.zeros(1, np.float32)])
def test_other_bits_are_no_equality(other):
    [change] = changes(result(OLD, "forward", [0.0]), result(NUMPY, "forward", other))
    assert not change.equal


def test_the_largest_distance_is_told():
    distances = iter([1.0, 3.0, 2.0])
    [change] = changes(
        *(
            result(backend, "f", [k], case=c)
            for k, backend in enumerate((OLD, NUMPY))
            for c in "abc"
        ),
        distance=lambda one, other: next(distances),
    )
    assert change.differing == {"f": 3.0}


def test_rows_of_other_frameworks_variants_or_packages_are_left_out():
    other = dataclasses.replace(NUMPY, name="torch")
    layer = dataclasses.replace(NUMPY, variant="layer")
    foreign = dataclasses.replace(OLD, shipped=False)
    for backend in (other, layer, foreign):
        found = [result(backend, "forward", [1.0]), result(NUMPY, "forward", [1.0])]
        assert find_changes([backend, NUMPY], found, lambda one, other: 0.0) == []


def test_nothing_that_both_computed_is_no_line():
    assert changes(result(OLD, "forward", [1.0])) == []


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
