"""Find an interpreter that can make a framework's environment, and run commands in it.

Every candidate is run before it is used: a Debian Python without its venv package is found like any
other, and can't make an environment.

All commands run isolated (-I), so that neither PYTHONPATH nor the current folder is seen. Otherwise
pip would take modules found there as installed, and a calendar.py there would replace Python's own.
"""

from __future__ import annotations

import collections
import contextlib
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import findpython

from gateparity.backends.catalogue import OLDEST
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


_VERSION: Final = re.compile(r"\d+\.\d+")
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
import ensurepip, sys, sysconfig, venv
free = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
print("%d.%d" % sys.version_info[:2], sys.implementation.name, free, sys.executable, sep="\\n")
"""


class RunError(InputError):
    """A command that failed; `lines` are the last lines that it printed."""

    def __init__(self, message: str, lines: Sequence[str]) -> None:
        super().__init__(message)
        self.lines = tuple(lines)


def find_interpreter(
    title: str, pythons: tuple[tuple[int, int], tuple[int, int]], wanted: str = ""
) -> Path:
    """Return an interpreter to make an environment with: the current one if it fits, or the newest.

    `title` names what needs it, for messages. `pythons` are the lowest and the highest version that
    fit. `wanted` replaces them with a version, such as `3.13`, or a path. Raise `InputError` that
    names every candidate that was found but does not work.
    """
    if wanted and not _VERSION.fullmatch(wanted):
        return _named_interpreter(wanted)
    if wanted:
        major, minor = map(int, wanted.split("."))
        pythons = ((major, minor), (major, minor))
    if pythons[1] < OLDEST:
        raise InputError(f"a worker needs Python {_dotted(OLDEST)} or newer, found {wanted}")
    failures: dict[Path, str] = {}
    for command in _candidates(*pythons):
        found = _probe(command)
        if isinstance(found, Path):
            return found
        failures.setdefault(command.resolve(), f"{command} is no use ({found})")
    others = "; ".join(failures.values()) or "and there is no other"
    raise InputError(
        f"{title} needs Python {_span(*pythons)}, and none was found: this is Python "
        f"{_dotted(sys.version_info[:2])}, {others}"
        f": install Python {_dotted(pythons[1])}, or give the path of one with --python"
    )


def run(
    python: Path, arguments: Sequence[str], report: Callable[[str], None] = lambda _: None
) -> str:
    """Run an interpreter and return the last line that it prints; `report` gets each line.

    The process and its children end when this side raises (Ctrl-C, for example) or dies. Raise
    `InputError` with the command and its last error if the exit code isn't 0.
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
    raise RunError(f"`{shlex.join(command)}` failed: {why}", lines)


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


def _candidates(low: tuple[int, int], high: tuple[int, int]) -> Iterator[Path]:
    """Yield the current interpreter, then all installed ones: on PATH, from pyenv, uv, others."""
    if low <= sys.version_info[:2] <= high:
        yield Path(sys.executable)
    for found in findpython.find_all():
        if low <= (found.major, found.minor) <= high:
            yield found.executable


def _named_interpreter(path: str) -> Path:
    python = Path(path).expanduser().absolute()
    if not python.is_file():
        raise InputError(f"--python {path}: expected a version, 3.13 say, or an interpreter's path")
    found = _probe(python)
    if isinstance(found, Path):
        return found
    raise InputError(f"--python {path} is no use: {found}")


def _probe(python: Path) -> Path | str:
    """Run a candidate and return its executable, or one line that says why it does not fit."""
    try:
        run = subprocess.run(
            [str(python), "-I", "-c", PROBE],
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
    version, kind, free, executable = [*run.stdout.splitlines(), "", "", "", ""][:4]
    if not _VERSION.fullmatch(version) or tuple(map(int, version.split("."))) < OLDEST:
        return f"it is Python {version or 'of no version'}, {_dotted(OLDEST)} is the oldest"
    if kind != "cpython" or free == "True":
        kind = "a free-threaded build" if free == "True" else kind
        return f"it is {kind}, which few have wheels for"
    return Path(executable)


def _complaint(stderr: str) -> str:
    """Return the informative line of stderr: the last line of a traceback, else the first line."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()] or [""]
    return lines[-1 if lines[0].startswith("Traceback") else 0]


def _span(low: tuple[int, int], high: tuple[int, int]) -> str:
    return _dotted(low) if low == high else f"{_dotted(low)} to {_dotted(high)}"


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
