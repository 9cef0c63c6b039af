"""The place where a worker runs: an interpreter on this machine, or one that ssh reaches.

execnet's notation is `ssh=HOST//python=PATH//ssh_config=FILE`. HOST is the argument of `ssh HOST`,
the interpreter is `python3` by default, and the file is one of ssh's own configuration. Nothing is
installed on a host. No password can be typed, so ssh's keys or its agent are needed.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
from pathlib import Path
from typing import Final

from gateparity.errors import InputError

_OPTIONS: Final = "-o BatchMode=yes -o ConnectTimeout=10"  # no prompt, and no endless wait
_HOST: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@:%-]*")  # never an option of ssh's
_KEYS: Final = ("ssh", "python", "ssh_config")


@dataclasses.dataclass(frozen=True)
class Host:
    """An interpreter on another machine."""

    name: str
    python: str = "python3"
    config: str = ""

    def __str__(self) -> str:
        return f"{self.python} on {self.name}"


Place = Path | Host


def parse_host(spec: str, where: str) -> Host:
    """Parse the part of a spec after the `@`. Raise `InputError` with the expected form."""
    found = dict(part.partition("=")[::2] for part in where.split("//"))
    host = Host(found.get("ssh", ""), found.get("python", "python3"), found.get("ssh_config", ""))
    if set(found) - set(_KEYS) or not host.python or not _HOST.fullmatch(host.name):
        raise InputError(
            f"{spec}: expected @ssh=HOST//python=PATH, with //ssh_config=FILE if need be"
        )
    if host.config and not Path(host.config).expanduser().is_file():
        raise InputError(f"{spec}: there is no file {host.config}")
    return host


def gateway_spec(place: Place, threads: int | None = None) -> str:
    """Return execnet's spec of a place; `threads` is set there before anything is imported."""
    limit = f"//env:OMP_NUM_THREADS={threads}" if threads else ""
    if isinstance(place, Path):
        return f"popen//python={_quote(place)}{limit}"
    config = f"//ssh_config={_config(place)}" if place.config else ""
    return f"ssh={_OPTIONS} {place.name}//python={_far_quote(place.python)}{config}{limit}"


def command(place: Place, code: str) -> list[str]:
    """Return the command that runs one line of Python code at a place."""
    if isinstance(place, Path):
        return [str(place), "-c", code]
    config = ["-F", _config(place)] if place.config else []
    far = f"{_far_quote(place.python)} -c {shlex.quote(code)}"
    return ["ssh", *config, *_OPTIONS.split(), place.name, far]


def _config(host: Host) -> str:
    return str(Path(host.config).expanduser().absolute())


def _far_quote(python: str) -> str:
    """Quote a path for the remote shell, and leave a leading `~` for that shell to expand."""
    home, quoted = ("~/", python[2:]) if python.startswith("~/") else ("", python)
    return home + shlex.quote(quoted)


def _quote(python: Path) -> str:
    """Quote a path as execnet expects, which splits it like a shell except on Windows."""
    return f'"{python}"' if os.name == "nt" else shlex.quote(str(python))
