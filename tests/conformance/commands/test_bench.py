"""`gateparity bench` as a user meets it: a table, an exit code, JSON, one line for bad input."""

from __future__ import annotations

import json

import pytest

from gateparity.conformance.bench.measure import Bench, Timing
from gateparity.conformance.bench.statistics import Spread
from gateparity.conformance.commands.bench import exit_code
from tests.command import run_command


def run(*args, **env):
    return run_command("bench", *args, env=env)


def test_a_table_and_the_same_as_json(tmp_path):
    file = tmp_path / "bench.json"
    done = run("-b", "numpy", "--quick", "--seconds", "0", "--json", str(file))
    assert done.returncode == 0, done.stderr
    assert "numpy:scratch" in done.stdout
    assert "targets: " in done.stdout
    assert done.stderr == ""  # no bar where there is no terminal
    assert json.loads(file.read_text())["timings"][0]["size"] == "small"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--size", "larg"], "unknown size 'larg' (did you mean large?): expected one of small"),
        (["-b", "nunpy"], "unknown backend 'nunpy' (did you mean numpy?)"),
        (["-b", "numpy", "--json", "no/such/file"], "there is no folder"),
    ],
)
def test_bad_input_is_one_line(args, words):
    done = run(*args)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_missed_target_fails_only_where_that_is_asked_for():
    slow = Spread(9.0, 8.0, 10.0)
    timing = Timing("torch:scratch", "small", "forward", 5, slow, 1.0, framework=slow)
    bench = Bench(0, 0, "wall", timings=[timing])
    assert exit_code(bench, strict=False) == 0
    assert exit_code(bench, strict=True) == 1
    bench.errors["jax:layer"] = "its worker died"
    assert exit_code(bench, strict=True) == 2
