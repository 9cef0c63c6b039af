"""Truths and budgets: computed once each, and nobody waits for what somebody else needs."""

from __future__ import annotations

import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.truths import Truths

CASE = RECIPES["unit"].build("float32", 0)
FORWARD = CHECKS["forward"]
PATIENCE = 30.0  # seconds; what is tested takes milliseconds


def check(requirement):
    return dataclasses.replace(FORWARD, name="slow", requirement=requirement)


@pytest.fixture
def threads():
    with ThreadPoolExecutor(4) as executor:
        yield executor


def test_a_long_computation_does_not_hold_up_another_thread(threads):
    started, go_on = threading.Event(), threading.Event()

    def slow(lstm, case):
        started.set()
        assert go_on.wait(PATIENCE)
        return FORWARD.requirement(lstm, case)

    truths = Truths()
    long = threads.submit(truths.of, check(slow), CASE)
    try:
        assert started.wait(PATIENCE)
        found = threads.submit(truths.of, FORWARD, CASE).result(PATIENCE)
        assert found.truth["y"].shape == (1, 1, 1)
        assert not long.done()
    finally:
        go_on.set()
    assert set(long.result(PATIENCE).truth) == {"y", "h_n", "c_n"}


def test_what_several_threads_need_at_once_is_computed_once(threads):
    calls, together = [], threading.Barrier(4)

    def counted(lstm, case):
        calls.append(lstm)
        return FORWARD.requirement(lstm, case)

    truths, alone = Truths(), Truths()
    alone.of(check(counted), CASE)
    once = len(calls)

    def ask():
        together.wait(PATIENCE)
        return truths.of(check(counted), CASE)

    found = [future.result(PATIENCE) for future in [threads.submit(ask) for _ in range(4)]]
    assert len(calls) == 2 * once
    assert len({id(one.truth) for one in found}) == 1


def test_a_failed_computation_is_told_and_tried_again():
    def fails(lstm, case):
        raise ZeroDivisionError

    truths = Truths()
    with pytest.raises(ZeroDivisionError):
        truths.of(check(fails), CASE)
    assert truths.of(check(FORWARD.requirement), CASE).truth["y"].shape == (1, 1, 1)
