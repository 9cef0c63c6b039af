"""Find an interpreter that a framework's environment can be made with, and run one to its end.

Every candidate is run before it is believed: a pyenv shim, the Windows Store's alias or a Debian
Python without its venv package are all found by name, and none of them can make an environment.

All run isolated (-I), so that neither PYTHONPATH nor the current folder is seen: pip would take
what lies there as installed, and a calendar.py there would stand in for Python's own.
"""

from __future__ import annotations

import collections
import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LEASH: Final = """
import os, signal, subprocess, sys, threading

def watch():
    os.read(0, 1)  # returns when the other end is closed, by its owner or by its owner's death
    os.killpg(0, signal.SIGKILL) if hasattr(os, "killpg") else child.kill()

child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
threading.Thread(target=watch, daemon=True).start()
sys.exit(child.wait())
"""
PROBE: Final = """
import ensurepip, sys, venv
print("%d.%d" % sys.version_info[:2], sys.executable, sep="\\n")
"""


def find_interpreter(title: str, pythons: tuple[tuple[int, int], tuple[int, int]]) -> Path:
    """The interpreter to make an environment with: this one if it will do, else the newest.

    `title` names who needs it, `pythons` are the lowest and the highest version that will do.
    Raises `InputError` that names every candidate that was there but does not work.
    """
    failures = []
    for version, command in _candidates(*pythons):
        found = _probe(command, version)
        if isinstance(found, Path):
            return found
        failures.append(f"{' '.join(command)} is no use ({found})")
    high = _dotted(pythons[1])
    raise InputError(
        f"{title} needs Python {_span(*pythons)}, and none was found: this is Python "
        f"{_dotted(sys.version_info[:2])}, {'; '.join(failures) or 'and PATH has no other'}; "
        f"install Python {high} so that `python{high}` runs, then try again"
    )


def run(
    python: Path, arguments: Sequence[str], report: Callable[[str], None] = lambda _: None
) -> str:
    """The last line that an interpreter prints, each line going to `report` as it comes.

    Ends with its children at an exception on this side, Ctrl-C say, and when this process dies.
    Raises `InputError` with the command and its last error where its exit code isn't 0.
    """
    command = [str(python), "-I", *arguments]
    lines = collections.deque([""], maxlen=100)
    with _leashed(command) as process:
        for line in process.stdout or ():
            if text := line.strip():
                lines.append(text)
                report(text)
    if not process.returncode:
        return lines[-1]
    errors = [line for line in lines if line.lower().startswith("error:")]
    why = (errors or lines)[-1] or f"exit code {process.returncode}"
    raise InputError(f"`{shlex.join(command)}` failed: {why}")


@contextlib.contextmanager
def _leashed(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [command[0], "-I", "-c", LEASH, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # a group to kill: venv and pip have children that write as well
    ) as process:
        try:
            yield process
            process.wait()
        finally:
            if process.stdin:
                process.stdin.close()
            process.wait()


def _candidates(
    low: tuple[int, int], high: tuple[int, int]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    if low <= sys.version_info[:2] <= high:
        yield _dotted(sys.version_info[:2]), (sys.executable,)
    for minor in range(high[1], low[1] - 1, -1):
        version = _dotted((high[0], minor))
        for folder in os.get_exec_path():  # a broken shim must not hide the real one behind it
            if found := shutil.which(f"python{version}", path=folder):
                yield version, (found,)
        if sys.platform == "win32" and (launcher := shutil.which("py")):
            yield version, (launcher, f"-{version}")


def _probe(command: Sequence[str], version: str) -> Path | str:
    """The interpreter that a command runs, or one line on why it won't do."""
    try:
        run = subprocess.run(
            [*command, "-I", "-c", PROBE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if run.returncode:
        return _complaint(run.stderr) or f"exit code {run.returncode}"
    found, executable = [*run.stdout.splitlines(), "", ""][:2]
    return Path(executable) if found == version else f"it is Python {found or 'of no version'}"


def _complaint(stderr: str) -> str:
    """The line that says it: a shim's first, a traceback's last."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()] or [""]
    return lines[-1 if lines[0].startswith("Traceback") else 0]


def _span(low: tuple[int, int], high: tuple[int, int]) -> str:
    return _dotted(low) if low == high else f"{_dotted(low)} to {_dotted(high)}"


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
