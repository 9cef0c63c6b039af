"""Rows that run at once share the cores."""

from __future__ import annotations

import os

import pytest

from gateparity.backends.spec import parse_backends
from gateparity.conformance.runs.pool import BackendAtDtype, run_in_workers

ROWS = [BackendAtDtype(parse_backends(["numpy"])[0], dtype) for dtype in ("float32", "float64")]


def ask(backend, adapter):
    return adapter._worker.call("apply", "os:getenv", "OMP_NUM_THREADS")


def fail(backend, trouble, reason):
    raise AssertionError(reason)


@pytest.mark.parametrize(
    ("cores", "backends", "threads"),
    [(8, ROWS, "4"), (2, ROWS, "1"), (1, ROWS, "1"), (3, ROWS[:1], "3")],
)
def test_a_worker_gets_its_share_of_the_cores(monkeypatch, cores, backends, threads):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert run_in_workers(backends, ask, fail, 60) == [threads] * len(backends)


@pytest.mark.parametrize(("own", "policy"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_that_wait_leave_the_cores_free_unless_the_user_says_otherwise(
    monkeypatch, own, policy
):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    if own:
        monkeypatch.setenv("OMP_WAIT_POLICY", own)

    def ask_policy(backend, adapter):
        return adapter._worker.call("apply", "os:getenv", "OMP_WAIT_POLICY")

    assert run_in_workers(ROWS, ask_policy, fail, 60) == [policy] * 2


def test_the_users_own_number_of_threads_is_left_alone(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert run_in_workers(ROWS, ask, fail, 60) == ["7", "7"]
