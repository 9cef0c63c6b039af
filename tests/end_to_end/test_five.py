"""The main job on the real frameworks: what a user sees, by the command."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateparity.backends.workers.programs import default_store
from gateparity.conformance.judgement.deviations import DEVIATIONS
from gateparity.conformance.judgement.verdict import passes
from gateparity.conformance.problems.space import draw_problems
from gateparity.conformance.runs.judging import expect_deviating
from gateparity.conformance.runs.plan import named_plan
from gateparity.conformance.runs.truths import Truths
from tests.ctrl_c import hear_ctrl_c

CHECK = (sys.executable, "-m", "gateparity.conformance.commands.cli", "check")
ROOT = Path(__file__).parents[2]
FORWARD = ("--check", "forward", "--case", "sequence", "--case", "deep")
# The environment `parity` runs all cases, and the array.
CASES = (
    *("sequence", "plain", "zero_states", "one_step", "stacked", "deep", "steep"),
    *("uneven", "ragged", "one_empty", "nan_padding", "all_empty", "no_steps", "no_sequences"),
    *("saturated", "subnormal", "overflowing", "nan"),
)
NAMED = [word for name in CASES for word in ("--case", name)]
EMPTY = ("gradients", "sizes")  # of no steps, or no sequences
SKIPS = {  # all that may be missing from the table
    "numpy:scratch": {"variants"},
    "torch:scratch": {"variants", *EMPTY},
    "torch:layer": {"gates", "lengths", *EMPTY},
    "tensorflow:scratch": {"variants"},
    "tensorflow:layer": {"gates", *EMPTY},
    "jax:scratch": {"variants"},
    "jax:layer": {"gates"},
    "mxnet:scratch": {"variants", "dtypes", *EMPTY},
    "mxnet:layer": {"gates", "lengths", "permutation", "purity", "dtypes", *EMPTY},
}
NO_GATES = {(backend, "gates") for backend, checks in SKIPS.items() if "gates" in checks}


def check(specs, tmp_path, *options, **kwargs):
    out = tmp_path / "run.json"
    flags = [flag for spec in specs for flag in ("--backend", spec)]
    command = [*CHECK, *flags, "--json", str(out), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **kwargs)
    return done, json.loads(out.read_text()) if out.exists() else None


def statuses(run):
    """Row to the set of its statuses, and the rows and checks that were skipped."""
    found, skipped = {}, set()
    for result in run["results"]:
        backend = f"{result['backend'].partition('@')[0]}:{result['variant']}"
        found.setdefault(backend, set()).add(result["status"])
        if result["status"] == "skip":
            skipped.add((backend, result["check"]))
    return found, skipped


def expected(run):
    """Where its rows have to deviate, at their versions, by more than rounding."""
    versions = {label.partition("@")[0]: version for label, version in run["versions"].items()}
    truths = Truths(default_store())
    return {
        (backend, *task.key)
        for known in DEVIATIONS
        for task in named_plan(CASES, [], run["seed"])
        if known.covers(task.case) and known.must.holds(task.case)
        for variant in known.variants
        if (backend := f"{known.framework}:{variant}") in versions
        and versions[backend].startswith(known.versions)
        and (backend, task.check.name) not in NO_GATES
        and not passes(expect_deviating(task, [known], truths, {}).truth, truths.of(*task))
    }


def known(run):
    """Where a row deviates as is known of it."""
    return {
        (f"{r['backend'].partition('@')[0]}:{r['variant']}", r["check"], r["case"], r["dtype"])
        for r in run["results"]
        if r["status"] == "known"
    }


@pytest.fixture(scope="module")
def five(all_frameworks, tmp_path_factory):
    """Some named cases in all five: the command as it ended, and its JSON."""
    return check(all_frameworks, tmp_path_factory.mktemp("five"), *NAMED)


def test_five_frameworks_agree(five):
    done, run = five
    assert done.returncode == 0, done.stdout + done.stderr
    found, skipped = statuses(run)
    assert len(found) == 9
    sigmas = [result["sigmas"] for result in run["results"] if result["status"] == "pass"]
    assert max(sigmas) < 8  # of what rounding alone should cause
    assert all(each <= {"pass", "known", "skip"} for each in found.values())
    assert skipped == {(backend, check) for backend, checks in SKIPS.items() for check in checks}
    assert known(run) == expected(run) != set()
    assert len(run["versions"]) == 9
    assert len(run["pairs"]) == 9 * 8 / 2 * 3
    apart = {f"{pair['a']} {pair['b']}" for pair in run["pairs"] if pair["status"] == "skip"}
    assert all("mxnet" in pair for pair in apart)  # which has no float16
    assert {pair["status"] for pair in run["pairs"]} == {"pass", "skip"}
    assert "not finite" not in done.stdout
    for backend in found:  # the table names every row whole
        assert backend in done.stdout
    assert run["transport_seconds"] <= 0.1 * run["seconds"] * (os.cpu_count() or 1)


def test_each_known_deviation_has_to_show_in_a_case():
    cases = [task.case for task in named_plan(CASES, [], 0)]
    for known in DEVIATIONS:
        assert any(known.covers(case) and known.must.holds(case) for case in cases), known


def test_five_frameworks_agree_on_a_problem_of_the_array(all_frameworks, tmp_path):
    """A small one that all can run, in all checks: by default slow frameworks leave some out."""
    wanted = {"dtype": "float32", "lengths": "none"}
    able = [p for p in draw_problems(0) if wanted.items() <= p.choice.items() and p.cell_steps]
    number = min(able, key=lambda p: p.cell_steps).number
    done, run = check(all_frameworks, tmp_path, "--problem", str(number))
    assert done.returncode == 0, done.stdout + done.stderr
    found, _ = statuses(run)
    assert len(found) == 9
    assert all("pass" in each for each in found.values())
    assert all(each <= {"pass", "known", "skip"} for each in found.values())


# All 28 symbols, and many of them several times: 31 windows. A whole book gives 256, whose budgets
# take longer, and shows the same; GATEPARITY_TEXT names one, of which as much is taken.
TEXT = "The quick brown fox jumps over the lazy dog, and then it sleeps."


def test_the_characters_of_a_text_agree(all_frameworks, tmp_path):
    path, named = tmp_path / "text.txt", os.environ.get("GATEPARITY_TEXT")
    text = Path(named).read_text("utf-8") if named else TEXT
    path.write_text(text[: len(TEXT)], "utf-8")
    done, run = check(all_frameworks, tmp_path, "--text", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    found, skipped = statuses(run)
    assert len(found) == 9
    assert not skipped
    assert {result["check"] for result in run["results"]} == {"forward", "gradients"}


SAVE = """
import sys, torch
torch.manual_seed(17)
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Embedding(7, 5)
        self.encoder = torch.nn.LSTM(5, 8, num_layers=2, bidirectional=True)
        self.head = torch.nn.Linear(16, 7)
torch.save(Model().state_dict(), sys.argv[1])
"""


def test_a_checkpoint_of_pytorch_agrees(all_frameworks, torch_backend, tmp_path):
    path = tmp_path / "model.pt"
    subprocess.run([str(torch_backend.python), "-c", SAVE, str(path)], check=True)
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    done, run = check(all_frameworks, tmp_path, "--weights", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    found, skipped = statuses(run)
    assert len(found) == 9
    assert skipped == NO_GATES
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


# A file of core/layouts/, a line at its end, and the rows of three frameworks that it concerns.
SWAPS = {
    ("book.py", 'D2L = dataclasses.replace(D2L, gates=("f", "i", "c", "o"))'): {
        "numpy:scratch",
        "torch:scratch",
        "mxnet:scratch",
    },
    ("torch.py", 'TORCH = dataclasses.replace(TORCH, order="figo")'): {"torch:layer"},
    ("mxnet.py", 'MXNET = dataclasses.replace(MXNET, order="ifog")'): {"mxnet:layer"},
}


@pytest.mark.parametrize(("file", "line"), SWAPS)
def test_two_gates_swapped_in_a_layout_turn_its_rows_red(file, line, all_frameworks, tmp_path):
    package = tmp_path / "site" / "gateparity"
    for folder, target in (("core", ""), ("backends", "backends"), ("conformance", "conformance")):
        shutil.copytree(ROOT / folder, package / target, dirs_exist_ok=True)
    with (package / "layouts" / file).open("a") as layouts:
        layouts.write(f"import dataclasses\n{line}\n")
    specs = [s for s in all_frameworks if s.partition("@")[0] in ("numpy", "torch", "mxnet")]
    env = {**os.environ, "PYTHONPATH": str(package.parent)}
    done, run = check(specs, tmp_path, *FORWARD, env=env, cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    found, _ = statuses(run)
    assert {backend for backend, each in found.items() if "fail" in each} == SWAPS[file, line]
    assert {backend for backend, each in found.items() if each == {"pass"}} == set(found) - SWAPS[
        file, line
    ]


def test_a_worker_killed_in_mid_run_costs_its_own_row(five, all_frameworks, tmp_path):
    specs = [s for s in all_frameworks if s.partition("@")[0] in ("numpy", "torch", "mxnet")]
    process = start(specs, tmp_path)
    victim = wait_for(lambda: importing(process.pid, "torch"), process)[0]
    os.kill(victim, signal.SIGKILL)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 2, out + err
    run = json.loads((tmp_path / "run.json").read_text())
    found, _ = statuses(run)
    erred = {backend for backend, each in found.items() if "error" in each}
    assert len(erred) == 1
    assert next(iter(erred)).startswith("torch")
    assert "died during" in out
    others = set(statuses(five[1])[0]) - set(found)
    assert results_but(run, erred) == results_but(five[1], erred | others) != []
    assert "Traceback" not in out + err


@pytest.mark.parametrize("group", [False, True], ids=["process", "terminal"])
def test_ctrl_c_leaves_no_process_behind(group, all_frameworks, tmp_path):
    process = start(all_frameworks, tmp_path)
    wait_for(lambda: len(workers(process.pid)) >= 2, process)
    time.sleep(1.0)
    mine = workers(process.pid)
    if group:
        os.killpg(process.pid, signal.SIGINT)  # what a terminal does
    else:
        os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in out + err
    assert not [pid for pid in mine if Path(f"/proc/{pid}").exists()]
    assert not (tmp_path / "run.json").exists()


def start(specs, tmp_path):
    flags = [flag for spec in specs for flag in ("--backend", spec)]
    return subprocess.Popen(
        [*CHECK, *flags, *NAMED, "--json", str(tmp_path / "run.json")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hear_ctrl_c,
    )


def workers(pid: int, name: str = "") -> list[int]:
    """Children of a process whose interpreter's path holds a name."""
    children = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        children += [int(child) for child in task.read_text().split()]
    lines = {child: Path(f"/proc/{child}/cmdline").read_bytes().decode() for child in children}
    return [child for child, line in lines.items() if name in line.partition("\0")[0]]


def importing(pid: int, name: str) -> list[int]:
    """Those of them which have begun to load the framework."""
    found = []
    for child in workers(pid, name):
        with contextlib.suppress(OSError):
            found += [child] if f"lib{name}" in Path(f"/proc/{child}/maps").read_text() else []
    return found


def wait_for(condition, process, limit=60.0):
    end = time.monotonic() + limit
    while time.monotonic() < end and process.poll() is None:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"not seen within {limit} s; exit code {process.poll()}")


def results_but(run, backends):
    return [
        result
        for result in run["results"]
        if f"{result['backend'].partition('@')[0]}:{result['variant']}" not in backends
    ]
