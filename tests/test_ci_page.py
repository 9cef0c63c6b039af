"""What docs/ci.md gives a user's library runs as it stands: the wheel, tox.ini and the workflow."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from gateparity.backends.catalogue import FRAMEWORKS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/ci.md").read_text("utf-8")
(TOX_INI,) = re.findall(r"```ini\n(.*?)```", PAGE, re.DOTALL)
(WORKFLOW,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
INSTALL = PAGE.partition("## Install gateparity")[2].partition("\n## ")[0]
ADAPTER = re.search(
    r"```python\n(.*?)```", (ROOT / "docs/adapters.md").read_text("utf-8"), re.DOTALL
)[1]
PROJECT = """
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "mylib"
version = "1.0"
dependencies = ["numpy"]
"""
LEFT_OUT = shutil.ignore_patterns(".*", "build", "*.egg-info", "__pycache__", "docs", "tests")


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A library with an LSTM, its tox.ini and workflow, beside a clone of gateparity."""
    folder = tmp_path_factory.mktemp("work")
    shutil.copytree(ROOT, folder / "gateparity", ignore=LEFT_OUT)
    library = folder / "library"
    (library / "mylib").mkdir(parents=True)
    (library / ".github/workflows").mkdir(parents=True)
    (library / ".github/workflows/parity.yml").write_text(WORKFLOW, "utf-8")
    (library / "tox.ini").write_text(TOX_INI, "utf-8")
    (library / "pyproject.toml").write_text(PROJECT, "utf-8")
    (library / "mylib/__init__.py").write_text("", "utf-8")
    (library / "mylib/lstm.py").write_text(ADAPTER, "utf-8")
    venv.create(folder / "venv", with_pip=True, symlinks=True)
    return library


@pytest.fixture
def run(library, tmp_path):
    """Run a line as a step of a job, with the summary of that job in `tmp_path`."""

    def run(line, environment=""):
        dropped = ("TOX", "PYTEST_", "GATEPARITY_", "FORCE_COLOR", "VIRTUAL_ENV", "PYTHON")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
        here = {
            "PATH": f"{library.parent / 'venv/bin'}{os.pathsep}{os.environ['PATH']}",
            "GATEPARITY_ENVS": str(library.parent / "environments"),
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
            "ENVIRONMENT": environment,
        }
        return subprocess.run(
            ["bash", "-e", "-c", line],
            cwd=library,
            env=kept | here,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return run


def test_the_library_agrees_beside_a_framework_and_a_mistake_fails_the_job(library, run, tmp_path):
    setup, *steps = re.findall(r"^ +(?:- )?run: (.*)$", WORKFLOW, re.MULTILINE)
    for line in (*re.findall(r"^\$ (.*)$", INSTALL, re.MULTILINE), setup):
        done = run(line)
        assert done.returncode == 0, f"{line}\n{done.stdout}"
    listed = run("tox list --no-desc").stdout.split()
    assert listed == [f"py{v}-{f}" for v, f in itertools.product(matrix("python"), FRAMEWORKS)]
    assert matrix("framework") == list(FRAMEWORKS)
    name = f"py3.{sys.version_info.minor}"
    right = (library / "mylib/lstm.py").read_text("utf-8")
    wrong = right.replace("sigmoid(f + 1)", "sigmoid(f)")
    assert wrong != right
    for framework, source, code, verdict in (
        ("mxnet", right, 0, "agrees"),
        ("numpy", wrong, 1, "differs"),
    ):
        (library / "mylib/lstm.py").write_text(source, "utf-8")
        done = [run(line, f"{name}-{framework}") for line in steps]
        assert [each.returncode for each in done] == [code, 0], done[0].stdout
        summary = (tmp_path / "summary.md").read_text("utf-8")
        (tmp_path / "summary.md").unlink()
        mark, heading, *_ = summary.splitlines()
        assert mark.startswith("<!-- Written by gateparity ")
        assert heading == f"# gateparity check: {verdict}"
        assert f"{framework}:scratch@{name}" in summary
        assert "mylib.lstm:MyLSTM" in summary


def matrix(axis):
    return re.findall(r"[\w.]+", re.search(rf"^ +{axis}: \[(.*)\]$", WORKFLOW, re.MULTILINE)[1])


def test_actionlint_passes_the_workflow(tmp_path):
    if not (actionlint := shutil.which("actionlint", path=Path(sys.executable).parent)):
        assert "GATEPARITY_TOX" not in os.environ, "tox installs it"
        pytest.skip("actionlint isn't here: tox run -e tests")
    path = tmp_path / "parity.yml"
    for text, code in ((WORKFLOW, 0), (WORKFLOW.replace("matrix.python }}", "matrix.pyton }}"), 1)):
        path.write_text(text, "utf-8")
        done = subprocess.run([actionlint, path], check=False, capture_output=True, text=True)
        assert done.returncode == code, done.stdout


def test_the_workflow_may_read_and_no_more():
    assert re.search(r"^permissions:\n  contents: read\njobs:", WORKFLOW, re.MULTILINE)
    assert WORKFLOW.count("permissions:") == 1
