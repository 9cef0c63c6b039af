"""The environments that exist, each with one framework, and which of them can be trusted.

An environment is trusted if it has a marker, which is written last and removed first. So an
interrupted creation or removal leaves a folder without a marker. No check runs in such a folder,
and the next creation replaces it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import platformdirs

from gateparity.backends.catalogue import ENVIRONMENTS
from gateparity.backends.environments.requests import NAME, Request, known_framework, named_request
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

MARKER: Final = "gateparity.json"
REQUEST: Final = "gateparity-request.json"  # written first: what a creation that was killed was for

# Run in an interpreter: its version, those of distributions, and the modules that it lacks. Nothing
# is imported there.
INSPECT: Final = """
import importlib.metadata, importlib.util, json, platform, re, sys
sys.path[:] = [p for p in sys.path if p]  # not the current folder
names, modules = json.loads(sys.argv[1])
held = {re.sub(r"[-_.]+", "-", d.metadata["Name"]).lower(): d.version
        for d in importlib.metadata.distributions() if d.metadata["Name"]}
print(json.dumps({
    "python": platform.python_version(),
    "versions": {name: held[name] for name in names if name in held},
    "missing": [module for module in modules if not importlib.util.find_spec(module)],
}))
"""


@dataclasses.dataclass(frozen=True)
class Environment:
    """The state of one environment on disk; `reason` says why it isn't ready."""

    name: str
    folder: Path
    state: Literal["ready", "stale", "incomplete", "absent"] = "absent"
    python: str = ""
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    reason: str = ""

    def size(self) -> int:
        """Count the bytes on disk, over tens of thousands of files, on each call."""
        folders, total = [os.fspath(self.folder)], 0
        while folders:
            with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:  # it may go
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    total += entry.stat(follow_symlinks=False).st_size
        return total


def environments_folder() -> Path:
    """Return where environments are kept: $GATEPARITY_ENVS, or a part of the user's cache folder.

    Raises `InputError` if $GATEPARITY_ENVS is the path of a file.
    """
    named = os.environ.get("GATEPARITY_ENVS")
    if not named:
        return platformdirs.user_cache_path("gateparity") / "envs"
    folder = Path(named).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise InputError(f"GATEPARITY_ENVS is {folder}: it is a file, expected a folder")
    return folder


def interpreter(folder: Path) -> Path:
    """Return the path of the Python of the environment in a folder, whether it exists or not."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def list_environments() -> list[Environment]:
    """Return an environment for each framework, even if it is absent, and all others."""
    folder = environments_folder()
    try:
        others = sorted(path.name for path in folder.iterdir() if path.is_dir())
    except OSError:
        others = []
    names = [
        name
        for framework in ENVIRONMENTS
        for name in (framework, *(o for o in others if o.startswith(f"{framework}@")))
        if name == framework or NAME.fullmatch(name.partition("@")[2])
    ]
    return [_look(name) for name in names]


def recall_request(name: str) -> Request:
    """Return the request that an environment was made for, from its marker or else from its name.

    Raise `InputError` for a name that no environment can have, and for a name that implies no
    request.
    """
    label = name.partition("@")[2]
    framework = known_framework(name.partition("@")[0])
    if label and not NAME.fullmatch(label):
        raise InputError(f"{name} names no environment: expected a-z, 0-9, '.', '_' and '-'")
    found = _read_asked(name)
    return Request(framework, name, *found) if found else named_request(name)


def held_request(request: Request) -> Request:
    """Return the request in the existing environment's marker, or else the given request."""
    found = _read_asked(request.name)
    return Request(request.framework, request.name, *found) if found else request


def environment(request: Request) -> Environment:
    """Return the state of the environment for a request, judged by its marker and its Python."""
    found = Environment(request.name, environments_folder() / request.name)
    if not os.path.lexists(found.folder):
        return found
    try:
        marker = json.loads((found.folder / MARKER).read_text("utf-8"))
        found = dataclasses.replace(
            found, state="ready", python=str(marker["python"]), versions=dict(marker["versions"])
        )
        held = [line.partition("#")[0].strip() for line in marker["requirements"].splitlines()]
        base = marker.get("base")
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return _unfit(found, "incomplete", "its creation did not finish")
    python = interpreter(found.folder)
    if not python.exists():
        return _unfit(found, "incomplete", "its Python is gone")
    if base and str(python.resolve()) != base:
        return _unfit(found, "incomplete", f"its Python is no longer {base}")
    lines, _ = request.lines(".".join(found.python.split(".")[:2]))
    same = lines == [line for line in held if line]
    return found if same else _unfit(found, "stale", "pins have changed")


def as_marker(request: Request) -> dict[str, Any]:
    """Return the request as the marker entries that `recall_request` reads."""
    return {
        "name": request.name,
        "asked": list(request.requirements),
        "wanted_python": request.python,
    }


def _read_asked(name: str) -> tuple[tuple[str, ...], str] | None:
    folder = environments_folder() / name
    for file in (MARKER, REQUEST):
        try:
            found = json.loads((folder / file).read_text("utf-8"))
            return tuple(str(word) for word in found["asked"]), str(found["wanted_python"])
        except (OSError, ValueError, LookupError, TypeError):
            continue
    return None


def _look(name: str) -> Environment:
    try:
        return environment(recall_request(name))
    except InputError:
        found = Environment(name, environments_folder() / name)
        return dataclasses.replace(
            found,
            state="incomplete",
            reason=f"its contents are unknown: gateparity env remove {name}",
        )


def _unfit(found: Environment, state: Literal["stale", "incomplete"], why: str) -> Environment:
    reason = f"{why}: gateparity env repair {found.name}"
    return dataclasses.replace(found, state=state, reason=reason)
