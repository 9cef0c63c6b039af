"""Finding a Python that works, and ending what was started with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateparity.backends.environments.interpreters import find_interpreter, run
from gateparity.errors import InputError

OWN = sys.version_info[:2]
OWN_NAME = f"python{OWN[0]}.{OWN[1]}"
ABSENT = (3, 99)
# Prints its own number and its child's, then neither ends by itself.
LINGER = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(os.getpid(), child.pid, flush=True)
time.sleep(60)
"""


def shim(folder, name, body):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def gone(pid):
    for _ in range(100):
        # A killed process that nobody waits for stays listed: only its state tells.
        ps = ["ps", "-o", "stat=", "-p", str(pid)]
        listed = subprocess.run(ps, capture_output=True, check=False)
        if not listed.stdout or listed.stdout.startswith(b"Z"):
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def alone(monkeypatch, tmp_path):
    """No interpreter on PATH, and none that a version manager keeps in the user's home."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PYENV_ROOT", raising=False)


def test_own_interpreter_comes_first(alone):
    assert find_interpreter("X", ((3, 0), ABSENT)) == Path(sys.executable)


def test_path_is_searched_past_a_broken_shim(monkeypatch, tmp_path, alone):
    broken = shim(tmp_path / "shims", OWN_NAME, "exit 127").parent
    working = shim(tmp_path / "bin", OWN_NAME, f"exec '{sys.executable}' \"$@\"").parent
    monkeypatch.setenv("PATH", os.pathsep.join(map(str, (broken, working))))
    monkeypatch.setattr(sys, "version_info", (*ABSENT, 0))
    assert find_interpreter("X", (OWN, OWN)) == Path(sys.executable)


def test_what_pyenv_installed_is_found_without_being_active(monkeypatch, tmp_path, alone):
    python = tmp_path / "home" / ".pyenv" / "versions" / "3.99.0" / "bin"
    shim(python, "python3.99", f"exec '{sys.executable}' \"$@\"")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "home" / ".pyenv"))
    monkeypatch.setattr(sys, "version_info", (*ABSENT, 0))
    assert find_interpreter("X", (OWN, OWN)) == Path(sys.executable)


def test_nothing_suitable_is_said_in_one_line(alone):
    expected = (
        rf"^Thing needs Python 3\.99, and none was found: this is Python {OWN[0]}\.{OWN[1]}, and "
        r"there is no other: install Python 3\.99, or give the path of one with --python$"
    )
    with pytest.raises(InputError, match=expected):
        find_interpreter("Thing", (ABSENT, ABSENT))


def test_a_range_is_named_from_lowest_to_highest(alone):
    with pytest.raises(InputError, match=r"needs Python 3\.98 to 3\.99,"):
        find_interpreter("Thing", ((3, 98), ABSENT))


PRINTS = 'case "$*" in *platform*) echo 3.99.0;; *) {body};; esac'  # to say its version, it runs


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("echo 'shim: no such version' >&2; echo Note >&2; exit 127", "shim: no such version"),
        ("printf 'Traceback\\n  x\\nImportError: ensurepip\\n' >&2; exit 1", "ImportError: ensure"),
        ("exit 3", "exit code 3"),
        ("true", "it is Python of no version"),
        ("printf '3.8\\ncpython\\nFalse\\n/x\\n'", "it is Python 3.8, 3.9 is the oldest"),
        ("printf '3.99\\npypy\\nFalse\\n/x\\n'", "it is pypy, which few have wheels for"),
        ("printf '3.99\\ncpython\\nTrue\\n/x\\n'", "it is a free-threaded build"),
    ],
)
def test_a_candidate_that_is_no_use_is_named_with_the_reason(
    monkeypatch, tmp_path, alone, body, reason
):
    found = shim(tmp_path / "bin", "python3.99", PRINTS.format(body=body))
    monkeypatch.setenv("PATH", str(found.parent))
    with pytest.raises(InputError) as caught:
        find_interpreter("Thing", (ABSENT, ABSENT))
    assert f"{found} is no use ({reason}" in str(caught.value)


def test_a_path_is_taken_as_it_is(tmp_path):
    assert find_interpreter("X", (ABSENT, ABSENT), wanted=sys.executable) == Path(sys.executable)
    for path, words in ((tmp_path / "none", "expected a version"), (Path(__file__), "no use: ")):
        with pytest.raises(InputError, match=words) as caught:
            find_interpreter("X", (ABSENT, ABSENT), wanted=str(path))
        assert str(caught.value).startswith(f"--python {path}")


def test_a_python_that_no_worker_runs_on_is_refused():
    with pytest.raises(InputError, match=r"^a worker needs Python 3\.9 or newer, found 3\.8$"):
        find_interpreter("X", (ABSENT, ABSENT), wanted="3.8")


def test_run_reports_each_line_and_returns_the_last():
    lines = []
    last = run(Path(sys.executable), ["-c", "print('one\\n\\n  two')"], lines.append)
    assert lines == ["one", "two"]
    assert last == "two"


def test_run_ignores_pythonpath_and_the_current_folder(monkeypatch, tmp_path):
    (tmp_path / "calendar.py").write_text("raise SystemExit(7)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert run(Path(sys.executable), ["-c", "import calendar; print('fine')"]) == "fine"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("print('ERROR: first\\nERROR: second\\nhint'); raise SystemExit(2)", "ERROR: second"),
        ("print('odd'); raise SystemExit(2)", "odd"),
        ("raise SystemExit(2)", "exit code 2"),
    ],
)
def test_a_failed_run_gives_the_command_and_its_last_error(code, reason):
    with pytest.raises(InputError) as caught:
        run(Path(sys.executable), ["-c", code])
    assert str(caught.value).startswith(f"`{sys.executable} -I -c ")
    assert str(caught.value).endswith(f"failed: {reason}")


def test_an_exception_ends_what_runs_and_its_children():
    pids = []

    def interrupt(line):
        pids.extend(map(int, line.split()))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Path(sys.executable), ["-c", LINGER], interrupt)
    assert len(pids) == 2
    assert all(map(gone, pids))


def test_nothing_outlives_an_owner_that_is_killed():
    code = "import sys; from pathlib import Path;"
    code += "from gateparity.backends.environments.interpreters import run;"
    code += f"run(Path(sys.executable), ['-c', {LINGER!r}], lambda line: print(line, flush=True))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as owner:
        pids = [int(pid) for pid in owner.stdout.readline().split()]
        owner.send_signal(signal.SIGKILL)
    assert len(pids) == 2
    assert all(map(gone, pids))
