"""Where the time went: every second of every thread is counted once."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from gateparity.backends.backend import Backend
from gateparity.backends.spec import parse_backends
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.reports.blocks import Report
from gateparity.conformance.reports.profile import profile_section
from gateparity.conformance.reports.record import to_json
from gateparity.conformance.reports.terminal import print_report
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.requirements.task import Task
from gateparity.conformance.runs.plan import Source
from gateparity.conformance.runs.profile import PHASES, Clock, Profile, make_profile, measure, spend
from gateparity.conformance.runs.run import run_checks

PLAN = [Task(CHECKS["forward"], RECIPES["unit"].build("float32", 0))]
SLEEP = 0.4
ADAPTERS = f"""
import os, time
from gateparity.backends.numpy.scratch import Scratch

class Slow(Scratch):
    def forward(self, *args):
        time.sleep({SLEEP})
        return super().forward(*args)

class SlowToLoad(Scratch):
    def __init__(self):
        time.sleep({SLEEP})
        super().__init__()

class Dies(Scratch):
    def forward(self, *args):
        time.sleep({SLEEP})
        os._exit(3)
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(ADAPTERS)

    def start(*names, **options):
        backends = [
            Backend("mine", name, f"mine:{name}", Path(sys.executable), shipped=False)
            for name in names
        ]
        return run_checks([*parse_backends(["numpy"]), *backends], PLAN, seed=0, **options)

    return start


def test_a_block_inside_another_is_counted_once():
    clock = Clock("one")
    start = time.perf_counter()
    with clock.measure("judging"):
        time.sleep(0.02)
        with measure("truth"):
            time.sleep(0.02)
            with measure("budget"):
                time.sleep(0.02)
        spend("calls", 0.01)
    whole = time.perf_counter() - start
    assert sum(clock.seconds.values()) == pytest.approx(whole, abs=0.005)
    assert clock.seconds["calls"] == 0.01
    assert min(clock.seconds[name] for name in ("truth", "budget")) >= 0.02
    assert 0.01 <= clock.seconds["judging"] < whole - 0.04


def test_without_a_clock_nothing_is_measured():
    with measure("truth"):
        spend("calls", 1.0)


def test_the_seconds_of_each_thread_add_up_to_the_wall_time(run):
    found = run("Slow", "SlowToLoad")
    profile = found.profile
    assert profile.wall == found.seconds
    assert set(profile.threads) == {"numpy", "mine:Slow", "mine:SlowToLoad", "gateparity"}
    for seconds in profile.threads.values():
        assert tuple(seconds) == PHASES
        assert sum(seconds.values()) == pytest.approx(profile.wall)
        assert min(seconds.values()) >= 0
    assert sum(profile.total.values()) == pytest.approx(4 * profile.wall)


def test_each_second_is_counted_where_it_was_spent(run):
    found = run("Slow", "SlowToLoad")
    threads, total = found.profile.threads, found.profile.total
    assert threads["mine:Slow"]["calls"] >= SLEEP > threads["mine:SlowToLoad"]["calls"]
    assert threads["mine:SlowToLoad"]["start-up"] >= SLEEP
    assert all(threads[name]["start-up"] > 0 for name in threads if name != "gateparity")
    assert total["compilation"] == 0
    assert total["budget"] > 0
    assert total["transport"] == pytest.approx(found.transport_seconds)


def test_a_call_that_was_lost_is_a_call(run):
    seconds = run("Dies").profile.threads["mine:Dies"]
    assert seconds["calls"] >= SLEEP
    assert seconds["transport"] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("framework", ["jax", "tensorflow"])
def test_compilation_is_counted_where_a_framework_compiles(find_backend, framework):
    backend = find_backend(framework)
    compiled, once = (
        Task(CHECKS["forward"], RECIPES[n].build("float32", 0)) for n in ("zero_states", "unit")
    )
    both = run_checks([backend], [compiled, once], seed=0)
    (seconds, _) = both.profile.threads.values()
    assert seconds["compilation"] > 0
    forms = {"jax": "compiled", "tensorflow": "operation by operation"}
    assert [result.form for result in both.results] == ["compiled", forms[framework]]
    if framework == "tensorflow":
        alone = run_checks([backend], [once], seed=0)
        assert alone.profile.total["compilation"] == 0


def test_json_has_the_profile(run):
    found = run("Slow")
    profile = to_json(found, Source())["profile"]
    assert profile["wall"] == found.seconds
    assert tuple(profile["all"]) == PHASES
    for seconds in profile["threads"].values():
        assert sum(seconds.values()) == pytest.approx(profile["wall"], abs=1e-4)


def test_the_printed_table_fits_80_columns_and_has_each_phase():
    clocks = [
        Clock(name) for name in ("tensorflow", "torch", "jax", "mxnet", "numpy", "gateparity")
    ]
    for clock in clocks:
        clock.seconds |= dict.fromkeys(PHASES, 123.4) | {"idle": 0.0}
    text = printed(make_profile(1000.0, clocks))
    assert max(map(len, text.splitlines())) <= 80
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()}
    assert rows["calls"] == ["123.4"] * 6 + ["740.4"]
    assert rows["idle"] == ["136.2"] * 6 + ["817.2"]
    assert rows["wall"] == ["1000.0"] * 6 + ["6000.0"]
    assert set(PHASES) <= set(rows)


def printed(profile: Profile) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=80, force_terminal=False)
    print_report(Report("", [profile_section(profile)], "", 0), console)
    return stream.getvalue()
