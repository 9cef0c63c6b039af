"""The command as a user meets it: in a process of its own, with its exit code and its output."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from pydoc_data import topics
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from safetensors.numpy import save_file

from gateparity.conformance.problems.case import draw_for
from gateparity.conformance.problems.space import draw_problems
from gateparity.layouts import TORCH
from gateparity.network.config import Config
from gateparity.network.parameters import build_parameters
from tests.command import run_command
from tests.ctrl_c import hear_ctrl_c

ADAPTERS = """
import dataclasses
import os

from gateparity import Unsupported
from gateparity.backends.numpy.scratch import Scratch

with open("started", "a") as file:
    file.write(__name__)


class Right(Scratch):
    version = "1.0[/rc]"


class Wrong(Scratch):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        return dataclasses.replace(found, y=found.y * 1.001)


class Crashes(Scratch):
    def gates(self, config, params, batch):
        os._exit(7)


class Refuses(Scratch):
    def forward(self, config, params, batch):
        if batch.lengths is not None:
            raise Unsupported("it takes full sequences")
        if not len(batch.x):
            raise IndexError("no first step")
        return super().forward(config, params, batch)


class Shallow(Scratch):
    def forward(self, config, params, batch):
        if config.layers > 1:
            raise RuntimeError("one layer")
        return super().forward(config, params, batch)


class Raises(Scratch):
    def gradients(self, config, params, batch, cotangent):
        raise RuntimeError("out of\\nmemory")
"""

SLOW = """
import time

from gateparity.backends.numpy.scratch import Scratch


class Slow(Scratch):
    def forward(self, *_):
        open("slow started", "w").close()
        time.sleep(60)
"""

WORK = (*("--check", "forward", "--check", "gates", "--check", "gradients"), "--case", "sequence")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A user's own folder: a module, and files with nothing good in them."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "mymod.py").write_text(ADAPTERS, "utf-8")
    (folder / "empty.txt").write_bytes(b"")
    (folder / "latin.txt").write_bytes("caf\xe9 ".encode("latin-1") * 50)
    (folder / "digits.txt").write_text("1234567890\n" * 50)
    (folder / "short.txt").write_text("too short")
    (folder / "good.txt").write_text("the quick brown fox jumps over the lazy dog ")
    (folder / "good.safetensors").write_bytes(checkpoint(folder, "encoder.lstm."))
    (folder / "two of them.safetensors").write_bytes(checkpoint(folder, "", "encoder."))
    (folder / "junk.pt").write_bytes(b"no such thing" * 10)
    return folder


def checkpoint(folder, *prefixes):
    """A safetensors file with an LSTM of two layers and directions at each prefix."""
    config = Config(5, 4, layers=2, directions=2)
    draw = draw_for("checkpoint", 0, "float32")
    arrays = {"head.weight": np.ones((2, 4), np.float32)}
    for prefix in prefixes:
        native = TORCH.pack(build_parameters(config, lambda _, shape: draw(shape, 0.5)), config)
        arrays |= {f"{prefix}{name}": array for name, array in native.items()}
    save_file(arrays, folder / "scratch.safetensors")
    return (folder / "scratch.safetensors").read_bytes()


@pytest.fixture
def gateparity(folder):
    """Run the command in that folder."""

    def run(*arguments, **environ):
        return run_command(*arguments, cwd=folder, env=environ)

    return run


def load(path):
    return json.loads(path.read_text("utf-8"), parse_constant=pytest.fail)


# What goes wrong before any work: one line, exit code 2.

REFUSED = [
    ("check -b nunpy", "unknown backend 'nunpy' (did you mean numpy?): expected one of numpy,"),
    ("check -b zzz", "unknown backend 'zzz': expected one of numpy, torch, tensorflow, jax, mxnet"),
    ("check -b ''", "unknown backend ''"),
    ("check -b mymod:", "unknown backend 'mymod:'"),
    ("check -b numpy:layer", "unknown variant 'layer' of numpy: expected one of scratch"),
    ("check -b numpy:", "unknown variant '' of numpy"),
    ("check -b numpy@/nowhere/python", "no Python interpreter at /nowhere/python"),
    ("check -b numpy@mymod.py", "no Python interpreter at mymod.py"),
    ("check -b numpy@.", "no Python interpreter at ."),
    ("check -b numpy@", "numpy@: no Python interpreter at an empty path"),
    ("check -b mymod:Right@", "mymod:Right@: no Python interpreter at an empty path"),
    ("check -b numpy --case sequnce", "unknown case 'sequnce' (did you mean sequence?)"),
    ("check -b numpy --check layer", "unknown check 'layer' (did you mean layers?)"),
    ("check -b numpy --check gates --case unit", "checks gates have none of the cases unit"),
    ("check -b numpy --prefix encoder", "--prefix goes with --weights"),
    ("check -b numpy --text good.txt --prefix x", "--prefix goes with --weights"),
    ("check -b numpy --weights good.safetensors --text good.txt", "--weights and --text exclude"),
    ("check -b numpy --case unit --text good.txt", "--case and --text exclude each other"),
    ("check -b numpy --json gone/run.json", "gone/run.json can't be written: there is no folder"),
    ("check -b numpy --json .", "can't be written: it is a folder"),
    ("check -b numpy --junit gone/run.xml", "gone/run.xml can't be written: there is no folder"),
    ("check -b numpy --markdown gone/run.md", "gone/run.md can't be written: there is no folder"),
    (
        "check -b numpy --json same --markdown ./same",
        "--json and --markdown name one file, same: expected one for each",
    ),
    ("compare gone.json", "gone.json can't be read, expected a recorded run: No such file"),
    ("compare good.txt", "good.txt: no safetensors, or damaged"),
    ("compare gone.json --json gone/all.json", "gone/all.json can't be written: there is no"),
    ("backends --json gone/run.json", "gone/run.json can't be written: there is no folder"),
    ("check -b numpy --text gone.txt", "gone.txt can't be read, expected a text: No such file"),
    ("check -b numpy --text .", "can't be read, expected a text: it is a directory"),
    ("check -b numpy --text empty.txt", "empty.txt is empty, expected a text"),
    ("check -b numpy --text latin.txt", "latin.txt is not UTF-8: invalid continuation byte at"),
    ("check -b numpy --text digits.txt", "digits.txt has no letters"),
    ("check -b numpy --text short.txt", "short.txt has 9 letters and spaces, expected at least 33"),
    (
        "check -b numpy --weights gone.pt",
        "gone.pt is not there, expected a file with a network's weights",
    ),
    (
        "check -b numpy --weights empty.txt",
        "empty.txt is empty, expected a file with a network's weights",
    ),
    ("check -b numpy --weights junk.pt", "junk.pt: a file of a kind that isn't known, expected "),
    ("check -b numpy --weights 'two of them.safetensors'", "holds 2 LSTMs, expected one"),
    ("check -b numpy --weights good.safetensors --prefix x", "no LSTM at prefix 'x'"),
]


@pytest.mark.parametrize(("line", "words"), REFUSED, ids=[line for line, _ in REFUSED])
def test_bad_input_is_one_line(gateparity, folder, line, words):
    (folder / "started").unlink(missing_ok=True)
    done = gateparity(*shlex.split(line))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("gateparity: ")
    assert words in done.stderr
    assert not (folder / "started").exists()


def test_the_help_tells_all_exit_codes(gateparity):
    text = " ".join(gateparity("check", "--help").stdout.split())
    codes = "0: all agree; 1: some differ, or with --strict are undecided; 2: some could"
    assert f"Exit code {codes} not run." in text


# What no name tells, and a worker does: before any work, too.

UNABLE = [
    ("check -b numpy", "check compares two backends, found numpy:scratch alone: name another"),
    ("check -b mymod:Right", "check compares two backends, found mymod:Right alone: name another"),
    ("check -b numpy -b nolib:Foo", "nolib:Foo can't run: ModuleNotFoundError: No module named"),
    ("check -b numpy -b mymod:Typo", "mymod:Typo can't run: AttributeError: module 'mymod' has no"),
    ("check -b nolib:Foo -b mymod:Typo", "; mymod:Typo can't run: AttributeError: "),
    ("check -b numpy -b torch@ssh=no-such-host.invalid", "no-such-host.invalid doesn't start as a"),
    ("check -b numpy -b numpy@9.9.9", "numpy:scratch@9.9.9 can't run: numpy==9.9.9 is in no envir"),
    ("check --record x.st -b nolib:Foo", "nolib:Foo can't run: ModuleNotFoundError: No module"),
    ("check --record x.st -b mymod:Typo", "mymod:Typo can't run: AttributeError: module 'mymod'"),
]


@pytest.mark.parametrize(("line", "words"), UNABLE, ids=[line for line, _ in UNABLE])
def test_what_cant_run_is_one_line_before_the_run(gateparity, folder, line, words):
    done = gateparity(*line.split(), "--json", "unable.json")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
    assert not (folder / "unable.json").exists()
    assert not (folder / "x.st").exists()


def test_an_adapter_is_loaded_once(gateparity, folder):
    (folder / "started").unlink(missing_ok=True)
    gateparity("check", "-b", "numpy", "-b", "mymod:Right", "--case", "unit")
    assert (folder / "started").read_text() == "mymod"


def test_one_backend_may_be_recorded(gateparity):
    assert gateparity("check", "-b", "numpy", "--record", "one.st", *WORK).returncode == 0


@pytest.fixture(scope="module")
def alone(folder):
    """The results of numpy in a run without company."""
    path = folder / "alone.json"
    words = ("check", "-b", "numpy", "--record", "alone.st", *WORK, "--json", path)
    run_command(*words, cwd=folder)
    return load(path)["results"]


@pytest.mark.parametrize(
    ("name", "code", "verdict", "statuses"),
    [
        ("Right", 0, "agrees", {"pass": 6}),
        ("Wrong", 1, "differs", {"pass": 4, "fail": 2}),
        ("Crashes", 2, "incomplete", {"pass": 1, "error": 5}),
        ("Raises", 2, "incomplete", {"pass": 4, "error": 2}),
    ],
)
def test_an_adapter_of_ones_own(gateparity, folder, alone, name, code, verdict, statuses):
    backends = ("-b", "numpy", "-b", f"mymod:{name}")
    done = gateparity("check", *backends, "--json", f"{name}.json", *WORK)
    assert done.returncode == code
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1].startswith(verdict)
    found = load(folder / f"{name}.json")
    assert found["verdict"] == verdict
    assert [r for r in found["results"] if r["backend"] == "numpy"] == alone
    own = [r["status"] for r in found["results"] if r["backend"] == "mymod"]
    assert {status: own.count(status) for status in set(own)} == statuses
    assert {r["variant"] for r in found["results"]} == {"scratch", name}
    assert len(found["pairs"]) == 2


def test_a_crash_tells_its_reason_once(gateparity):
    done = gateparity("check", "-b", "numpy", "-b", "mymod:Crashes", *WORK)
    assert "Traceback" not in done.stdout + done.stderr
    reason = "gates, gradients, forward: its worker died during gates"
    assert f"- error mymod:Crashes: {reason} (exit code 7" in done.stdout
    assert done.stdout.count("died") == 1


def notes(done, status, name="Refuses"):
    """The lines of a backend of mymod that say why cells have no number."""
    start = f"- {status} mymod:{name}: "
    lines = done.stdout.splitlines()
    return [line.removeprefix(start) for line in lines if line.startswith(start)]


def test_an_error_names_its_case_and_the_key_that_would_declare_it(gateparity):
    checks = ("--check", "forward", "--check", "sizes", "--check", "lengths")
    cases = ("--case", "unit", "--case", "no_steps", "--case", "ragged", "--case", "one_empty")
    done = gateparity("check", "-b", "numpy", "-b", "mymod:Refuses", *checks, *cases)
    (error,), (skip,) = notes(done, "error"), notes(done, "skip")
    assert error.startswith("sizes (no_steps, float32): IndexError: no first step (mymod.py, line ")
    assert error.endswith(
        '): if it can\'t do that, declare unsupported = {"empty_sequence": "why"}'
    )
    assert skip.startswith("lengths (first: ragged, float32): it takes full sequences: if that ")
    assert skip.endswith('holds for all cases, declare unsupported = {"lengths": "why"}')


def test_an_error_where_all_that_is_needed_was_computed_suggests_no_key(gateparity):
    checks = ("--check", "forward", "--check", "layers", "--case", "unit", "--case", "stacked")
    done = gateparity("check", "-b", "numpy", "-b", "mymod:Shallow", *checks)
    (error,) = notes(done, "error", "Shallow")
    assert error.startswith("layers (first: stacked, float32): RuntimeError: one layer")
    assert "unsupported" not in error


def test_a_version_with_brackets_is_shown_as_it_is(gateparity):
    done = gateparity("check", "-b", "numpy", "-b", "mymod:Right", "--case", "unit")
    assert "1.0[/rc]" in done.stdout
    assert done.stderr == ""


def test_a_pipe_gets_no_colours_and_whole_lines(gateparity):
    done = gateparity("check", "-b", "numpy", "-b", "mymod:Wrong", *WORK, COLUMNS="60")
    assert "\x1b" not in done.stdout
    assert "…" not in done.stdout
    assert re.search(r"^2  mymod:Wrong +\S+ .* X$", done.stdout, re.MULTILINE)


SINGLE = next(p.number for p in draw_problems(0) if p.choice["dtype"] == "float32")
ROWS = "check -b numpy -b mymod:Wrong"
TOP_LEVEL = "--weights 'two of them.safetensors' --prefix ''"
REPEATED = [
    ("named", f"{ROWS} --check layers --case stacked --seed 11"),
    ("problem", f"{ROWS} --check forward --problem {SINGLE}"),
    ("text", f"{ROWS} --check forward --text 'my good.txt' --seed 1"),
    ("weights", f"{ROWS} --weights good.safetensors --prefix encoder.lstm"),
    ("top level", f"{ROWS} --check forward {TOP_LEVEL}"),
]


@pytest.mark.parametrize("line", [line for _, line in REPEATED], ids=[name for name, _ in REPEATED])
def test_the_repeat_command_repeats_the_failure(gateparity, folder, line):
    (folder / "my good.txt").write_text((folder / "good.txt").read_text())
    done = gateparity(*shlex.split(line))
    assert done.returncode == 1, done.stdout + done.stderr
    command = re.search(r"^  \$ gateparity (check .*)$", done.stdout, re.MULTILINE)[1]
    failure = re.search(r"^Found first: .*$", done.stdout, re.MULTILINE)[0]
    again = gateparity(*shlex.split(command))
    assert again.returncode == 1, again.stdout + again.stderr
    assert failure in again.stdout.splitlines()


def test_the_repeat_command_agrees_once_it_is_right(gateparity, folder):
    done = gateparity("check", "-b", "numpy", "-b", "mymod:Wrong", *WORK)
    command = re.search(r"^  \$ gateparity (check .*)$", done.stdout, re.MULTILINE)[1]
    again = gateparity(*shlex.split(command.replace("Wrong", "Right")))
    assert (again.returncode, again.stdout.splitlines()[-1].split()[0]) == (0, "agrees:")


def start(folder, *arguments):
    """The command on its way, stopped by Ctrl-C even where a shell ignores that."""
    return subprocess.Popen(
        [sys.executable, "-m", "gateparity.conformance.commands.cli", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_ctrl_c,
    )


@pytest.mark.parametrize(("name", "code"), [("Right", 0), ("Wrong", 1), ("Raises", 2)])
def test_the_exit_code_is_the_verdicts_where_nobody_reads_the_table(folder, name, code):
    """As in `gateparity check | head -1`."""
    backends = ("-b", "numpy", "-b", f"mymod:{name}", *WORK, "--json", f"unread-{name}.json")
    with start(folder, "check", *backends) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == code
    assert load(folder / f"unread-{name}.json")["schema"] == 1


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_says_what_was_saved(folder):
    (folder / "slow.py").write_text(SLOW)
    backends = ("-b", "numpy", "-b", "mymod:Wrong", "-b", "slow:Slow")
    process = start(folder, "check", *backends, *WORK, "--save", "kept")
    while not list((folder / "kept").glob("*-forward-*.safetensors")):
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(0.5)  # the file is there a moment before it is counted
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert said == "gateparity: stopped by Ctrl-C, kept failing cases in kept: 1\n"


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_is_one_line(folder):
    (folder / "slow.py").write_text(SLOW)
    (folder / "slow started").unlink(missing_ok=True)
    process = start(folder, "check", "-b", "numpy", "-b", "slow:Slow")
    while not (folder / "slow started").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == (
        "",
        "gateparity: stopped by Ctrl-C, kept nothing\n",
    )
    assert process.returncode == 130


def test_files_for_ci(gateparity, folder):
    """The failure that is printed is in each of them, with its command."""
    done = gateparity(
        *("check", "-b", "numpy", "-b", "mymod:Wrong", "--check", "forward"),
        *("--text", "good.txt", "--json", "ci.json", "--junit", "ci.xml", "--markdown", "ci.md"),
    )
    assert done.returncode == 1, done.stderr
    (repeat,) = re.findall(r"^  \$ (gateparity check .*)$", done.stdout, re.MULTILINE)
    assert "--text good.txt" in repeat
    found = load(folder / "ci.json")
    root = ET.parse(folder / "ci.xml").getroot()
    markdown = (folder / "ci.md").read_text("utf-8")
    assert found["source"]["options"] == "--text good.txt"
    failures = [failure.text.splitlines() for failure in root.iter("failure")]
    told = [line for lines in failures for line in lines if line.startswith("repeat: ")]
    assert told[:2] == [f"repeat: {repeat}"] * 2  # in float32 and in float64
    assert re.findall(r"^\$ (gateparity check .*)$", markdown, re.MULTILINE) == [repeat]
    assert [r["reason"] for r in found["results"] if r["reason"]] == [
        lines[0] for lines in failures[:2]
    ]


def test_the_seed_draws_other_numbers(gateparity, folder):
    for seed in (0, 1):
        files = ("--json", f"seed{seed}.json")
        backends = ("-b", "numpy", "-b", "mymod:Right")
        gateparity("check", *backends, "--seed", str(seed), *WORK, *files)
    one, other = (load(folder / f"seed{seed}.json") for seed in (0, 1))
    assert (one["seed"], other["seed"]) == (0, 1)
    assert [r["max_error"] for r in one["results"]] != [r["max_error"] for r in other["results"]]


def test_the_characters_of_a_real_text(gateparity, folder):
    """The beginning of the file that GATEPARITY_TEXT names, else of the help of Python itself."""
    named = os.environ.get("GATEPARITY_TEXT")
    text = Path(named).read_text("utf-8") if named else "\n".join(topics.topics.values())
    (folder / "real.txt").write_text(text[:60], "utf-8")
    done = gateparity(
        *("check", "-b", "numpy", "-b", "mymod:Right", "--text", "real.txt"),
        *("--json", "text.json"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = load(folder / "text.json")["results"]
    assert [(r["backend"], r["check"], r["dtype"]) for r in found] == [
        (backend, check, dtype)
        for backend in ("numpy", "mymod")
        for dtype in ("float32", "float64")
        for check in ("forward", "gradients")
    ]
    assert {(r["case"], r["status"]) for r in found} == {("text", "pass")}


@pytest.mark.parametrize(
    "line",
    [
        "--weights good.safetensors",
        "--weights good.safetensors --prefix encoder.lstm",
        "--weights good.safetensors --prefix encoder.lstm. --check layers",
        "--weights 'two of them.safetensors' --prefix ''",
        "--weights 'two of them.safetensors' --prefix encoder",
    ],
)
def test_a_checkpoints_lstm(gateparity, folder, line):
    done = gateparity(
        *("check", "-b", "numpy", "-b", "mymod:Right", "--json", "weights.json"),
        *shlex.split(line),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = load(folder / "weights.json")["results"]
    assert {(r["case"], r["status"]) for r in found} == {("weights", "pass")}
    checks = {"layers"} if "--check" in line else {"forward", "gates", "gradients"}
    assert {r["check"] for r in found} == checks


def test_what_is_found_is_told(gateparity, folder):
    far = folder / ("a-folder-with-a-long-name-" * 6)
    done = gateparity("backends", "--json", "backends.json", GATEPARITY_ENVS=str(far))
    assert done.returncode == 0
    assert done.stderr == ""
    assert "…" not in done.stdout
    found = load(folder / "backends.json")
    assert found["schema"] == 1
    names = [backend["backend"] for backend in found["backends"]]
    assert names == ["numpy", "torch", "tensorflow", "jax", "mxnet"]
    numpy = found["backends"][0]
    assert numpy["variants"] == ["scratch"]
    assert (numpy["version"], numpy["interpreter"]) == (np.__version__, sys.executable)
    for backend in found["backends"]:
        assert bool(backend["reason"]) != bool(backend["version"])
        assert (backend["interpreter"] or backend["reason"]) in done.stdout


def test_environments_are_listed_whole(gateparity, folder):
    far = folder / ("a-folder-with-a-long-name-" * 6)
    done = gateparity("env", "list", GATEPARITY_ENVS=str(far))
    assert done.returncode == 0
    assert f"Folder: {far}\n" in done.stdout
    assert all(name in done.stdout for name in ("numpy", "tensorflow", "mxnet"))


def test_a_file_is_replaced_whole(gateparity, folder):
    path = folder / "old.json"
    path.write_text("old")
    before = set(folder.iterdir())
    backends = ("-b", "numpy", "-b", "mymod:Right")
    line = ("check", *backends, "--case", "unit", "--check", "forward", "--json", str(path))
    assert gateparity(*line, "--force").returncode == 0
    assert load(path)["schema"] == 1
    assert {p for p in set(folder.iterdir()) - before if p.name != "started"} <= {
        folder / "__pycache__"
    }
