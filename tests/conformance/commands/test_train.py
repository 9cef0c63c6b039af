"""`gateparity train` and `horizon` as a user meets them: on rows of NumPy's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.command import run_command
from tests.ctrl_c import hear_ctrl_c

COMMAND = (sys.executable, "-m", "gateparity.conformance.commands.cli")
SMALL = ("--windows", "64", "--batch", "16", "--epochs", "3")
ADAPTERS = """
import dataclasses
import os
import time

from gateparity.backends.numpy.scratch import Scratch


class Copy(Scratch):
    name = "copy"


class Deaf(Scratch):
    def train(self, config, state, batches, recipe):
        found = super().train(config, state, batches, recipe)
        return dataclasses.replace(found, state=dataclasses.replace(state, step=found.state.step))


class Dies(Scratch):
    def train(self, config, state, batches, recipe):
        if state.step >= 4:
            os._exit(3)
        return super().train(config, state, batches, recipe)


class Slow(Scratch):
    def train(self, config, state, batches, recipe):
        time.sleep(0.3)
        return super().train(config, state, batches, recipe)


class Silent:
    layout = Scratch.layout
    forward = Scratch.forward
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine.py").write_text(ADAPTERS)
    (tmp_path / "text.txt").write_text("it has been said that time is a kind of space " * 6)
    return tmp_path


def run(folder, verb, *words):
    done = run_command(verb, *words, cwd=folder)
    assert "Traceback" not in done.stdout + done.stderr
    return done


def train(folder, *words, backends=("numpy", "mine:Copy")):
    flags = [flag for backend in backends for flag in ("--backend", backend)]
    return run(folder, "train", "--text", "text.txt", *SMALL, *flags, *words)


def test_one_sentence_in_every_row_is_exit_code_0(folder):
    done = train(folder, "--json", "run.json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((folder / "run.json").read_text())
    one, other = found["rows"]
    assert one["sentence"] == other["sentence"]
    assert len(one["sentence"]) == 26
    assert len(one["perplexities"]) == 3
    assert len(one["losses"]) == len(one["norms"]) == 12
    assert other["distances"] == [0, 0, 0]
    assert done.stdout.startswith("one sentence: 2 of 2 trainings end in a sentence; ")
    assert f'\n"{one["sentence"]}": the closest choice of a character is won by' in done.stdout
    assert not (folder / "gateparity-training").exists()


def test_another_training_is_another_sentence_and_exit_code_1(folder):
    done = train(folder, "--epochs", "40", backends=("numpy", "mine:Deaf"))
    assert done.returncode == 1, done.stdout
    assert "2 different sentences: 2 of 2 trainings end in a sentence" in done.stdout


def test_a_worker_that_is_lost_costs_its_row_and_the_others_finish(folder):
    done = train(folder, backends=("numpy", "mine:Copy", "mine:Dies"))
    assert done.returncode == 2
    assert "lost in epoch 2: its worker died during train (exit code 3" in done.stdout
    assert "incomplete: 2 of 3 trainings end in a sentence" in done.stdout
    assert list((folder / "gateparity-training").glob("mine-Dies*"))


def test_an_adapter_that_does_not_train_is_skipped_with_the_reason(folder):
    done = train(folder, "--json", "run.json", backends=("numpy", "mine:Silent", "mine:Copy"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mine:Silent float32  Silent has no method train" in done.stdout
    assert "one sentence: 2 of 3 trainings end in a sentence" in done.stdout
    skipped = json.loads((folder / "run.json").read_text())["rows"][1]
    assert (skipped["skip"], skipped["error"]) == ("Silent has no method train", None)


def test_a_rate_that_diverges_is_told_with_its_step_and_row(folder):
    done = train(folder, "--rate", "1024", "--epochs", "20")
    assert done.returncode == 1
    words = "A rate of 1024 diverges in 2 of 2 trainings: first in numpy:scratch float32, at step "
    assert words in done.stdout


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--rate", "0.1"), "rate is 0.1, expected a number of at least 0 that float32 holds"),
        (("--json", "no/such/run.json"), "can't be written: there is no folder"),
        (("--report", "no/such/run.html"), "can't be written: there is no folder"),
        (("--plot", "."), "--plot is gone: type --report FILE.html, which draws the same curves"),
        (("--checkpoints", "text.txt"), "can't be written to: it is a file"),
        (("--download",), "--text and --download exclude each other"),
    ],
)
def test_bad_input_is_one_line_before_the_work_starts(folder, words, line):
    done = train(folder, *words)
    assert done.returncode == 2
    assert line in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not done.stdout


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_leaves_checkpoints_that_resume_to_the_same_end(folder):
    backends = ("--backend", "mine:Slow", "--backend", "numpy", "--epochs", "12")
    words = [*COMMAND, "train", "--text", "text.txt", *SMALL, *backends]
    process = subprocess.Popen(
        words,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_ctrl_c,
    )
    path = folder / "gateparity-training" / "mine-Slow-float32.safetensors"
    while not path.exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume goes on from" in stderr
    assert path.exists()
    done = run(folder, *words[3:], "--resume", "--json", "resumed.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert run(folder, *words[3:], "--json", "whole.json").returncode == 0
    keys = ("losses", "norms", "distances", "sentence")
    resumed, whole = (
        json.loads((folder / name).read_text())["rows"] for name in ("resumed.json", "whole.json")
    )
    for one, other in zip(resumed, whole, strict=True):
        for key in keys:
            assert one[key] == other[key], (one["backend"], key)


def test_curves_and_distances_are_written_as_one_page(folder):
    assert train(folder, "--report", "run.html", "--report", "run.md").returncode == 0
    page = (folder / "run.html").read_text("utf-8")
    assert page.count('role="img"') == 2  # perplexity and loss: no weight is apart
    assert "# gateparity train: one sentence" in (folder / "run.md").read_text("utf-8")


def test_horizon_refuses_a_plot_with_what_to_type_now(folder):
    done = run(folder, "horizon", "--plot", "horizon.html")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "--plot is gone: type --report FILE.html" in done.stderr


def test_horizon_judges_every_row_and_says_how_long_they_stay_together(folder):
    backends = ("-b", "numpy", "-b", "mine:Copy", "-b", "mine:Silent")
    done = run(folder, "horizon", *backends, "--json", "horizon.json", "--report", "horizon.html")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((folder / "horizon.json").read_text())
    statuses = {(trial["backend"], trial["status"]) for trial in found["trials"]}
    assert statuses == {("numpy:scratch", "pass"), ("mine:Copy", "pass"), ("mine:Silent", "skip")}
    wild = {(h["problem"], h["dtype"]): h for h in found["horizons"]}
    assert len(wild) == 6
    assert wild["wild sgd", "float32"]["predicted"] < wild["wild sgd", "float64"]["predicted"]
    assert all(h["first"] is None for h in wild.values())  # the same code twice never parts
    assert done.stdout.startswith("agrees: 32 pass, 0 known, 0 fail, 16 skip, 0 error; seed 0\n")
    page = (folder / "horizon.html").read_text("utf-8")
    assert "<h1>agrees</h1>" in page
    assert page.count('role="img"') == 6  # of each wild problem at each dtype
