"""One backend recorded twice: to the last bit, within rounding or beyond; and what may be why."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity.conformance.judgement.differences import other_bits


def by_dtype(comparison):
    return {twin.dtype: twin for twin in comparison.twins}


def test_the_same_bits(record, compare):
    for twin in compare(record(), record()).twins:
        assert twin.alike == "same bits"
        assert (twin.a, twin.b) == ("numpy:scratch@a", "numpy:scratch@b")
        assert twin.compared == twin.same_bits > 0
        assert (twin.sigmas, twin.first) == (0.0, "")


def test_other_bits_within_rounding(record, compare):
    comparison = compare(record(), record(numpy="nudged"))
    twin = by_dtype(comparison)["float32"]
    assert twin.alike == "within rounding"
    assert 0 < twin.same_bits < twin.compared
    assert 0 < twin.sigmas < 8
    assert twin.first.startswith("forward, sequence: y[0, ")
    assert "(layer 0, step 0" in twin.first
    a, b = (run.run.results[0].arrays["y"] for run in comparison.recordings.values())
    at = tuple(int(i) for i in twin.first.split("[")[1].split("]")[0].split(","))
    assert twin.first.endswith(f": {a[at]:.9g} and {b[at]:.9g}")
    assert comparison.run.verdict == "agrees"


def test_beyond_rounding(record, compare):
    comparison = compare(record(), record(numpy="shifted"))
    for twin in comparison.twins:
        assert twin.alike == "beyond rounding"
        assert twin.sigmas > 8
    assert comparison.run.exit_code == 1


def test_equal_numbers_of_other_bits(record, compare):
    one = record(["lengths"], ["ragged"])
    results = [
        dataclasses.replace(r, arrays={n: np.where(a == 0, -a, a) for n, a in r.arrays.items()})
        for r in one.run.results
    ]
    other = dataclasses.replace(one, run=dataclasses.replace(one.run, results=tuple(results)))
    assert other_bits(one.run.results[0].arrays, other.run.results[0].arrays)
    for twin in compare(one, other).twins:
        assert twin.alike == "within rounding"
        assert twin.sigmas == 0
        assert "other bits of equal numbers" in twin.first


@pytest.mark.parametrize(
    ("other", "alike"),
    [("sound", "same bits"), ("nudged", "within rounding"), ("shifted", "beyond rounding")],
)
def test_of_one_that_had_no_gradients_yet_outputs_are_compared(record, compare, other, alike):
    """Whichever came first."""
    work = ["lengths"], ["ragged"]
    both = record(*work, numpy="forward only"), record(*work, numpy=other)
    for recordings in (both, both[::-1]):
        for twin in compare(*recordings).twins:
            assert twin.alike == alike
            assert (": y[" in twin.first) == (alike != "same bits")


def test_nothing_that_both_answered(record, compare):
    one = record(["forward"], ["unit"])
    results = [dataclasses.replace(r, status="skip", arrays=None) for r in one.run.results]
    other = dataclasses.replace(one, run=dataclasses.replace(one.run, results=tuple(results)))
    assert {twin.alike for twin in compare(one, other).twins} == {"not compared"}


def test_each_backend_is_compared_with_itself(record, compare):
    both = [record(numpy="sound", torch="nudged"), record(jax="sound", torch="nudged")]
    assert {(t.a, t.b) for t in compare(*both).twins} == {("torch:scratch@a", "torch:scratch@b")}


def test_versions_of_one_framework_are_twins_too(record, compare):
    comparison = compare(record(jax="sound"), record(**{"jax@0.9.2": "sound"}))
    assert {(t.a, t.b) for t in comparison.twins} == {("jax:scratch", "jax:scratch@0.9.2")}


def test_lines_that_differ_and_no_others(record, compare):
    here = {"processor": "one", "blas": "the same", "OMP_NUM_THREADS": "1"}
    there = {"processor": "another", "blas": "the same"}
    one = record(manifests=here, numpy="sound", torch="sound")
    other = record(manifests=there, numpy="sound", torch="sound")
    run = dataclasses.replace(other.run, versions=other.run.versions | {"torch:scratch": "2.0"})
    lines = compare(one, dataclasses.replace(other, run=run)).lines
    both = ("numpy:scratch", "torch:scratch")
    assert [dataclasses.astuple(line) for line in lines] == [
        ("processor", "a", "b", "one", "another", both),
        ("OMP_NUM_THREADS", "a", "b", "1", "", both),
        ("version", "a", "b", "1.0", "2.0", ("torch:scratch",)),
    ]


def test_three_recordings_are_three_comparisons(record, compare):
    comparison = compare(record(), record(), record(numpy="nudged"))
    found = [(t.a[-1], t.b[-1], t.alike) for t in comparison.twins if t.dtype == "float32"]
    assert found == [
        ("a", "b", "same bits"),
        ("a", "c", "within rounding"),
        ("b", "c", "within rounding"),
    ]
    assert len(comparison.run.pairs) == 3 * 2
