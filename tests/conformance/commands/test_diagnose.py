"""`gateparity diagnose` as a user meets it: a sentence, an exit code, and JSON."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

ADAPTERS = """
import dataclasses

from gateparity.backends.numpy import Scratch
from gateparity.layout import Layout
from gateparity.tensor import Tensor


class BlackBox:
    \"\"\"One that packs its gates i, o, f, g, through a layout that says i, f, g, o.\"\"\"

    name, version, unsupported = "blackbox", "1", {}
    layout = Layout(
        "guess",
        (
            Tensor("l{layer}{direction}.W", "w_ih", "input (gate hidden)"),
            Tensor("l{layer}{direction}.U", "w_hh", "unit (gate hidden)"),
            Tensor("l{layer}{direction}.b", "b", "(gate hidden)"),
        ),
    )
    theirs = "iofc"

    def _params(self, native):
        found = {}
        for name, array in native.items():
            cell, _, kind = name.rpartition(".")
            start = {"W": "W_x", "U": "W_h", "b": "b_"}[kind]
            hidden = array.shape[-1] // 4
            for k, gate in enumerate(self.theirs):
                part = array[..., k * hidden : (k + 1) * hidden]
                found[f"{cell}.{start}{gate}"] = part
        return found

    def forward(self, config, params, batch):
        return Scratch().forward(config, self._params(params), batch)


BlackBox.unsupported = {
    "gates": "it doesn't tell them",
    "gradients": "it has none",
}


class Known(BlackBox):
    theirs = "ifco"


class Scales(Scratch):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        found.y[..., 0] *= 1.0625
        return found


class Doubles(Scratch):
    \"\"\"Through the weights, so that gradients of U would be doubled as well.\"\"\"

    def gradients(self, config, params, batch, cotangent):
        found = super().gradients(config, params, batch, cotangent)
        changed = {k: 2 * a if ".W_h" in k else a for k, a in found.params.items()}
        return dataclasses.replace(found, params=changed)


class Writes(Scratch):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        if batch.x.flags.writeable:
            batch.x[...] = 0
        return found


class Nothing(Scratch):
    def __init__(self):
        raise RuntimeError("no such device")
"""

# What is packed i, f, g, o and read i, o, f, g is packed i, g, o, f for one who reads i, f, g, o.
WRONG = "gates packed i, g, o, f"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("user")
    (folder / "mymod.py").write_text(ADAPTERS, "utf-8")
    (folder / "junk").write_text("no failure")
    return folder


@pytest.fixture(scope="module")
def gateparity(folder):
    """Run the command in that folder."""
    dropped = ("FORCE_COLOR", "TTY_", "PYTEST_", "GATEPARITY_ENVS")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "gateparity.conformance.cli", *arguments],
            cwd=folder,
            env=kept,
            capture_output=True,
            text=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            check=False,
        )

    return run


def load(path):
    return json.loads(path.read_text("utf-8"), parse_constant=pytest.fail)


def test_a_black_box_whose_gates_lie_otherwise(gateparity, folder):
    """It can do nothing but forward, and its layout is a guess: the answer is what is wrong."""
    done = gateparity("diagnose", "-b", "mymod:BlackBox", "--json", "box.json")
    assert done.returncode == 1, done.stderr
    assert "it behaves exactly as if" in done.stdout
    assert re.search(r"^mymod:BlackBox differs in \d+ of \d+ probes: ", done.stdout, re.MULTILINE)
    (found,) = load(folder / "box.json")["diagnoses"].values()
    assert f"Ruled out: {len(found['ruled_out'])}" in done.stdout
    assert found["explanations"] == [[WRONG]]
    assert found["words"] in done.stdout
    probed = {check for check, _, _ in found["probes"]}
    assert probed.isdisjoint({"gates", "gradients"})
    assert probed > {"lengths", "directions", "layers"}


def test_the_right_guess_agrees(gateparity):
    done = gateparity("diagnose", "-b", "mymod:Known")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.match(r"mymod:Known agrees with the truth in (\d+) of \1 probes\n", done.stdout)


def test_numpy_agrees_in_all_probes(gateparity, folder):
    done = gateparity("diagnose", "-b", "numpy", "--json", "numpy.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("numpy:scratch agrees with the truth in 20 of 20 probes")
    found = load(folder / "numpy.json")["diagnoses"]["numpy:scratch"]
    assert len(found["probes"]) == 20
    empty = ("differing", "explanations", "ruled_out", "words")
    assert all(not found[name] for name in empty)


@pytest.mark.parametrize(
    ("name", "mistake"), [("Doubles", "d_w_hh doubled"), ("Writes", "x overwritten")]
)
def test_an_adapters_own_mistake(gateparity, folder, name, mistake):
    done = gateparity("diagnose", "-b", f"mymod:{name}", "--json", f"{name}.json", "--seed", "3")
    assert done.returncode == 1, done.stderr
    (found,) = load(folder / f"{name}.json")["diagnoses"].values()
    assert found["explanations"] == [[mistake]]
    assert mistake not in [entry["name"] for entry in found["ruled_out"]]
    distances = [entry["sigmas"] for entry in found["ruled_out"]]
    known = [d for d in distances if d is not None]
    assert known == sorted(known)
    assert distances[len(known) :] == [None] * (len(distances) - len(known))


def test_failures_that_were_saved(gateparity, folder):
    """Shrunk, and from two seeds: the same check on other numbers."""
    for seed in ("0", "1"):
        gateparity(
            *(
                "check",
                "-b",
                "numpy",
                "-b",
                "mymod:BlackBox",
                "--check",
                "forward",
                "--check",
                "sizes",
            ),
            *("--seed", seed, "--save", f"saved{seed}"),
        )
    files = sorted(str(path) for seed in "01" for path in (folder / f"saved{seed}").iterdir())
    assert len(files) >= 4
    done = gateparity("diagnose", *files, "--json", "saved.json")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    (label, found), *more = load(folder / "saved.json")["diagnoses"].items()
    assert (label, more) == ("mymod:BlackBox", [])
    assert [WRONG] in found["explanations"]
    assert len(found["probes"]) == len(found["differing"]) == len(files)


def test_two_recorded_runs(gateparity, folder):
    """Each row of each, under a name that says whose it is; no adapter is asked again."""
    for name, more in (("here", ()), ("there", ("-b", "mymod:BlackBox"))):
        work = ("--check", "forward", "--check", "sizes", "--output", f"{name}.st")
        gateparity("record", "-b", "numpy", *more, *work)
    done = gateparity("diagnose", "here.st", "there.st", "--json", "runs.json")
    assert done.returncode == 1, done.stdout + done.stderr
    found = load(folder / "runs.json")["diagnoses"]
    (box,) = [label for label in found if label.startswith("mymod:BlackBox")]
    assert len(found) == 3
    assert [label for label, diagnosis in found.items() if diagnosis["differing"]] == [box]
    assert [WRONG] in found[box]["explanations"]


def test_what_no_mistake_explains(gateparity, folder):
    """Of a saved failure: one probe, so that few pairs have to be looked at."""
    gateparity(
        *("check", "-b", "numpy", "-b", "mymod:Scales", "--check", "forward", "--case", "sequence"),
        *("--save", "scales"),
    )
    done = gateparity("diagnose", *(str(path) for path in (folder / "scales").iterdir()))
    assert done.returncode == 1, done.stderr
    assert "no known mistake explains it" in done.stdout


REFUSED = [
    (
        (),
        "expected either a backend or files that `gateparity check` saved: gateparity diagnose",
    ),
    (("-b", "numpy", "junk"), "expected either a backend or files"),
    (("junk",), "junk: "),
    (("gone",), "gone can't be read"),
    (("-b", "nunpy"), "unknown backend 'nunpy' (did you mean numpy?)"),
    (("-b", "mymod:Nothing"), "mymod:Nothing answers no probe: "),
    (("-b", "numpy", "--json", "gone/x.json"), "gone/x.json can't be written"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_bad_input_is_one_line(gateparity, arguments, message):
    done = gateparity("diagnose", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_help_has_examples(gateparity):
    done = gateparity("diagnose", "--help")
    assert done.returncode == 0
    assert "gateparity diagnose --backend mypkg.lstm:MyLSTM" in done.stdout
