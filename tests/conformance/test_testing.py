"""A test module of a user's own that inherits the suite, in a pytest of its own."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys

import pytest

from gateparity.backends.backend import Backend
from gateparity.conformance.runs.groups import group_tasks, task_id
from gateparity.conformance.runs.plan import suite_plan
from gateparity.conformance.runs.result import Result
from gateparity.conformance.testing import settle

FORWARD = len(group_tasks(suite_plan((), ("forward",), 0)))
HEAD = """
import dataclasses

import gateparity
from gateparity import ParityTests
from gateparity.backends.numpy.scratch import Scratch
"""
RIGHT = """

class TestRight(ParityTests):
    adapter = Scratch
    checks = ("forward", "gates")
"""
FEW = """    cases = ("sequence", "unit")
"""
WRONG = """

class Wrong(Scratch):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        return dataclasses.replace(found, y=2 * found.y)


class TestWrong(ParityTests):
    adapter = Wrong()
    checks = ("forward",)
"""
NO_BIAS = """

class NoBias(Scratch):
    def forward(self, config, params, batch):
        with open("calls", "a") as file:
            file.write(".")
        bare = {n: a.clip(0, 0) if ".b_" in n else a for n, a in params.items()}
        return super().forward(config, bare, batch)


class TestNoBias(ParityTests):
    adapter = NoBias
    checks = ("forward", "sizes")
"""
RAISES = """

class Raises(Scratch):
    def forward(self, config, params, batch):
        raise ZeroDivisionError("first\\nsecond")


class TestRaises(ParityTests):
    adapter = Raises
    checks = ("forward",)
    cases = ("unit",)
"""
REFUSES = """

class Refuses(Scratch):
    unsupported = {"gates": "it keeps its gates to itself"}

    def forward(self, config, params, batch):
        raise gateparity.Unsupported("not on Sundays")


class TestRefuses(ParityTests):
    adapter = Refuses
    checks = ("forward", "gates")
    cases = ("sequence",)
"""
MISSPELLS = """

class Misspells(Scratch):
    unsupported = {"lenghts": "all must be full"}
"""
STARTS = """

class Starts(Scratch):
    def __init__(self):
        super().__init__()
        with open("starts", "a") as file:
            file.write("start ")


class TestStarts(ParityTests):
    adapter = Starts
    checks = ("forward",)
"""


@pytest.fixture
def run(tmp_path):
    """Run pytest in a folder with one test module in it: warnings are errors, markers strict."""

    def run(*parts, options=()):
        (tmp_path / "test_mine.py").write_text("".join([HEAD, *parts]))
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV"))}
        strict = ("-W", "error", "--strict-markers", "--strict-config", "-p", "no:cacheprovider")
        return subprocess.run(
            [sys.executable, "-m", "pytest", *strict, *options],
            cwd=tmp_path,
            env=environ | {"PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_test_for_each_check_case_and_dtype(run):
    done = run(RIGHT, options=["-rA", "-v"])
    assert done.returncode == 0, done.stdout
    passed = re.findall(r"^PASSED (.*)$", done.stdout, re.MULTILINE)
    ids = [task_id(tasks) for tasks in group_tasks(suite_plan((), ("forward", "gates"), 0))]
    assert passed == [f"test_mine.py::TestRight::test_parity[{name}]" for name in ids]


def test_the_base_class_is_no_test_itself(run):
    assert "collected 0 items" in run().stdout


def test_a_failure_tells_what_differs_and_the_command_that_repeats_it(run, tmp_path):
    done = run(WRONG, FEW, options=["--gateparity-seed", "5"])
    assert done.returncode == 1
    count = len(suite_plan(("sequence", "unit"), ("forward",), 0))
    assert f"{count} failed" in done.stdout
    assert "Traceback" not in done.stdout
    reason = re.search(r"^fail: (y\[.*)$", done.stdout, re.MULTILINE)[1]
    repeat = shlex.split(re.search(r"^repeat: (pytest .*)$", done.stdout, re.MULTILINE)[1])
    assert repeat[-2:] == ["--gateparity-seed", "5"]
    again = run(WRONG, FEW, options=repeat[1:])
    assert "1 failed" in again.stdout
    assert f"fail: {reason}\n" in again.stdout


def test_a_failure_tells_which_known_mistake_it_is(run):
    done = run(NO_BIAS)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    failed = [k for k, line in enumerate(lines) if line.startswith("fail: ")]
    assert failed
    words = "it behaves exactly as if the biases were left out"
    assert {lines[k + 1] for k in failed} == {words}
    assert all(lines[k + 2].startswith("repeat: pytest ") for k in failed)


def test_what_a_class_behaves_like_is_searched_once(run, tmp_path):
    counts = []
    for options in (("-k", "forward and sequence and float32"), ("-k", "forward and sequence")):
        (tmp_path / "calls").unlink(missing_ok=True)
        run(NO_BIAS, options=options)
        counts.append(len((tmp_path / "calls").read_text()))
    assert counts[1] == counts[0] + 1  # no more than that test's own call


LAYERS = """

import numpy as np
from gateparity.network.parameters import build_parameters

CONFIG = gateparity.Config(3, 4)
PARAMS = build_parameters(CONFIG, lambda _, shape: np.full(shape, 0.1, "float32"))
LAYER = gateparity.Weights(CONFIG, PARAMS)


class TestAsAMethod(ParityTests):
    def layers(self):
        return LAYER, LAYER


class TestAsAFunction(ParityTests):
    def layers():
        return LAYER, LAYER


class TestAsAProperty(ParityTests):
    @property
    def layers(self):
        return [LAYER, LAYER]


class TestThree(ParityTests):
    layers = (LAYER, LAYER, LAYER)
"""


def test_layers_are_a_pair_or_what_makes_one(run):
    done = run(LAYERS)
    assert "3 passed" in done.stdout
    assert "layers is tuple of 3, expected a pair of layers" in done.stdout


def test_an_exception_is_told_with_its_traceback(run):
    done = run(RAISES)
    assert "2 failed" in done.stdout
    assert re.search(
        r"error: ZeroDivisionError: first second \(test_mine\.py, line \d+\)\n", done.stdout
    )
    assert re.search(r'File ".*test_mine.py", line \d+, in forward', done.stdout)


def test_what_it_cannot_do_is_skipped_with_the_reason(run):
    done = run(REFUSES, options=["-rs"])
    assert (done.returncode, "4 skipped" in done.stdout) == (0, True)
    assert "not on Sundays" in done.stdout
    assert "it keeps its gates to itself" in done.stdout


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("skip", pytest.skip), ("known", pytest.xfail), ("fail", pytest.fail), ("error", pytest.fail)],
)
def test_a_result_is_an_outcome(status, outcome):
    backend = Backend("mine", "LSTM", "", None)
    with pytest.raises(outcome.Exception, match="it does"):
        settle(Result(backend, "forward", "unit", "float32", status, reason="it does"), "command")
    settle(Result(backend, "forward", "unit", "float32", "pass"), "command")


def test_a_class_has_one_adapter_for_all_its_tests(run, tmp_path):
    assert run(STARTS).returncode == 0
    assert (tmp_path / "starts").read_text() == "start "


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("checks = ('forward',)", "TestMine names no adapter, expected `adapter = MyLSTM` in it"),
        ("adapter = 3", "TestMine.adapter: builtins:int is no adapter: it has no method forward"),
        (
            "adapter = Misspells",
            "TestMine.adapter: test_mine:Misspells is no adapter: unsupported has",
        ),
        ("adapter = Scratch; checks = ('forwad',)", "TestMine: unknown check 'forwad' (did you"),
        ("adapter = Scratch; cases = ('none',)", "TestMine: unknown case 'none'"),
    ],
)
def test_a_mistake_in_the_class_is_told_in_one_line(run, body, words):
    done = run(MISSPELLS, f"\n\nclass TestMine(ParityTests):\n    {body}\n")
    assert done.returncode in (1, 2)
    assert words in done.stdout
    assert "Traceback" not in done.stdout
    assert "During handling" not in done.stdout


def test_a_class_that_cannot_start_here_is_skipped(run):
    refuses = "\n    def __init__(self):\n        raise gateparity.Unsupported('no licence')\n"
    done = run(
        f"\n\nclass Mine(Scratch):{refuses}\n\nclass TestMine(ParityTests):\n"
        "    adapter = Mine\n    checks = ('forward',)\n",
        options=["-rs"],
    )
    assert (done.returncode, f"{FORWARD} skipped" in done.stdout) == (0, True)
    assert "no licence" in done.stdout


def test_the_same_on_several_processes(run):
    pytest.importorskip("xdist")
    outcomes = []
    for options in ((), ("-n", "2"), ("-n", "2", "--dist", "loadgroup")):
        done = run(RIGHT, FEW, WRONG, FEW, REFUSES, options=["-rA", *options])
        found = re.findall(r"^(PASSED|FAILED) \S*?(::\S+?\])", done.stdout, re.MULTILINE)
        repeats = re.findall(r"^repeat: (.*)$", done.stdout, re.MULTILINE)
        outcomes.append((sorted(found), sorted(repeats), done.returncode))
        assert "4 skipped" in done.stdout
    few = [
        suite_plan(("sequence", "unit"), checks, 0)
        for checks in (("forward", "gates"), ("forward",))
    ]
    assert len(outcomes[0][0]) == sum(map(len, few))
    assert outcomes[0] == outcomes[1] == outcomes[2]
