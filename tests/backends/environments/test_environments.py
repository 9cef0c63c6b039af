"""Environments made by the real venv and the real pip, and what is left when that is stopped."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import platform
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateparity.backends.catalogue import ENVIRONMENTS, FRAMEWORKS, Framework
from gateparity.backends.environments.creation import create_environment
from gateparity.backends.environments.environments import (
    MARKER,
    environment,
    environments_folder,
    interpreter,
    list_environments,
    recall_request,
)
from gateparity.backends.environments.requests import Request, known_framework
from gateparity.errors import InputError
from tests.ctrl_c import hear_ctrl_c

NUMPY = Request(FRAMEWORKS["numpy"], "numpy")
CREATE_NUMPY = """
from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.environments.creation import create_environment
from gateparity.backends.environments.requests import Request
create_environment(Request(FRAMEWORKS["numpy"], "numpy"), lambda line: print(line, flush=True))
"""


@dataclasses.dataclass(frozen=True)
class Pinned(Framework):
    """A framework whose pins are the test's own."""

    file: Path = Path()

    @property
    def requirements(self):
        return self.file


def pinned(folder, pins, modules=(), **fields):
    file = folder / "pins.txt"
    file.write_text(pins)
    framework = Pinned("small", "Small", modules, distributions=(), file=file, **fields)
    return Request(framework, "small")


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path, monkeypatch):
    (tmp_path / "envs").write_text("")
    monkeypatch.setenv("GATEPARITY_ENVS", str(tmp_path / "envs"))
    for call in (environments_folder, list_environments, lambda: recall_request("numpy")):
        with pytest.raises(InputError) as caught:
            call()
        expected = f"GATEPARITY_ENVS is {tmp_path / 'envs'}: it is a file, expected a folder"
        assert str(caught.value) == expected


def silent(_line):
    pass


@pytest.fixture(scope="module")
def numpys_folder(tmp_path_factory):
    """A folder with a ready environment for NumPy, made after a creation that was killed."""
    folder = tmp_path_factory.mktemp("envs with a space")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATEPARITY_ENVS", str(folder))
        assert stopped(signal.SIGKILL, "Installing collected") == -signal.SIGKILL
        assert environment(NUMPY).state == "incomplete"
        create_environment(NUMPY, silent)
    yield folder
    shutil.rmtree(folder)  # 100 MB


@pytest.fixture
def envs(monkeypatch, numpys_folder):
    """That folder, with its marker put back after each test."""
    monkeypatch.setenv("GATEPARITY_ENVS", str(numpys_folder))
    marker = numpys_folder / "numpy" / MARKER
    text = marker.read_text()
    yield numpys_folder
    marker.write_text(text)


@pytest.fixture
def empty(monkeypatch, tmp_path):
    folder = tmp_path / "envs"
    monkeypatch.setenv("GATEPARITY_ENVS", str(folder))
    return folder


def stopped(number, when):
    """The exit code of a creation that gets a signal at the first line with `when` in it."""
    with subprocess.Popen(
        [sys.executable, "-c", CREATE_NUMPY],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=hear_ctrl_c,
    ) as process:
        assert any(when in line for line in process.stdout)
        process.send_signal(number)
        process.stdout.read()
    return process.returncode


def edit(folder, **fields):
    marker = folder / "numpy" / MARKER
    marker.write_text(json.dumps(json.loads(marker.read_text()) | fields))


def unready():
    """The state and the reason of NumPy's environment, which must not be used."""
    found = environment(NUMPY)
    assert found.state != "ready"
    return found.state, found.reason


def test_the_environment_after_a_killed_creation_holds_the_pins(envs):
    assert environment(NUMPY).state == "ready"
    python = interpreter(envs / "numpy")
    code = "import numpy; print(numpy.__version__, numpy.__file__)"
    said = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.startswith(f"2.4.6 {envs}/numpy/lib")


def test_the_marker_says_what_is_there(envs):
    marker = json.loads((envs / "numpy" / MARKER).read_text())
    age = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(marker.pop("created"))
    assert dt.timedelta(0) <= age < dt.timedelta(minutes=5)
    assert Path(marker.pop("base")) == Path(sys.executable).resolve()
    assert marker == {
        "name": "numpy",
        "asked": [],
        "wanted_python": "",
        "requirements": NUMPY.framework.requirements.read_text(),
        "python": platform.python_version(),
        "versions": {"numpy": "2.4.6"},
    }
    assert not list((envs / "numpy").glob(f"{MARKER}.*"))


def test_a_ready_environment_is_not_made_again(envs):
    marker = (envs / "numpy" / MARKER).stat().st_mtime_ns
    assert create_environment(NUMPY, pytest.fail) == interpreter(envs / "numpy")
    assert (envs / "numpy" / MARKER).stat().st_mtime_ns == marker


def test_the_list_has_every_framework(envs):
    found = {each.name: each for each in list_environments()}
    assert list(found) == list(ENVIRONMENTS)
    assert {name: each.state for name, each in found.items()} == dict.fromkeys(
        ENVIRONMENTS, "absent"
    ) | {"numpy": "ready"}
    assert found["numpy"].versions == {"numpy": "2.4.6"}
    assert found["numpy"].python == platform.python_version()
    assert found["numpy"].size() > 20e6
    assert found["torch"].size() == 0


def test_without_its_marker_it_is_not_trusted(envs):
    (envs / "numpy" / MARKER).unlink()
    assert unready() == ("incomplete", "its creation did not finish: gateparity env repair numpy")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "{}", '{"python": "3", "versions": 1, "requirements": ""}', "\0"]
)
def test_a_marker_that_makes_no_sense_is_not_trusted(envs, text):
    (envs / "numpy" / MARKER).write_text(text)
    assert unready() == ("incomplete", "its creation did not finish: gateparity env repair numpy")


def test_other_pins_make_it_stale(envs):
    edit(envs, requirements="numpy==2.4.5\n")
    assert unready() == ("stale", "pins have changed: gateparity env repair numpy")
    assert environment(NUMPY).versions == {"numpy": "2.4.6"}


def test_a_comment_does_not_make_it_stale(envs):
    edit(envs, requirements="# pins\n\nnumpy==2.4.6  # the newest\r\n")
    assert environment(NUMPY).state == "ready"


def test_an_environment_without_its_python_is_not_trusted(envs):
    python = interpreter(envs / "numpy")
    aside = python.rename(python.with_name("aside"))
    try:
        assert unready() == ("incomplete", "its Python is gone: gateparity env repair numpy")
    finally:
        aside.rename(python)


@pytest.mark.parametrize("when", ["Making", "Installing collected"])
def test_ctrl_c_leaves_nothing(empty, when):
    assert stopped(signal.SIGINT, when) == -signal.SIGINT
    assert not (empty / "numpy").exists()
    assert environment(NUMPY).state == "absent"


def test_changed_pins_and_force_make_it_again(empty, tmp_path):
    small = pinned(tmp_path, "iniconfig==2.1.0\n", ("iniconfig",))
    create_environment(small, silent)
    assert environment(small).versions == {"iniconfig": "2.1.0"}
    changed = pinned(tmp_path, "iniconfig==2.0.0\n", ("iniconfig",))
    assert environment(changed).state == "stale"
    create_environment(changed, silent)
    assert environment(changed).versions == {"iniconfig": "2.0.0"}
    (empty / "small" / "stray").touch()
    create_environment(changed, silent, force=True)
    assert not (empty / "small" / "stray").exists()


def test_an_absent_python_is_said_and_costs_nothing(empty, tmp_path):
    framework = pinned(tmp_path, "", pythons=((3, 99), (3, 99)))
    (empty / "small").mkdir(parents=True)
    (empty / "small" / "kept").touch()
    with pytest.raises(InputError, match=r"^Small needs Python 3\.99, and none was found: "):
        create_environment(framework, silent)
    assert (empty / "small" / "kept").exists()


def test_pips_own_error_is_passed_on(empty, tmp_path):
    framework = pinned(tmp_path, "iniconfig @ file:///no/such/file-1.0-py3-none-any.whl\n")
    with pytest.raises(InputError) as caught:
        create_environment(framework, silent)
    text = str(caught.value)
    assert f"`{interpreter(empty / 'small')} -I -m pip install" in text
    assert "/requirements.txt` failed: ERROR: Could not install packages due to an OSError" in text
    assert text.startswith("the environment small can't be made: ")
    assert text.endswith(", then run `gateparity env create small` again")
    assert "\n" not in text
    assert not (empty / "small").exists()


def test_what_pip_put_elsewhere_is_missed(empty, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "elsewhere"))
    framework = pinned(tmp_path, "iniconfig==2.0.0\n", ("iniconfig",))
    with pytest.raises(InputError, match=r"pip reported success but .*small has no iniconfig: "):
        create_environment(framework, silent)
    assert (tmp_path / "elsewhere").exists()
    assert not (empty / "small").exists()


def test_a_folder_that_cannot_be_written_is_said(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("GATEPARITY_ENVS", str(tmp_path / "file" / "envs"))
    assert environment(NUMPY).state == "absent"
    with pytest.raises(InputError, match=r"numpy can't be made: .*Not a directory") as e:
        create_environment(NUMPY, silent)
    assert "\n" not in str(e.value)


def test_an_exception_of_report_stops_it(empty):
    class Stop(Exception):
        pass

    def stop(_line):
        raise Stop

    with pytest.raises(Stop):
        create_environment(NUMPY, stop)
    assert not (empty / "numpy").exists()


def test_names_are_the_catalogues():
    assert known_framework("jax") is FRAMEWORKS["jax"]
    expected = (
        r"^unknown framework 'PyTorch' \(did you mean torch\?\): expected one of numpy, torch, "
        r"tensorflow, jax, mxnet, onnx$"
    )
    with pytest.raises(InputError, match=expected):
        known_framework("PyTorch")
    with pytest.raises(InputError, match=r"mxnet, onnx$"):
        recall_request("../envs")


def test_the_folder_is_the_users_cache_unless_named(monkeypatch, tmp_path):
    monkeypatch.setenv("GATEPARITY_ENVS", "~/envs")
    assert environments_folder() == Path.home() / "envs"
    monkeypatch.delenv("GATEPARITY_ENVS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert environments_folder().name == "envs"
    assert "gateparity" in environments_folder().parts
