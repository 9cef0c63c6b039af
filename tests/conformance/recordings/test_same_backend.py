"""One backend recorded twice: to the last bit, within rounding or beyond; and what may be why."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity.conformance.judgement.differences import other_bits


def by_dtype(comparison):
    return {pair.dtype: pair for pair in comparison.same_backend}


def test_the_same_bits(record, compare):
    for pair in compare(record(), record()).same_backend:
        assert pair.alike == "same bits"
        assert (pair.a, pair.b) == ("numpy:scratch@a", "numpy:scratch@b")
        assert pair.compared == pair.same_bits > 0
        assert (pair.sigmas, pair.first) == (0.0, "")


def test_other_bits_within_rounding(record, compare):
    comparison = compare(record(), record(numpy="nudged"))
    pair = by_dtype(comparison)["float32"]
    assert pair.alike == "within rounding"
    assert 0 < pair.same_bits < pair.compared
    assert 0 < pair.sigmas < 8
    assert pair.first.startswith("forward, sequence: y[0, ")
    assert "(layer 0, step 0" in pair.first
    a, b = (run.run.results[0].arrays["y"] for run in comparison.recordings.values())
    at = tuple(int(i) for i in pair.first.split("[")[1].split("]")[0].split(","))
    assert pair.first.endswith(f": {a[at]:.9g} and {b[at]:.9g}")
    assert comparison.run.verdict == "agrees"


def test_beyond_rounding(record, compare):
    comparison = compare(record(), record(numpy="shifted"))
    for pair in comparison.same_backend:
        assert pair.alike == "beyond rounding"
        assert pair.sigmas > 8
    assert comparison.run.exit_code == 1


def test_equal_numbers_of_other_bits(record, compare):
    one = record(["lengths"], ["ragged"])
    results = [
        dataclasses.replace(r, arrays={n: np.where(a == 0, -a, a) for n, a in r.arrays.items()})
        for r in one.run.results
    ]
    other = dataclasses.replace(one, run=dataclasses.replace(one.run, results=tuple(results)))
    assert other_bits(one.run.results[0].arrays, other.run.results[0].arrays)
    for pair in compare(one, other).same_backend:
        assert pair.alike == "within rounding"
        assert pair.sigmas == 0
        assert "other bits of equal numbers" in pair.first


@pytest.mark.parametrize(
    ("other", "alike"),
    [("sound", "same bits"), ("nudged", "within rounding"), ("shifted", "beyond rounding")],
)
def test_of_one_that_had_no_gradients_yet_outputs_are_compared(record, compare, other, alike):
    """Whichever came first."""
    work = ["lengths"], ["ragged"]
    both = record(*work, numpy="forward only"), record(*work, numpy=other)
    for recordings in (both, both[::-1]):
        for pair in compare(*recordings).same_backend:
            assert pair.alike == alike
            assert (": y[" in pair.first) == (alike != "same bits")


def test_nothing_that_both_answered(record, compare):
    one = record(["forward"], ["unit"])
    results = [dataclasses.replace(r, status="skip", arrays=None) for r in one.run.results]
    other = dataclasses.replace(one, run=dataclasses.replace(one.run, results=tuple(results)))
    assert {pair.alike for pair in compare(one, other).same_backend} == {"not compared"}


def test_each_backend_is_compared_with_itself(record, compare):
    both = [record(numpy="sound", torch="nudged"), record(jax="sound", torch="nudged")]
    found = {(pair.a, pair.b) for pair in compare(*both).same_backend}
    assert found == {("torch:scratch@a", "torch:scratch@b")}


def test_versions_of_one_framework_are_compared_too(record, compare):
    comparison = compare(record(jax="sound"), record(**{"jax@0.9.2": "sound"}))
    assert {(t.a, t.b) for t in comparison.same_backend} == {("jax:scratch", "jax:scratch@0.9.2")}


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
    found = [(t.a[-1], t.b[-1], t.alike) for t in comparison.same_backend if t.dtype == "float32"]
    assert found == [
        ("a", "b", "same bits"),
        ("a", "c", "within rounding"),
        ("b", "c", "within rounding"),
    ]
    assert len(comparison.run.pairs) == 3 * 2
