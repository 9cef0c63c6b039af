"""An installed package's adapter: found by its entry point, run in a worker, or refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

ADAPTER = """
import os
import sys

from gateparity.backends.numpy.scratch import Scratch

with open(os.environ["NOTES"], "a") as file:
    print("near" if "gateparity.conformance.commands.cli" in sys.modules else "far", file=file)


class MyLSTM(Scratch):
    version = "7.0"
"""


@pytest.fixture
def install(tmp_path):
    """Lay out a package as pip does."""

    def lay(entries, package="mypkg", version="1.2"):
        site = tmp_path / "site"
        (site / package).mkdir(parents=True)
        (site / package / "__init__.py").touch()
        (site / package / "lstm.py").write_text(ADAPTER)
        info = site / f"{package}-{version}.dist-info"
        info.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
        (info / "METADATA").write_text(metadata)
        (info / "entry_points.txt").write_text(f"[gateparity.backends]\n{entries}\n")

    return lay


@pytest.fixture
def gateparity(tmp_path):
    """Run the command in a folder where the package is installed and isn't lying about."""

    def run(*arguments):
        (tmp_path / "cwd").mkdir(exist_ok=True)
        paths = {"PYTHONPATH": str(tmp_path / "site"), "NOTES": str(tmp_path / "notes")}
        return subprocess.run(
            [sys.executable, "-P", "-m", "gateparity.conformance.commands.cli", *arguments],
            cwd=tmp_path / "cwd",
            env=os.environ | paths | {"GATEPARITY_ENVS": str(tmp_path / "envs")},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def check(gateparity, tmp_path, *arguments):
    out = tmp_path / "run.json"
    command = ("check", "--check", "forward", "--case", "unit", "--json", str(out))
    done = gateparity(*command, *arguments)
    return done, json.loads(out.read_text()) if out.exists() else None


@pytest.mark.parametrize("arguments", [(), ("-b", "numpy", "-b", "my-lstm")])
def test_it_is_found_by_default_and_by_name(install, gateparity, tmp_path, arguments):
    install("my-lstm = mypkg.lstm:MyLSTM")
    done, run = check(gateparity, tmp_path, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert run["versions"]["my-lstm"] == "7.0"
    own = [result for result in run["results"] if result["backend"] == "my-lstm"]
    assert [(r["variant"], r["status"]) for r in own] == [("", "pass")] * 2
    assert "  my-lstm  " in done.stdout


def test_it_is_imported_in_its_worker_alone(install, gateparity, tmp_path):
    install("my-lstm = mypkg.lstm:MyLSTM")
    assert gateparity("backends").returncode == 0
    assert not (tmp_path / "notes").exists()
    check(gateparity, tmp_path, "-b", "numpy", "-b", "my-lstm")
    assert (tmp_path / "notes").read_text() == "far\n"


def test_a_folder_of_its_name_in_the_way_is_not_it(install, gateparity, tmp_path):
    install("my-lstm = mypkg.lstm:MyLSTM")
    (tmp_path / "cwd" / "mypkg").mkdir(parents=True)
    (tmp_path / "cwd" / "mypkg" / "__init__.py").write_text("raise OSError('the wrong one')")
    done, _ = check(gateparity, tmp_path, "-b", "numpy", "-b", "my-lstm")
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_runs_in_another_interpreter(install, gateparity, tmp_path):
    install("my-lstm = mypkg.lstm:MyLSTM")
    spec = f"my-lstm@{sys.executable}"
    done, run = check(gateparity, tmp_path, "-b", "numpy", "-b", spec)
    assert done.returncode == 0, done.stdout + done.stderr
    assert spec in run["versions"]


def test_a_failure_is_repeated_by_its_name(install, gateparity, tmp_path):
    install("my-lstm = mypkg.lstm:MyLSTM")
    wrong = "    def forward(self, config, params, batch):\n        return super().forward(config, "
    wrong += "params, type(batch)(2 * batch.x, batch.states))\n"
    with (tmp_path / "site/mypkg/lstm.py").open("a") as file:
        file.write(wrong)
    done, _ = check(gateparity, tmp_path, "-b", "numpy", "-b", "my-lstm")
    assert done.returncode == 1
    backends, work = "--backend numpy --backend my-lstm", "--check forward --case unit --seed 0"
    assert f"gateparity check {backends} {work}" in done.stdout


def test_what_cannot_be_imported_costs_its_own_row(install, gateparity, tmp_path):
    install("gone = mypkg.gone:MyLSTM")
    done, _ = check(gateparity, tmp_path)
    assert done.returncode == 2
    assert "- error gone: forward: ModuleNotFoundError: No module named 'mypkg.gone'" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_it_is_listed_with_its_package(install, gateparity, tmp_path):
    install("my-lstm = mypkg.lstm:MyLSTM")
    done = gateparity("backends", "--json", "found.json")
    assert "mypkg.lstm:MyLSTM" in done.stdout
    found = json.loads((tmp_path / "cwd/found.json").read_text())["backends"][-1]
    assert (found["backend"], found["target"]) == ("my-lstm", "mypkg.lstm:MyLSTM")
    assert (found["version"], found["interpreter"]) == ("1.2", sys.executable)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (
            "torch = mypkg.lstm:MyLSTM",
            "the entry point 'torch' of mypkg has the name of a backend that gateparity ships",
        ),
        ("my lstm = mypkg.lstm:MyLSTM", "the entry point 'my lstm' of mypkg has a name that no"),
        ("a:b = mypkg.lstm:MyLSTM", "mypkg has a name that no --backend can spell"),
        ("a@b = mypkg.lstm:MyLSTM", "mypkg has a name that no --backend can spell"),
        ("mine = mypkg.lstm", "mypkg has the value 'mypkg.lstm', expected module:Class"),
        ("mine = mypkg.lstm:My.LSTM", "has the value 'mypkg.lstm:My.LSTM', expected module:Class"),
    ],
)
@pytest.mark.parametrize("line", ["check -b numpy", "backends"])
def test_what_cannot_be_named_is_refused_in_one_line(install, gateparity, entries, words, line):
    install(entries)
    refused_in_one_line(gateparity(*line.split()), words)


def test_two_packages_of_one_name_are_refused(install, gateparity):
    install("mine = mypkg.lstm:MyLSTM")
    install("mine = other.lstm:MyLSTM", package="other")
    words = "the entry point 'mine' of other has the name of one of mypkg's: uninstall one of them"
    refused_in_one_line(gateparity("check", "-b", "mine"), words)


def test_a_slip_in_its_name_gets_a_hint(install, gateparity):
    install("my-lstm = mypkg.lstm:MyLSTM")
    refused_in_one_line(gateparity("check", "-b", "my-lstn"), "(did you mean my-lstm?)")


def refused_in_one_line(done, words):
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
