"""`gateparity env` as a user meets it, with a second NumPy that is really installed."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.command import run_command

VERSION = "2.3.5"
SPEC = f"numpy@{VERSION}"


@pytest.fixture(scope="module")
def gateparity(tmp_path_factory):
    """Run the command with an empty folder of environments."""
    folder = tmp_path_factory.mktemp("envs")

    def run(*arguments):
        environ = {"GATEPARITY_ENVS": str(folder), "COLUMNS": "300"}
        return run_command(*arguments, cwd=folder, env=environ)

    yield run
    shutil.rmtree(folder)  # 100 MB


def compare(gateparity):
    return gateparity("check", "-b", SPEC, "-b", "numpy", "--check", "forward", "--case", "unit")


def test_a_version_is_made_listed_compared_and_removed(gateparity, tmp_path):
    done = compare(gateparity)
    assert done.returncode == 2
    said = f"numpy=={VERSION} is in no environment: gateparity env create numpy=={VERSION}"
    assert (said in done.stderr, done.stdout) == (True, "")

    done = gateparity("env", "create", f"numpy=={VERSION}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{SPEC} installed: numpy {VERSION} (Python 3.")

    file = tmp_path / "list.json"
    done = gateparity("env", "list", "--json", str(file))
    [found] = [e for e in json.loads(file.read_text())["environments"] if e["name"] == SPEC]
    assert (found["state"], found["versions"]) == ("ready", {"numpy": VERSION})
    assert found["bytes"] > 20e6

    done = compare(gateparity)
    assert done.returncode == 0, done.stdout
    assert VERSION in done.stdout
    line = "numpy:scratch@2.3.5 and numpy:scratch: "
    assert any(text.startswith(line) for text in done.stdout.splitlines())

    assert "is whole" in gateparity("env", "repair", SPEC).stdout
    assert gateparity("env", "remove", SPEC).stdout.startswith(f"{SPEC} removed: ")
    assert compare(gateparity).returncode == 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("create", "name frameworks, or say --all: gateparity env create --all"),
        ("create torch --all", "name frameworks, or say --all"),
        ("create numpyy", "unknown framework 'numpyy' (did you mean numpy?)"),
        ("create numpy --name A", "expected a-z, 0-9"),
        ("create numpy --python 3.99", "NumPy needs Python 3.99, and none was found"),
        ("remove", "name environments, or say --all"),
        ("remove jax@0.9.2", "there is no environment 'jax@0.9.2'"),
        ("repair jax", "there is no environment 'jax'"),
    ],
)
def test_what_cannot_be_done_is_one_line(gateparity, line, words):
    done = gateparity("env", *line.split())
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("where", ["nothing", "../x", ""])
def test_a_place_that_is_none_is_one_line(gateparity, where):
    done = gateparity("check", "-b", "numpy", "-b", f"numpy@{where}")
    assert done.returncode == 2
    assert "no Python interpreter at" in done.stderr
    assert done.stderr.count("\n") == 1
