"""A chaotic checkpoint through `gateparity check --weights`, in a worker of its own."""

import json
import shutil
import warnings
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from safetensors.numpy import save_file

from gateparity.conformance import api
from gateparity.conformance.runs.result import Pair, Result, Run
from gateparity.conformance.testing import settle
from tests.command import run_command


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A checkpoint with weights from N(0, 3^2), which no training would end with."""
    path, generator = tmp_path_factory.mktemp("chaotic"), np.random.default_rng(0)
    shapes = {"weight_ih_l0": (200, 4), "weight_hh_l0": (200, 50)}
    shapes |= {"bias_ih_l0": (200,), "bias_hh_l0": (200,)}
    arrays = {name: 3 * generator.standard_normal(shape) for name, shape in shapes.items()}
    save_file({n: a.astype(np.float32) for n, a in arrays.items()}, path / "model.safetensors")
    return path


def run(folder, *arguments):
    chosen = ["--weights", "model.safetensors", "--check", "forward", "--force"]
    words = ["check", "-b", "numpy", *chosen, "--record", "run.safetensors", *arguments]
    return run_command(*words, cwd=folder)


def test_a_chaotic_checkpoint_is_undecided_in_every_report(folder):
    files = ("--json", "a.json", "--junit", "a.xml", "--report", "a.html", "--markdown", "a.md")
    done = run(folder, *files)
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.strip().splitlines()[-1]
    assert last.startswith("agrees (1 undecided): 1 pass, 1 undecided, ")
    for printed in (done.stdout, *((folder / f"a.{kind}").read_text() for kind in ("html", "md"))):
        words = " ".join(printed.split())
        assert "undecided there; the steps before agree" in words
        assert " ?" in words
    results = json.loads((folder / "a.json").read_text())["results"]
    assert [result["status"] for result in results] == [
        "undecided",
        "pass",
    ]  # of float32 and float64
    tests = ET.parse(folder / "a.xml").findall(".//testcase/skipped")
    assert [(t.get("type"), "rounding" in t.get("message")) for t in tests] == [
        ("undecided", True),
    ]


def test_a_strict_run_has_exit_code_1(folder):
    done = run(folder, "--strict")
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.startswith("undecided: 1 pass, 1 undecided")


def test_a_recorded_run_is_undecided_again(folder):
    run(folder)
    shutil.copy(folder / "run.safetensors", folder / "again.safetensors")
    done = run_command("compare", "run.safetensors", "again.safetensors", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 undecided" in done.stdout
    assert "1 pair is undecided (?)" in done.stdout


BACKEND = api.find_backends()[0]


def made_run(status, pair="pass", **options):
    result = Result(BACKEND, "forward", "sequence", "float32", status, 0.5, "it is chaotic")
    pairs = (Pair("a", "b", "float32", pair),)
    return Run((BACKEND,), (result,), pairs, {}, 0, 1.0, 0.0, least=1, **options)


@pytest.mark.parametrize(
    ("status", "pair", "strict", "code", "verdict"),
    [
        ("undecided", "pass", False, 0, "agrees"),
        ("undecided", "pass", True, 1, "undecided"),
        ("pass", "undecided", True, 1, "undecided"),
        ("undecided", "fail", True, 1, "differs"),
        ("pass", "pass", True, 0, "agrees"),
        ("error", "pass", True, 2, "incomplete"),
    ],
)
def test_the_exit_code_of_a_strict_run(status, pair, strict, code, verdict):
    found = made_run(status, pair, strict=strict)
    assert (found.exit_code, found.verdict) == (code, verdict)


def test_assert_parity_warns_of_what_is_undecided(monkeypatch):
    monkeypatch.setattr(api, "check", lambda *_, **__: made_run("undecided"))
    with pytest.warns(UserWarning, match="forward sequence float32 is undecided: it is chaotic"):
        api.assert_parity()
    monkeypatch.setattr(api, "check", lambda *_, **__: made_run("pass"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        api.assert_parity()


def test_what_differs_is_told_before_what_is_undecided(monkeypatch):
    monkeypatch.setattr(api, "check", lambda *_, **__: made_run("undecided", "fail"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(AssertionError, match="a and b differ"):
            api.assert_parity()


def test_a_test_of_your_own_skips_with_the_sentence():
    with pytest.raises(pytest.skip.Exception, match="it is chaotic"):
        settle(made_run("undecided").results[0], "pytest x")
