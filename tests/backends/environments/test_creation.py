"""Environments on bad days: real installs, stopped, refused, out of room, or made twice at once."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import signal
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gateparity.backends.catalogue import Framework
from gateparity.backends.environments.creation import (
    create_environment,
    remove_environment,
    repair_environment,
)
from gateparity.backends.environments.environments import (
    MARKER,
    environment,
    environments_folder,
    interpreter,
    list_environments,
    recall_request,
)
from gateparity.backends.environments.requests import Request, parse_requests
from gateparity.errors import InputError

# A framework whose pins are the test's own, made by a process of its own.
MAKE = """
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tests_small import small
from gateparity.backends.environments.creation import create_environment
create_environment(small(Path(sys.argv[1])), lambda line: print(line, flush=True), force=FORCE)
"""
SMALL = """
import dataclasses
from pathlib import Path
from gateparity.backends.catalogue import Framework
from gateparity.backends.environments.requests import Request


@dataclasses.dataclass(frozen=True)
class Pinned(Framework):
    file: Path = Path()

    @property
    def requirements(self):
        return self.file


def small(file, *asked):
    framework = Pinned("small", "Small", ("iniconfig",), ("iniconfig",), file=file)
    return Request(framework, "small", asked)
"""


@dataclasses.dataclass(frozen=True)
class Pinned(Framework):
    """A framework whose pins are the test's own."""

    file: Path = Path()

    @property
    def requirements(self):
        return self.file


def small(file, *requirements, name="small", python=""):
    framework = Pinned("small", "Small", ("iniconfig",), ("iniconfig",), file=file)
    return Request(framework, name, requirements, python)


@pytest.fixture
def pins(monkeypatch, tmp_path):
    """A file of pins, and an empty folder for environments beside it."""
    monkeypatch.setenv("GATEPARITY_ENVS", str(tmp_path / "envs"))
    (tmp_path / "tests_small.py").write_text(SMALL)
    file = tmp_path / "pins.txt"
    file.write_text("iniconfig==2.1.0\n")
    return file


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """A ready environment, made by two processes at once, and what they said."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "tests_small.py").write_text(SMALL)
    (folder / "pins.txt").write_text("iniconfig==2.1.0\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATEPARITY_ENVS", str(folder / "envs"))
        with making(folder / "pins.txt") as first, making(folder / "pins.txt") as second:
            said = [first.stdout.read(), second.stdout.read()]
    assert (first.returncode, second.returncode) == (0, 0)
    return folder, said


@pytest.fixture
def made(once, monkeypatch):
    """The pins of that environment, which a test may change and has to leave ready."""
    folder, _ = once
    monkeypatch.setenv("GATEPARITY_ENVS", str(folder / "envs"))
    monkeypatch.setattr(
        "gateparity.backends.environments.creation.recall_request",
        lambda _: small(folder / "pins.txt"),
    )
    yield folder / "pins.txt"
    (folder / "pins.txt").write_text("iniconfig==2.1.0\n")
    assert environment(small(folder / "pins.txt")).state == "ready"


def making(pins, *, force=False, **options):
    """The same creation in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", MAKE.replace("FORCE", str(force)), str(pins)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONPATH": str(pins.parent)},
        **options,
    )


def silent(_line):
    pass


def refusal(request, **options):
    """The one line that a creation ends with, which leaves nothing."""
    with pytest.raises(InputError) as caught:
        create_environment(request, silent, **options)
    assert "\n" not in str(caught.value)
    assert environment(request).state == "absent"
    return str(caught.value)


def test_two_processes_make_it_once(once):
    _, said = once
    assert sum("Making" in text for text in said) == 1
    assert sum("Waiting for another process that makes small" in text for text in said) == 1


def test_a_failed_creation_leaves_the_one_before_as_it_was(made):
    before = (environments_folder() / "small" / MARKER).read_text()
    made.write_text("iniconfig==0.0.0.1\n")
    with pytest.raises(InputError):
        create_environment(small(made), silent, force=True)
    assert (environments_folder() / "small" / MARKER).read_text() == before
    code = "import iniconfig"
    subprocess.run([interpreter(environments_folder() / "small"), "-c", code], check=True)
    assert {path.name for path in environments_folder().iterdir()} == {"small", ".locks"}


def test_a_killed_replacement_gives_the_one_before_back(made):
    before = (environments_folder() / "small" / MARKER).read_text()
    with making(made, force=True) as process:
        assert any("Looking in" in line for line in process.stdout)  # ensurepip's first words
        process.send_signal(signal.SIGKILL)
        process.stdout.read()
    assert environment(small(made)).state == "incomplete"
    create_environment(small(made), pytest.fail)  # nothing is installed
    assert (environments_folder() / "small" / MARKER).read_text() == before


def test_a_version_that_does_not_exist_is_told_with_those_that_do(pins):
    text = refusal(small(pins, "iniconfig==77.0"))
    assert text.startswith(
        "the environment small can't be made: the package index has no iniconfig==77.0 for this "
        "Python (it has "
    )
    assert "2.1.0" in text
    assert text.endswith("then run `gateparity env create iniconfig==77.0` again")


@pytest.mark.parametrize("retries", [0, 1])
def test_an_index_that_cannot_be_reached_is_said(pins, monkeypatch, retries):
    use_index(monkeypatch, "http://127.0.0.1:9/simple", retries=retries)  # refused at once
    text = refusal(small(pins))
    assert "the package index can't be reached: mend the network, or pip's settings" in text


def test_an_index_without_the_name_is_named(pins, monkeypatch, tmp_path):
    (tmp_path / "index").mkdir()
    handler = functools.partial(Silent, directory=tmp_path / "index")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/simple"
        use_index(monkeypatch, url)
        text = refusal(small(pins))
        server.shutdown()
    assert f"no iniconfig==2.1.0 for this Python is in {url}: mend the name, or pip's" in text


class Silent(SimpleHTTPRequestHandler):
    """An index on this machine, of the files in a folder."""

    def log_message(self, *_):
        """Say nothing."""


def use_index(monkeypatch, url, retries=0):
    """Point pip at an index and at nothing else."""
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", url)
    monkeypatch.setenv("PIP_RETRIES", str(retries))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")


def test_a_full_disk_is_said_and_nothing_is_left(pins):
    """A limit on the size of files stands for a full disk: writing fails half-way in both."""
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000));"
        + MAKE.replace("FORCE", "False")
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(pins)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(pins.parent)},
    )
    last = done.stderr.splitlines()[-1]
    assert "the environment small can't be made: the disk is full (" in last
    assert f"MB free at {environments_folder()}): make room there, then run" in last
    assert environment(small(pins)).state == "absent"


@pytest.mark.skipif(not Path("/sys").is_dir(), reason="no folder that not even root may write to")
def test_a_folder_without_permission_is_said(pins, monkeypatch):
    monkeypatch.setenv("GATEPARITY_ENVS", "/sys/gateparity")
    text = refusal(small(pins))
    assert "/sys/gateparity" in text
    assert "(name a folder of your own in GATEPARITY_ENVS)" in text


def test_one_whose_python_was_removed_is_made_anew(made):
    python = interpreter(environments_folder() / "small")
    python.unlink()
    python.symlink_to(made.parent / "gone" / "python3")
    found = environment(small(made))
    assert (found.state, found.reason) == (
        "incomplete",
        "its Python is gone: gateparity env repair small",
    )
    assert repair_environment("small", silent) is True
    assert environment(small(made)).versions == {"iniconfig": "2.1.0"}


def test_another_python_in_the_place_of_its_own_is_not_trusted(made):
    marker = environments_folder() / "small" / MARKER
    text = marker.read_text()
    marker.write_text(json.dumps(json.loads(text) | {"base": "/usr/bin/python2"}))
    assert environment(small(made)).reason.startswith("its Python is no longer /usr/bin/python2")
    marker.write_text(text)


def test_packages_that_were_changed_are_found_by_repair(made):
    assert repair_environment("small", silent) is False
    python = interpreter(environments_folder() / "small")
    pip = [python, "-m", "pip", "install", "--quiet", "iniconfig==2.0.0"]
    subprocess.run(pip, check=True, capture_output=True)
    assert environment(small(made)).state == "ready"  # a marker can't know
    assert repair_environment("small", silent) is True
    assert repair_environment("small", silent) is False


def test_a_name_that_holds_something_else_is_not_taken(made):
    marker = environments_folder() / "small" / MARKER
    text = marker.read_text()
    marker.write_text(json.dumps(json.loads(text) | {"asked": ["iniconfig==2.1.0"]}))
    with pytest.raises(InputError, match=r"^small was made by `gateparity env create iniconfig==2"):
        create_environment(small(made, "iniconfig==2.0.0"), silent)
    assert create_environment(small(made), pytest.fail)  # which asks for nothing else
    marker.write_text(text)


def test_a_named_environment_is_listed_and_recalled(pins):
    (request,) = parse_requests(["numpy<3"], name="old")
    folder = environments_folder() / "numpy@old"
    folder.mkdir(parents=True)
    (folder / "gateparity-request.json").write_text(
        json.dumps({"asked": ["numpy<3"], "wanted_python": ""})
    )
    (environments_folder() / "numpy@Not A Name").mkdir()
    (environments_folder() / "jax@lost").mkdir()
    assert recall_request("numpy@old") == request
    found = {one.name: one for one in list_environments()}
    others = ["torch", "tensorflow", "jax", "jax@lost", "mxnet", "onnx"]
    assert list(found) == ["numpy", "numpy@old", *others]
    assert found["numpy@old"].state == "incomplete"
    assert found["jax@lost"].reason == "its contents are unknown: gateparity env remove jax@lost"
    remove_environment("jax@lost", silent)
    assert not (environments_folder() / "jax@lost").exists()
    with pytest.raises(InputError, match=r"^there is no environment jax@lost"):
        remove_environment("jax@lost", silent)
