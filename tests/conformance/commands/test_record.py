"""`gateparity check --record` and `compare`, on real runs of NumPy in workers of their own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.command import run_command

ONLY = ("--check", "forward", "--check", "gradients", "--case", "sequence", "--case", "unit")
# What an environment without frameworks has: gateparity's own dependencies, and NumPy.
ALONE = """
import sys

class NoFramework:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "tensorflow", "keras", "jax", "flax", "mxnet"):
            raise AssertionError(name + " was imported")

sys.meta_path.insert(0, NoFramework())
import gateparity.backends.workers.remote
gateparity.backends.workers.remote.Worker = None
from gateparity.conformance.commands.cli import main
main()
"""


@pytest.fixture
def gateparity(tmp_path):
    def run(*arguments, alone=False, **flags):
        if not alone and not flags:  # which a library reads when it is loaded
            return run_command(*arguments, cwd=tmp_path)
        command = ["-c", ALONE] if alone else ["-m", "gateparity.conformance.commands.cli"]
        return subprocess.run(
            [sys.executable, *command, *arguments],
            cwd=tmp_path,
            env={**os.environ, **flags},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def runs(gateparity):
    """Two runs of the same: the second with older kernels of OpenBLAS, if there is one."""
    for name, core in (("monday", ""), ("tuesday", "Prescott")):
        flags = {"OPENBLAS_CORETYPE": core} if core else {}
        done = gateparity("check", "-b", "numpy", *ONLY, "--record", f"{name}.safetensors", **flags)
        assert done.returncode == 0, done.stdout + done.stderr
    return "monday.safetensors", "tuesday.safetensors"


def test_a_run_is_recorded_and_compared_elsewhere(gateparity, runs, tmp_path):
    files = ("--json", "all.json", "--junit", "all.xml", "--markdown", "all.md")
    done = gateparity("compare", *runs, *files, alone=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].startswith("agrees: 16 pass, 0 known, 0 fail, 0 skip")
    assert re.search(r"OPENBLAS_CORETYPE +monday: - +numpy:scratch *\n +tuesday: Pres", done.stdout)
    found = json.loads((tmp_path / "all.json").read_text())
    assert {pair["alike"] for pair in found["same_backend"]} <= {"same bits", "within rounding"}
    lines = {line["name"]: line for line in found["differing_lines"]}
    assert (lines["OPENBLAS_CORETYPE"]["a"], lines["OPENBLAS_CORETYPE"]["b"]) == (
        "monday",
        "tuesday",
    )
    if "blas" in lines:  # NumPy's BLAS is OpenBLAS: other kernels, other roundings
        assert "within rounding" in {pair["alike"] for pair in found["same_backend"]}
    assert "numpy:scratch@monday" in found["manifests"]
    assert "numpy:scratch@tuesday" in (tmp_path / "all.xml").read_text()
    assert "| line | values | backends |" in (tmp_path / "all.md").read_text()
    assert "--backend numpy:scratch@" not in done.stdout


def test_the_same_run_twice_has_the_same_bits(gateparity, runs):
    assert gateparity("check", "-b", "numpy", *ONLY, "--record", "again.st").returncode == 0
    done = gateparity("compare", runs[0], "again.st")
    assert done.returncode == 0
    assert "within rounding" not in done.stdout
    assert len(re.findall(" float(?:32|64) +same bits ", done.stdout)) == 2
    assert "What differs in their manifests" not in done.stdout


def test_one_backend_is_enough_to_record_and_too_few_to_compare(gateparity, runs):
    done = gateparity("compare", runs[0])
    assert done.returncode == 2
    assert "1 of the 2 backends that a comparison needs" in done.stdout


def test_a_row_that_differs_is_recorded_all_the_same(gateparity, runs, tmp_path):
    (tmp_path / "mine.py").write_text(
        "import dataclasses\nfrom gateparity.backends.numpy.scratch import Scratch\n"
        "class Mine(Scratch):\n"
        "    def forward(self, config, params, batch):\n"
        "        found = super().forward(config, params, batch)\n"
        "        return dataclasses.replace(found, states=dict.fromkeys('hc', found.states['h']))\n"
    )
    done = gateparity("check", "-b", "mine:Mine", *ONLY, "--record", "mine.safetensors")
    assert done.returncode == 1
    assert re.search(r"Recorded: mine\.safetensors \(\d+\.\d kB\)", done.stdout)
    (tmp_path / "mine.py").unlink()  # nothing of it is needed, or looked for
    done = gateparity("compare", runs[0], "mine.safetensors", alone=True)
    assert done.returncode == 1
    assert "Found first: forward, case sequence, float32: c_n" in done.stdout
    command = "gateparity check --backend numpy --backend mine:Mine --check forward"
    assert f"  $ {command}" in done.stdout


def test_one_that_raises_is_recorded_all_the_same(gateparity, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from gateparity.backends.numpy.scratch import Scratch\n"
        "class Raises(Scratch):\n"
        "    def gradients(self, config, params, batch, cotangent):\n"
        "        raise RuntimeError('out of memory')\n"
    )
    done = gateparity("check", "-b", "mine:Raises", *ONLY, "--record", "mine.st")
    assert done.returncode == 2
    assert "Recorded: mine.st (" in done.stdout
    assert gateparity("compare", "mine.st", alone=True).returncode == 2


def test_a_recorded_run_saves_no_failures_unless_a_folder_is_given(gateparity, tmp_path):
    (tmp_path / "mine.py").write_text(
        "import dataclasses\nfrom gateparity.backends.numpy.scratch import Scratch\n"
        "class Mine(Scratch):\n"
        "    def forward(self, config, params, batch):\n"
        "        found = super().forward(config, params, batch)\n"
        "        return dataclasses.replace(found, y=found.y * 1.001)\n"
    )
    work = ("check", "-b", "numpy", "-b", "mine:Mine", "--check", "forward", "--case", "unit")
    assert gateparity(*work, "--record", "a.st").returncode == 1
    assert not (tmp_path / "gateparity-failures").exists()
    assert gateparity(*work, "--record", "b.st", "--save", "kept").returncode == 1
    assert list((tmp_path / "kept").iterdir())
    assert not (tmp_path / "gateparity-failures").exists()
    assert gateparity(*work).returncode == 1
    assert list((tmp_path / "gateparity-failures").iterdir())


def test_the_recorded_run_has_the_reports_of_check(gateparity, tmp_path):
    files = ("--json", "run.json", "--report", "run.html")
    done = gateparity("check", "-b", "numpy", *ONLY, "--record", "run.st", *files)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "run.json").read_text())["verdict"] == "agrees"
    assert (tmp_path / "run.html").exists()


def test_weights_travel_with_their_run(gateparity, tmp_path):
    draw = np.random.default_rng(0).standard_normal
    shapes = {"weight_ih_l0": (20, 3), "weight_hh_l0": (20, 5), "bias_ih_l0": 20, "bias_hh_l0": 20}
    save_file({n: draw(s).astype("f4") for n, s in shapes.items()}, tmp_path / "model.safetensors")
    folder = tmp_path / "secret"
    folder.mkdir()
    weights = (tmp_path / "model.safetensors").rename(folder / "model.safetensors")
    work = ("--weights", str(weights), "--check", "forward")
    for name in "ab":
        assert gateparity("check", "-b", "numpy", *work, "--record", f"{name}.st").returncode == 0
    weights.unlink()
    assert b"secret" not in (tmp_path / "a.st").read_bytes()
    done = gateparity("compare", "a.st", "b.st", alone=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["check", "-b", "numpy", "--record"], "option '--record' requires an argument"),
        (["check", "-b", "numpy", "--record", "no/run.st"], "there is no folder"),
        (["check", "-b", "numpy", "--record", "run.st", "--case", "none"], "unknown case"),
        (["check", "-b", "none", "--record", "run.st"], "unknown backend"),
        (["check", "--prefix", "a", "--record", "run.st"], "--prefix goes with --weights"),
        (["compare", "gone.safetensors"], "can't be read, expected a recorded run"),
    ],
)
def test_bad_input_is_refused_before_the_work(gateparity, line, words, tmp_path):
    done = gateparity(*line)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_bad_files_are_one_line(gateparity, runs, tmp_path):
    whole = (tmp_path / runs[0]).read_bytes()
    edited = whole[:-4] + bytes(4)
    for data, words in ((whole[:-100], "damaged or truncated"), (edited, "it was changed after")):
        (tmp_path / "bad.safetensors").write_bytes(data)
        done = gateparity("compare", runs[1], "bad.safetensors")
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert words in done.stderr


def test_a_runs_json_is_refused_with_the_option_that_records(gateparity, runs):
    done = gateparity("check", "-b", "numpy", *ONLY, "--record", "own.st", "--json", "run.json")
    assert done.returncode == 0, done.stdout + done.stderr
    for files in (["run.json"], ["run.json", runs[0]], [runs[0], "run.json"]):
        done = gateparity("compare", *files)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            "gateparity: run.json is JSON, which holds verdicts and no arrays, expected a recorded "
            "run: `gateparity check --record FILE` writes one\n"
        )


def test_json_that_nobody_wrote_is_one_line(gateparity, tmp_path):
    (tmp_path / "odd.json").write_text('{"schema": 1, "results": [{"backend": "\x1b[31m"}]}')
    done = gateparity("compare", "odd.json")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "\x1b" not in done.stderr
    assert "`gateparity check --record FILE`" in done.stderr
