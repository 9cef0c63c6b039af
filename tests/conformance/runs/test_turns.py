"""Backends that take turns in one worker: a crash or a hang costs its own backend alone."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from gateparity.backends.backend import Backend
from gateparity.backends.spec import parse_backends
from gateparity.backends.workers.remote import open_worker
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.requirements.task import Task
from gateparity.conformance.runs import pool
from gateparity.conformance.runs.pool import WorkerPool
from gateparity.conformance.runs.run import run_checks
from gateparity.conformance.runs.session import Session
from gateparity.conformance.runs.truths import Truths

CASE = RECIPES["unit"].build("float32", 0)
FORWARD = CHECKS["forward"]
ADAPTERS = """
import dataclasses, os, time
from gateparity.backends.numpy.scratch import Scratch

class Right(Scratch):
    @property
    def settings(self):
        return {"process": str(os.getpid())}

class Other(Right):
    pass

class Wrong(Right):
    def forward(self, *args):
        found = super().forward(*args)
        return dataclasses.replace(found, y=found.y + 1)

class Crashes(Right):
    def forward(self, *args):
        os._exit(3)

class Hangs(Right):
    def forward(self, *args):
        time.sleep(600)

class Missing(Right):
    def __init__(self):
        raise ImportError("no such framework")
"""


@pytest.fixture
def backend(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(ADAPTERS)
    return lambda name: Backend("mine", name, f"mine:{name}", Path(sys.executable), shipped=False)


@pytest.fixture
def turns(backend):
    """Sessions that share one worker."""
    with WorkerPool(10.0) as workers:
        start, truths = workers.share(), Truths()
        yield lambda name: Session(backend(name), truths, start, shared=True)


def test_two_backends_run_in_one_process_in_any_order(turns):
    one, two = turns("Right"), turns("Wrong")
    statuses = [session.run(FORWARD, CASE).status for session in (one, two, one, one, two)]
    assert statuses == ["pass", "fail", "pass", "pass", "fail"]
    assert one.manifest["process"] == two.manifest["process"]
    assert one._worker is two._worker


@pytest.mark.parametrize("name", ["Crashes", "Hangs", "Missing"])
def test_the_next_backend_passes_in_another_worker(turns, name):
    first, second = turns(name), turns("Right")
    broken = first.run(FORWARD, CASE)
    assert broken.status == "error"
    assert second.run(FORWARD, CASE).status == "pass"
    assert first.run(FORWARD, CASE).reason == broken.reason  # lost, and not started again


def test_a_worker_that_was_killed_between_two_backends_costs_neither(turns):
    first, second = turns("Right"), turns("Other")
    assert first.run(FORWARD, CASE).status == "pass"
    first.close()
    killed = int(first.manifest["process"])
    os.kill(killed, signal.SIGKILL)
    assert second.run(FORWARD, CASE).status == "pass"
    assert int(second.manifest["process"]) != killed


def test_transport_is_counted_for_each_backend_alone_and_without_the_start(turns):
    one, two = turns("Right"), turns("Other")
    worker, seen = None, []
    for session in (one, two):
        session.load()
        worker = session._worker
        seen.append(worker.transport_seconds)
        session.run(FORWARD, CASE)
        seen.append(worker.transport_seconds)
        session.close()
    assert one.transport_seconds == pytest.approx(seen[1] - seen[0])
    assert two.transport_seconds == pytest.approx(seen[3] - seen[2])
    assert 0 < two.transport_seconds < worker.transport_seconds - one.transport_seconds


@pytest.fixture
def started(monkeypatch):
    """The workers that a run starts."""
    workers = []

    def note(*arguments):
        workers.append(open_worker(*arguments))
        return workers[-1]

    monkeypatch.setattr(pool, "open_worker", note)
    return workers


@pytest.fixture
def variants(torch_backend):
    layer = parse_backends([torch_backend.label.replace("scratch", "layer", 1)])
    return [torch_backend, *layer]


@pytest.mark.parametrize(("isolate", "count"), [(False, 1), (True, 2)])
def test_variants_of_a_framework_share_a_worker_unless_isolated(variants, started, isolate, count):
    run = run_checks(variants, [Task(FORWARD, CASE)], seed=0, isolate=isolate)
    assert [result.status for result in run.results] == ["pass", "pass"]
    assert [result.backend for result in run.results] == variants
    assert len(started) == count


def test_in_a_run_the_first_variant_crashes_and_the_second_passes(variants, started):
    def kill(result):
        if result.backend == variants[0]:
            started[0]._gateway._io.popen.kill()

    plan = [Task(FORWARD, RECIPES["unit"].build(dtype, 0)) for dtype in ("float32", "float64")]
    run = run_checks(variants, plan, seed=0, progress=kill)
    assert [result.status for result in run.results] == ["pass", "error", "pass", "pass"]
    assert "its worker died during" in run.results[1].reason
    assert list(run.profile.threads) == [variants[0].name, "gateparity"]
    assert len(started) == 2
