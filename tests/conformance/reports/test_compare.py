"""Runs of several machines as one: what is joined, what is refused, and with what verdict."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateparity.backends.spec import Backend
from gateparity.conformance.reports.compare import join_files, uncompared_pairs
from gateparity.conformance.reports.record import Record, read_json, to_json, write_json
from gateparity.conformance.result import Pair, Result, Run
from gateparity.conformance.source import Source, source_of
from gateparity.errors import InputError

NUMPY, TORCH, JAX = (
    Backend(name, "scratch", f"gateparity.backends.{name}:Scratch", Path(sys.executable))
    for name in ("numpy", "torch", "jax")
)
CHECKS = ("forward", "gates")


def results(row, status="pass", sigmas=1.0, reason=""):
    return [
        Result(row, check, "unit", dtype, status, 1e-8, reason, sigmas)
        for dtype in ("float32", "float64")
        for check in CHECKS
    ]


def pairs(*rows, status="pass"):
    return [
        Pair(a.label, b.label, dtype, status, 1e-8, "", 2.0)
        for a, b in itertools.combinations(rows, 2)
        for dtype in ("float32", "float64")
    ]


def make_run(*rows, status="pass", **changes):
    found = [result for row in rows for result in results(row, status)]
    versions = {row.label: "1.0" for row in rows}
    run = Run(rows, tuple(found), tuple(pairs(*rows)), versions, 0, 10.0, 1.0)
    return dataclasses.replace(run, **changes)


@pytest.fixture
def join(tmp_path):
    """Write the runs as their machines would, and join them."""

    def join(*runs):
        paths = [tmp_path / f"{name}.json" for name, _ in zip("abcdef", runs, strict=False)]
        for path, run in zip(paths, runs, strict=True):
            write_json(run, path, Source())
        return join_files(paths).run

    return join


def test_a_file_is_read_as_it_was_written(tmp_path):
    run = make_run(NUMPY, TORCH, seed=7, seconds=12.5)
    source = Source("--text 'a b.txt'", "abc")
    write_json(run, tmp_path / "run.json", source)
    found = read_json(tmp_path / "run.json")
    assert to_json(found) == to_json(Record(run, source))
    assert [row.label for row in found.run.rows] == ["numpy:scratch", "torch:scratch"]
    assert (found.run.exit_code, found.source) == (run.exit_code, source)


def test_one_file_is_that_run(join):
    run = make_run(NUMPY, TORCH)
    assert to_json(Record(join(run), Source())) == to_json(Record(run, Source()))


def test_rows_and_results_are_united(join):
    run = join(make_run(NUMPY, TORCH), make_run(NUMPY, JAX))
    assert [row.label for row in run.rows] == ["numpy:scratch", "torch:scratch", "jax:scratch"]
    assert len(run.results) == 3 * 4
    assert [(p.a, p.b) for p in run.pairs if p.dtype == "float32"] == [
        ("numpy:scratch", "torch:scratch"),
        ("numpy:scratch", "jax:scratch"),
    ]
    assert uncompared_pairs(run) == 1  # torch and jax
    assert (run.seconds, run.transport_seconds, run.exit_code) == (20.0, 2.0, 0)


def test_backends_of_two_machines_are_a_comparison(join):
    assert make_run(NUMPY).exit_code == make_run(JAX).exit_code == 2
    run = join(make_run(NUMPY), make_run(JAX))
    assert (run.exit_code, run.pairs, uncompared_pairs(run)) == (0, (), 1)


@pytest.mark.parametrize(("status", "code"), [("fail", 1), ("error", 2), ("skip", 0)])
def test_the_exit_code_follows_from_all_of_them(join, status, code):
    run = join(make_run(NUMPY, TORCH), make_run(JAX, status=status))
    assert run.exit_code == code


def test_what_ran_twice_counts_at_its_worst(join):
    for order in (1, -1):
        runs = [make_run(NUMPY, TORCH), make_run(NUMPY, status="fail"), make_run(NUMPY)][::order]
        run = join(*runs)
        found = {result.status for result in run.results if result.row.name == "numpy"}
        assert (found, len(run.results), run.exit_code) == ({"fail"}, 8, 1)
    larger = dataclasses.replace(make_run(NUMPY), results=tuple(results(NUMPY, sigmas=3.0)))
    assert {r.sigmas for r in join(make_run(NUMPY), larger).results} == {3.0}


def test_pairs_are_the_same_in_either_order(join):
    bad = dataclasses.replace(
        make_run(TORCH, NUMPY), pairs=tuple(pairs(TORCH, NUMPY, status="fail"))
    )
    run = join(make_run(NUMPY, TORCH), bad)
    assert {(pair.status, pair.dtype) for pair in run.pairs} == {
        ("fail", "float32"),
        ("fail", "float64"),
    }
    assert run.exit_code == 1


def test_all_that_is_said_of_a_row_is_told(join):
    said = {"versions": {NUMPY.label: "2.0"}, "explanations": {NUMPY.label: "as if"}}
    run = join(make_run(NUMPY, JAX), make_run(NUMPY, **said), make_run(NUMPY, **said))
    assert run.versions == {NUMPY.label: "1.0, 2.0", JAX.label: "1.0"}
    assert run.explanations == {NUMPY.label: "as if"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 1}, "b.json and {}/a.json are no one run: seed 1 and seed 0"),
        ({"gateparity": "9.9"}, "are no one run: gateparity 9.9 and gateparity "),
        ({"source": {"options": "--text x", "sha256": "ab"}}, "input ab and input drawn"),
        ({"schema": 2}, "b.json has schema 2, expected 1"),
        ({"schema": "1"}, "b.json has schema '1', expected 1"),
    ],
)
def test_other_work_is_refused(tmp_path, changes, words):
    found = to_json(Record(make_run(NUMPY), Source()))
    (tmp_path / "a.json").write_text(json.dumps(found))
    (tmp_path / "b.json").write_text(json.dumps(found | changes))
    with pytest.raises(InputError, match=re.escape(words.format(tmp_path))) as caught:
        join_files([tmp_path / "a.json", tmp_path / "b.json"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("more", ["a.json", "b.json"])
def test_other_checks_are_refused(tmp_path, more):
    for name in ("a.json", "b.json"):
        run = make_run(NUMPY)
        kept = run.results if name == more else run.results[1:]
        write_json(dataclasses.replace(run, results=kept), tmp_path / name, Source())
    words = f"only {tmp_path / more} has forward, case unit, float32"
    with pytest.raises(InputError, match=re.escape(words)):
        join_files([tmp_path / "a.json", tmp_path / "b.json"])


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        "1",
        "null",
        "{}",
        '{"schema": 1}',
        '{"schema": 1, "backends": []}',
        b"\xff\xfe\x00",
        "[" * 99999,
    ],
)
def test_what_is_no_run_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "a.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match="nothing that `gateparity check --json` wrote") as caught:
        read_json(tmp_path / "a.json")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("status", "fine"), ("sigmas", "many"), ("max_error", []), ("extra", 1)],
)
def test_a_result_of_another_kind_is_refused(tmp_path, name, value):
    for kind in ("results", "pairs"):
        found = to_json(Record(make_run(NUMPY, TORCH), Source()))
        found[kind][0][name] = value
        (tmp_path / "a.json").write_text(json.dumps(found))
        with pytest.raises(InputError, match="nothing that `gateparity check --json` wrote"):
            read_json(tmp_path / "a.json")


def test_a_source_is_what_a_file_held(tmp_path):
    (tmp_path / "a b").write_text("words")
    (tmp_path / "other").write_text("words")
    one = source_of(tmp_path / "a b", weights="a b", prefix=None)
    other = source_of(tmp_path / "other", weights="other", prefix="")
    assert (one.options, other.options) == ("--weights 'a b'", "--weights other --prefix ''")
    assert one.sha256 == other.sha256 != Source().sha256


def command(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "gateparity.conformance.cli", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_joins_real_runs(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from gateparity.backends.numpy import Scratch\nclass Mine(Scratch):\n    version = '3'\n"
    )
    work = ("record", "--check", "forward", "--case", "unit", "--seed", "4")
    for name, spec in (("a", "numpy"), ("b", "mine:Mine")):
        files = ("-o", f"{name}.st", "--json", f"{name}.json")
        assert command(tmp_path, *work, "-b", spec, *files).returncode == 0
    files = ("--json", "all.json", "--junit", "all.xml", "--markdown", "all.md")
    done = command(tmp_path, "compare", "a.json", "b.json", *files)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ran apart, each judged by the truth alone: 1 (gateparity record keeps" in done.stdout
    assert re.search(r"^│ mine:Mine +│ 3 ", done.stdout, re.MULTILINE)
    assert done.stdout.splitlines()[-1].startswith("agrees: 4 pass, 0 known, 0 fail")
    found = json.loads((tmp_path / "all.json").read_text())
    assert (found["verdict"], found["seed"], len(found["results"])) == ("agrees", 4, 4)
    assert (tmp_path / "all.xml").exists()
    assert (tmp_path / "all.md").read_text().startswith("### gateparity: agrees")


def test_the_command_refuses_in_one_line(tmp_path):
    for line in (["compare", "gone.json"], ["compare", "gone.json", "--junit", "no/run.xml"]):
        done = command(tmp_path, *line)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
