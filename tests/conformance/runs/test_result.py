"""The exit code that follows from what was found, and the command that repeats a failure."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from gateparity.backends.backend import Backend
from gateparity.conformance.runs.result import Pair, Result, Run, repeat_command, replay_command

ROWS = {
    name: Backend(name, "layer", f"gateparity.backends.{name}.layer:Layer", Path(sys.executable))
    for name in ("torch", "jax", "mxnet")
}
ROWS["torch:scratch"] = Backend(
    "torch", "scratch", "gateparity.backends.torch.scratch:Scratch", None
)


def result(backend, status="pass", max_error=None, **changes):
    error = 1e-7 if status == "pass" else max_error
    fields = {"check": "forward", "case": "unit", "dtype": "float32", **changes}
    return Result(ROWS[backend], status=status, max_error=error, **fields)


def run(*results, pairs=()):
    backends = tuple(dict.fromkeys(one.backend for one in results))
    return Run(backends, results, tuple(pairs), {}, seed=0, seconds=1.0, transport_seconds=0.1)


def pair(status):
    return Pair("torch:layer", "jax:layer", "float32", status)


TWO = (result("torch"), result("jax"))


@pytest.mark.parametrize(
    ("found", "pairs", "code"),
    [
        (TWO, (pair("pass"),), 0),
        ((*TWO, result("jax", "skip")), (), 0),
        ((*TWO, result("jax", "known", 1.0)), (), 0),
        ((result("torch"), result("jax", "known", 1.0)), (), 0),  # both have computed
        ((result("torch", "fail", 1.0), result("jax", "known", 1.0)), (), 1),
        ((*TWO, result("mxnet", "skip")), (), 0),
        (TWO, (pair("skip"),), 0),
        ((*TWO, result("mxnet", "fail", 1.0)), (), 1),
        ((*TWO, result("mxnet", "fail")), (), 1),  # undeclared Unsupported
        (TWO, (pair("pass"), pair("fail")), 1),
        ((result("torch", "fail", 1.0), result("jax", "error")), (), 1),  # 1 wins over 2
        ((result("torch", "fail", 1.0),), (), 1),
        ((result("torch", "error"), *TWO), (pair("fail"),), 1),
        ((*TWO, result("mxnet", "error")), (), 2),
        ((*TWO, result("jax", "error")), (), 2),
        ((result("torch"),), (), 2),  # one alone
        ((result("torch"), result("torch:scratch")), (pair("pass"),), 2),  # of one framework
        ((result("torch"), result("jax", "skip")), (pair("skip"),), 2),
        ((result("torch", "skip"), result("jax", "skip")), (), 2),
        ((), (), 2),
    ],
)
def test_exit_codes(found, pairs, code):
    one = run(*found, pairs=pairs)
    assert one.exit_code == code
    assert one.verdict == ("agrees", "differs", "incomplete")[code]


def test_a_backend_ran_if_it_computed_something():
    found = run(*TWO, result("mxnet", "skip"), result("torch:scratch", "error"))
    assert found.ran == {"torch", "jax"}


def test_other_interpreters_are_other_backends():
    backend = Backend("torch@/opt/env", "layer", "gateparity.backends.torch.layer:Layer", None)
    other = Result(backend, "forward", "unit", "float32", "pass", 1e-7)
    assert run(result("torch"), other).exit_code == 0


def test_the_repeat_command():
    failed = result("jax", "fail", 1.0, check="layers", case="stacked")
    assert repeat_command(failed, 7) == (
        "gateparity check --backend numpy --backend jax:layer "
        "--check layers --case stacked --seed 7"
    )
    assert repeat_command(failed, 7, "--text book.txt") == (
        "gateparity check --backend numpy --backend jax:layer "
        "--check layers --text book.txt --seed 7"
    )


@pytest.mark.parametrize(
    ("name", "variant", "backends"),
    [
        ("numpy", "scratch", "--backend numpy:scratch"),  # which no other NumPy makes two of
        ("numpy@1.26", "scratch", "--backend numpy --backend numpy:scratch@1.26"),
        ("mypkg", "", "--backend numpy --backend mypkg"),
    ],
)
def test_numpy_runs_beside_what_is_repeated_also_where_it_was_recorded(name, variant, backends):
    found = Result(Backend(name, variant, "", None), "forward", "unit", "float32", "fail")
    assert repeat_command(found, 0).startswith(f"gateparity check {backends} --check forward")


@pytest.mark.parametrize(
    ("name", "variant", "options"),
    [
        ("torch", "layer", ""),
        ("torch@2.1", "layer", " --backend torch:layer@2.1"),  # else the pinned one would run
        ("jax", "nnx", " --backend jax:nnx"),
        ("mypkg.lstm", "LSTM", " --backend mypkg.lstm:LSTM"),
        ("my-lstm", "", " --backend my-lstm"),
        ("mine@/my envs", "LSTM", " --backend 'mine:LSTM@/my envs'"),
    ],
)
def test_the_replay_command_names_what_a_file_alone_may_not_run(name, variant, options):
    backend = Backend(name, variant, "", None)
    assert replay_command(backend, "'a b'") == f"gateparity replay 'a b'{options}"


def test_a_shell_takes_the_repeat_command_as_it_is():
    backend = Backend("torch@/my envs/$new", "layer", "gateparity.backends.torch.layer:Layer", None)
    command = repeat_command(Result(backend, "forward", "unit", "float32", "fail", 1.0), 0)
    assert "torch:layer@/my envs/$new" in shlex.split(command)


def test_arrays_are_no_part_of_a_results_identity():
    assert result("jax") == Result(*vars(result("jax")).values()) == result("jax", arrays={"y": 1})
    for name in ("arrays", "shifts", "seconds"):  # what is large, or no two runs have alike
        assert name not in repr(result("jax"))
        assert result("jax", **{name: 1}) == result("jax")
    for name in ("sigmas", "shift", "reason"):
        assert result("jax", **{name: 1}) != result("jax")
