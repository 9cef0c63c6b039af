"""Every verb keeps a file that gateparity didn't write, and says so before any work."""

from __future__ import annotations

import os

import numpy as np
import pytest
from safetensors.numpy import save_file

from gateparity.backends.checkpoints.reading import read_checkpoint
from tests.command import run_command

ONLY = ("--check", "forward", "--case", "unit")
FORWARD = ("-b", "numpy", *ONLY)
ROWS = ("-b", "numpy", "-b", "mine:Mine")
NAMES = ("precious", "precious.html", "weights", "weights.md", "text", "text.md")
# An adapter that says when it is asked: refused before the work, it never is.
MINE = """
from pathlib import Path
from gateparity.backends.numpy.scratch import Scratch
class Mine(Scratch):
    def forward(self, config, params, batch):
        Path("started").touch()
        return super().forward(config, params, batch)
    def train(self, *arguments):
        Path("started").touch()
        return super().train(*arguments)
"""
LINES = (
    "check -b numpy -b mine:Mine --json precious",
    "check -b numpy -b mine:Mine --junit precious",
    "check -b numpy -b mine:Mine --markdown precious",
    "check -b numpy -b mine:Mine --report precious.html",
    "check -b mine:Mine --record precious",
    "check -b mine:Mine --record run.st --json precious",
    "train -b mine:Mine --text text --json precious",
    "train -b mine:Mine --text text --report precious.html",
    "horizon -b mine:Mine --json precious",
    "horizon -b mine:Mine --report precious.html",
    "compare run.st --json precious",
    "compare run.st --report precious.html",
    "replay failed.st --json precious",
    "replay failed.st --report precious.html",
    "diagnose -b mine:Mine --json precious",
    "diagnose -b mine:Mine --report precious.html",
    "bench -b mine:Mine --json precious",
    "bench -b mine:Mine --report precious.html",
    "selftest --json precious",
    "selftest --report precious.html",
    "selftest --frameworks -b mine:Mine --json precious",
    "layout torch keras --code precious",
    "layout torch keras --markdown precious",
    "layout --json precious",
    "backends --json precious",
    "env list --json precious",
)


@pytest.fixture
def folder(tmp_path):
    draw = np.random.default_rng(0).standard_normal
    shapes = {"weight_ih_l0": (20, 3), "weight_hh_l0": (20, 5), "bias_ih_l0": 20, "bias_hh_l0": 20}
    save_file({n: draw(s).astype("f4") for n, s in shapes.items()}, tmp_path / "weights")
    (tmp_path / "precious").write_bytes(b"three years of work")
    (tmp_path / "precious.html").write_bytes(b"three more years")
    (tmp_path / "weights.md").write_bytes((tmp_path / "weights").read_bytes())
    (tmp_path / "text").write_text("the quick brown fox jumps over the lazy dog " * 9)
    (tmp_path / "text.md").write_bytes((tmp_path / "text").read_bytes())
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path


@pytest.fixture
def gateparity(folder):
    def run(*words):
        before = {name: (folder / name).read_bytes() for name in NAMES}
        done = run_command(*words, cwd=folder)
        assert "Traceback" not in done.stderr
        if "--force" not in words:
            assert {name: (folder / name).read_bytes() for name in NAMES} == before
        return done

    return run


def refused(done):
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    return done.stderr


@pytest.mark.parametrize("line", LINES)
def test_a_file_of_somebody_elses_is_kept_and_no_work_begins(line, gateparity, folder):
    words = refused(gateparity(*line.split()))
    assert " would replace a file that is no " in words
    assert "gateparity didn't write it; choose another name, or replace it with --force" in words
    assert not (folder / "started").exists()


@pytest.mark.parametrize("option", ["--json", "--junit", "--markdown", "--report"])
@pytest.mark.parametrize("source", ["weights", "text"])
def test_an_input_is_kept_whatever_is_said(option, source, gateparity):
    name = f"{source}.md" if option == "--report" else source
    done = gateparity("check", *ROWS, f"--{source}", name, option, name)
    assert f"{option} {name} is an input of this command, which is never" in refused(done)
    done = gateparity("check", *ROWS, f"--{source}", name, option, name, "--force")
    assert "is an input of this command" in refused(done)


def test_weights_are_not_recorded_over(gateparity, folder):
    line = ("check", "-b", "numpy", "--weights", "weights", "--record", "weights")
    assert "is an input" in refused(gateparity(*line, "--force"))
    assert "no safetensors (recorded run)" in refused(
        gateparity("check", *FORWARD, "--record", "weights")
    )
    config, _ = read_checkpoint(folder / "weights", None, lambda *_: {})
    assert config.hidden_size == 5


def test_a_recording_is_recorded_again_and_no_input_of_compare_is_replaced(gateparity):
    for _ in range(2):
        assert gateparity("check", *FORWARD, "--record", "run.st").returncode == 0
    assert "is an input" in refused(gateparity("compare", "run.st", "--json", "run.st", "--force"))
    line = ("check", *FORWARD, "--record", "new.st", "--json", "new.st")
    assert "--json and --record name one file" in refused(gateparity(*line))


def test_a_result_is_replaced_by_the_next_and_by_no_other_verbs(gateparity, folder):
    for _ in range(2):
        done = gateparity("layout", "torch", "keras", "--json", "a.json", "--code", "a.py")
        assert (done.returncode, done.stderr) == (0, "")
    assert "gateparity wrote it as JSON (layout)" in refused(
        gateparity("env", "list", "--json", "a.json")
    )
    assert gateparity("env", "list", "--json", "a.json", "--force").returncode == 0
    assert '"kind": "environments"' in (folder / "a.json").read_text()


def test_a_saved_failure_replaces_none_but_a_saved_failure(gateparity, folder):
    (folder / "wrong.py").write_text(
        "import dataclasses\nfrom gateparity.backends.numpy.scratch import Scratch\n"
        "class Wrong(Scratch):\n"
        "    def forward(self, config, params, batch):\n"
        "        found = super().forward(config, params, batch)\n"
        "        return dataclasses.replace(found, states=dict.fromkeys('hc', found.states['h']))\n"
    )
    line = ("check", "-b", "numpy", "-b", "wrong:Wrong", *ONLY, "--save", "kept")
    for _ in range(2):
        assert gateparity(*line).returncode == 1
    (saved,) = (folder / "kept").iterdir()
    saved.write_text("mine")
    words = refused(gateparity(*line))
    assert "would replace a file that is no safetensors (saved failure)" in words
    assert saved.read_text() == "mine"
    assert gateparity(*line, "--force").returncode == 1


def test_a_training_checkpoint_replaces_none_but_a_training_checkpoint(gateparity, folder):
    (folder / "kept").mkdir()
    path = folder / "kept" / "numpy-scratch-float32.safetensors"
    path.write_bytes((folder / "weights").read_bytes())
    words = ("train", "-b", "numpy", "--text", "text", "--checkpoints", "kept")
    for more in ((), ("--resume",)):
        said = refused(gateparity(*words, *more))
        assert "would replace a file that is no safetensors (training checkpoint)" in said
    assert path.read_bytes() == (folder / "weights").read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="/dev/stdout")
def test_standard_output_and_the_summary_of_a_ci_are_free(gateparity, folder):
    (folder / "summary.md").touch()
    files = ("--json", "/dev/stdout", "--markdown", "summary.md")
    done = gateparity("check", *ROWS, *ONLY, *files)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"kind": "run"' in done.stdout
    assert "# gateparity check: agrees" in (folder / "summary.md").read_text()
