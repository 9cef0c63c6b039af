"""Finding a Python that works, and ending what was started with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateparity.backends.interpreters import find_interpreter, run
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


def test_own_interpreter_comes_first(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_interpreter("X", ((3, 0), ABSENT)) == Path(sys.executable)


def test_path_is_searched_past_a_broken_shim(monkeypatch, tmp_path):
    broken = shim(tmp_path / "shims", OWN_NAME, "exit 127").parent
    working = shim(tmp_path / "bin", OWN_NAME, f"exec '{sys.executable}' \"$@\"").parent
    monkeypatch.setenv("PATH", os.pathsep.join(map(str, (broken, working))))
    monkeypatch.setattr(sys, "version_info", (*ABSENT, 0))
    assert find_interpreter("X", (OWN, OWN)) == Path(sys.executable)


def test_nothing_suitable_is_said_in_one_line(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    expected = (
        rf"^Thing needs Python 3\.99, and none was found: this is Python {OWN[0]}\.{OWN[1]}, and "
        r"PATH has no other; install Python 3\.99 so that `python3\.99` runs, then try again$"
    )
    with pytest.raises(InputError, match=expected):
        find_interpreter("Thing", (ABSENT, ABSENT))


def test_a_range_is_named_from_lowest_to_highest(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"needs Python 3\.98 to 3\.99,"):
        find_interpreter("Thing", ((3, 98), ABSENT))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("echo 'shim: no such version' >&2; echo Note >&2; exit 127", "shim: no such version"),
        ("printf 'Traceback\\n  x\\nImportError: ensurepip\\n' >&2; exit 1", "ImportError: ensure"),
        ("exit 3", "exit code 3"),
        ("true", "it is Python of no version"),
        (f"exec '{sys.executable}' \"$@\"", f"it is Python {OWN[0]}.{OWN[1]}"),
    ],
)
def test_a_candidate_that_is_no_use_is_named_with_the_reason(monkeypatch, tmp_path, body, reason):
    found = shim(tmp_path, "python3.99", body)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError) as caught:
        find_interpreter("Thing", (ABSENT, ABSENT))
    assert f"{found} is no use ({reason}" in str(caught.value)


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
    code = "import sys; from pathlib import Path; from gateparity.backends.interpreters import run;"
    code += f"run(Path(sys.executable), ['-c', {LINGER!r}], lambda line: print(line, flush=True))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as owner:
        pids = [int(pid) for pid in owner.stdout.readline().split()]
        owner.send_signal(signal.SIGKILL)
    assert len(pids) == 2
    assert all(map(gone, pids))
