"""An environment of its own for each framework, made with venv and pip at the shipped pins.

What makes an environment trusted is its marker, written last and removed first: whatever stops a
creation or a removal half-way leaves a folder without one, which no check runs in and the next
creation replaces.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import importlib.resources
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import platformdirs

from gateparity.backends.catalogue import FRAMEWORKS, Framework
from gateparity.backends.interpreters import find_interpreter, run
from gateparity.errors import InputError, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MARKER: Final = "gateparity.json"
PIP_OPTIONS: Final = (
    *("--disable-pip-version-check", "--no-input", "--no-color"),
    *("--progress-bar", "off"),  # on a pipe it is one meaningless line; the caller shows progress
)
INSPECT: Final = """
import importlib.metadata, importlib.util, json, platform, sys
names, modules = json.loads(sys.argv[1])
held = {d.metadata["Name"].lower().replace("_", "-"): d.version
        for d in importlib.metadata.distributions()}
print(json.dumps({
    "python": platform.python_version(),
    "versions": {name: held[name] for name in names if name in held},
    "missing": [module for module in modules if not importlib.util.find_spec(module)],
}))
"""


@dataclasses.dataclass(frozen=True)
class Environment:
    """What there is of one framework's environment; `reason` says why it isn't ready."""

    name: str
    folder: Path
    state: Literal["ready", "stale", "incomplete", "absent"] = "absent"
    python: str = ""
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    reason: str = ""

    def size(self) -> int:
        """Bytes on disk, counted now: a framework has tens of thousands of files."""
        return sum(path.lstat().st_size for path in self.folder.rglob("*"))


def environments_folder() -> Path:
    """Where environments are kept: $GATEPARITY_ENVS, or else below the user's cache folder."""
    if named := os.environ.get("GATEPARITY_ENVS"):
        return Path(named).expanduser().absolute()
    return platformdirs.user_cache_path("gateparity") / "envs"


def interpreter(folder: Path) -> Path:
    """The Python of the environment in a folder, whether it exists or not."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def known_framework(name: str) -> Framework:
    """The framework of that name; raises `InputError` that lists them all."""
    if name in FRAMEWORKS:
        return FRAMEWORKS[name]
    hint = suggest(name, FRAMEWORKS)
    raise InputError(f"unknown framework {name!r}{hint}: expected one of {', '.join(FRAMEWORKS)}")


def find_environment(name: str) -> Path | None:
    """The interpreter of a framework's environment, if it is complete and has today's pins."""
    found = environment(known_framework(name))
    return interpreter(found.folder) if found.state == "ready" else None


def list_environments() -> list[Environment]:
    """One for each framework of the catalogue, absent ones too."""
    return [environment(framework) for framework in FRAMEWORKS.values()]


def environment(framework: Framework) -> Environment:
    """What there is of a framework's environment, judged by its marker alone."""
    found = Environment(framework.name, environments_folder() / framework.name)
    if not os.path.lexists(found.folder):
        return found
    try:
        marker = json.loads((found.folder / MARKER).read_text("utf-8"))
        found = dataclasses.replace(
            found, state="ready", python=str(marker["python"]), versions=dict(marker["versions"])
        )
        current = _pins(marker["requirements"]) == _pins(framework.requirements.read_text("utf-8"))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return _unfit(found, "incomplete", "its creation did not finish")
    if not interpreter(found.folder).exists():
        return _unfit(found, "incomplete", "its Python is gone")
    return found if current else _unfit(found, "stale", "pins have changed")


def create_environment(
    framework: Framework, report: Callable[[str], None], *, force: bool = False
) -> Path:
    """The interpreter of the framework's environment, made first unless it is ready.

    `report` gets each line that venv and pip print; what it raises stops the creation. `force`
    makes a ready one anew. Whatever goes wrong, nothing half-made is left. Raises `InputError`
    with what was run, why it failed and what to do.
    """
    found = environment(framework)
    if found.state == "ready" and not force:
        return interpreter(found.folder)
    base = find_interpreter(framework.title, framework.pythons)
    try:
        _remove(found.folder)
        _build(framework, base, found.folder, report)
    except BaseException as error:
        with contextlib.suppress(OSError):
            _remove(found.folder)
        if not isinstance(error, (InputError, OSError)):
            raise
        raise InputError(
            f"{framework.title} has no environment, since {error}; nothing was kept: mend the "
            f"cause, then run `gateparity env create {framework.name}` again"
        ) from error
    return interpreter(found.folder)


def _unfit(found: Environment, state: Literal["stale", "incomplete"], why: str) -> Environment:
    return dataclasses.replace(found, state=state, reason=f"{why}: create it again")


def _build(framework: Framework, base: Path, folder: Path, report: Callable[[str], None]) -> None:
    report(f"Making {folder} with {base}")
    run(base, ["-m", "venv", "--without-pip", str(folder)], report)
    python = interpreter(folder)
    run(python, ["-m", "ensurepip", "--default-pip"], report)  # venv would hide why it failed
    with importlib.resources.as_file(framework.requirements) as file:
        run(python, ["-m", "pip", "install", *PIP_OPTIONS, "-r", str(file)], report)
        requirements = file.read_text("utf-8")
    names = [re.split(r"[^\w.-]", pin)[0].lower().replace("_", "-") for pin in _pins(requirements)]
    held = json.loads(run(python, ["-c", INSPECT, json.dumps([names, framework.modules])]))
    if missing := held.pop("missing"):
        raise InputError(f"pip reported success but {folder} has no {', '.join(missing)}")
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    _mark(folder, {"name": framework.name, "requirements": requirements, "created": now, **held})


def _mark(folder: Path, marker: Mapping[str, Any]) -> None:
    aside = folder / f"{MARKER}.new"
    aside.write_text(json.dumps(marker, indent=2) + "\n", "utf-8")
    aside.replace(folder / MARKER)


def _remove(folder: Path) -> None:
    (folder / MARKER).unlink(missing_ok=True)  # first: half an environment must not be trusted
    if folder.exists():
        shutil.rmtree(folder)


def _pins(requirements: str) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in requirements.splitlines())
    return [line for line in lines if line]
