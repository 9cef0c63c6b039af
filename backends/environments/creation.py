"""Create, repair and remove environments, with venv and pip, one process at a time.

If a step fails, nothing half-made is left, and an environment that was there stays as it was.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from filelock import FileLock, Timeout
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from gateparity.backends.environments.environments import (
    INSPECT,
    MARKER,
    REQUEST,
    as_marker,
    environment,
    environments_folder,
    held_request,
    interpreter,
    recall_request,
)
from gateparity.backends.environments.interpreters import RunError, find_interpreter, run
from gateparity.backends.environments.remedies import explain
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gateparity.backends.environments.requests import Request

PIP_OPTIONS: Final = (
    *("--disable-pip-version-check", "--no-input", "--no-color"),
    *("--progress-bar", "off"),  # on a pipe it is one meaningless line; the caller shows progress
)
_FETCH: Final = "Could not fetch URL"  # in pip's log


def create_environment(
    request: Request, report: Callable[[str], None], *, force: bool = False
) -> Path:
    """Return the interpreter of an environment, and create the environment if it isn't ready.

    `report` gets each line that venv and pip print; an exception that it raises stops the creation.
    `force` creates the environment anew even if it is ready. If another process creates the same
    environment, this one waits. Raise `InputError` with the command, the cause and the remedy.
    """
    if not force and _is_ready(request):  # which takes no permission to write
        return interpreter(environment(request).folder)
    base = find_interpreter(request.framework.title, _pythons(request), request.python)
    with _clear_failure(request), _locked(request.name, report):
        _settle(request.name)
        if force or not _is_ready(request):
            _replace(request, base, report)
    return interpreter(environment(request).folder)


def repair_environment(name: str, report: Callable[[str], None]) -> bool:
    """Create an environment anew unless it is complete; return whether that was needed.

    Its interpreter is asked for its packages, since a marker can't show later changes. Raise
    `InputError` if there is no such environment, or if the creation fails.
    """
    request = recall_request(name)
    found = environment(request)
    if found.state == "absent":
        raise InputError(f"there is no environment {name}: {request.command}")
    if found.state == "ready" and _is_whole(request, found.folder, found.versions):
        return False
    create_environment(request, report, force=True)
    return True


def remove_environment(name: str, report: Callable[[str], None]) -> None:
    """Remove an environment in any state. Raise `InputError` if it can't be removed."""
    folder, aside = _folders(name)
    if not (os.path.lexists(folder) or os.path.lexists(aside)):
        raise InputError(f"there is no environment {name}: `gateparity env list` has all")
    try:
        with _locked(name, report):
            _remove(aside)
            _remove(folder)
    except OSError as error:
        raise InputError(f"{name} can't be removed: {explain(error, folder)}") from error


def _is_ready(request: Request) -> bool:
    """Return whether the environment exists and is ready.

    Raise `InputError` if one with that name was made for another request.
    """
    found = environment(request)
    if found.state == "absent":
        return False
    held = held_request(request)
    if (set(request.requirements) - set(held.requirements)) or (
        request.python not in ("", held.python)
    ):
        raise InputError(
            f"{request.name} was made by `{held.command}`: --name gives this one a name of its "
            f"own, `gateparity env remove {request.name}` makes room for it"
        )
    return environment(held).state == "ready"


def _pythons(request: Request) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the lowest and highest Python to look for.

    For a version other than the pinned one the range is open, since only pip knows its wheels.
    """
    return request.framework.pythons if not request.requirements else ((3, 9), (3, 99))


def _folders(name: str) -> tuple[Path, Path]:
    folder = environments_folder() / name
    return folder, folder.with_name(f".{name}.old")


def _settle(name: str) -> None:
    """Finish or undo a replacement that was interrupted.

    A killed creation leaves the earlier environment under the aside name. It is restored unless the
    new one has its marker.
    """
    folder, aside = _folders(name)
    if not aside.exists():
        return
    if (folder / MARKER).exists():
        _remove(aside)
    else:
        _remove(folder)
        aside.replace(folder)


def _replace(request: Request, base: Path, report: Callable[[str], None]) -> None:
    """Build an environment, and keep the earlier one aside until the new one is complete.

    The new one can't be built elsewhere and moved, because a venv's scripts hold its path.
    """
    folder, aside = _folders(request.name)
    if folder.exists():
        folder.replace(aside)
    try:
        _build(request, base, folder, report)
    except BaseException:
        with contextlib.suppress(OSError):
            _remove(folder)
            if aside.exists():
                aside.replace(folder)
        raise
    with contextlib.suppress(OSError):
        _remove(aside)


def _build(request: Request, base: Path, folder: Path, report: Callable[[str], None]) -> None:
    report(f"Making {folder} with {base}")
    folder.mkdir(parents=True)
    _write(folder / REQUEST, as_marker(request))
    run(base, ["-m", "venv", "--without-pip", str(folder)], report)
    python = interpreter(folder)
    run(python, ["-m", "ensurepip", "--default-pip"], report)  # venv would hide why it failed
    version = run(python, ["-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
    lines, alone = request.lines(version)
    with tempfile.TemporaryDirectory(prefix="gateparity-") as aside:
        file = Path(aside) / "requirements.txt"
        file.write_text("\n".join(lines), "utf-8")
        options = [*PIP_OPTIONS, *(["--no-deps"] if alone else []), "-r", str(file)]
        _install(python, options, Path(aside) / "log", report)
    held = _inspect(request, lines, python)
    if missing := held.pop("missing"):
        raise InputError(f"pip reported success but {folder} has no {', '.join(missing)}")
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    made = {"requirements": "\n".join(lines) + "\n", "created": now, "base": str(python.resolve())}
    _write(folder / MARKER, as_marker(request) | made | held)


def _install(python: Path, options: list[str], log: Path, report: Callable[[str], None]) -> None:
    """Run pip. Its log alone holds the addresses that it couldn't fetch, where it doesn't retry."""
    try:
        run(python, ["-m", "pip", "install", "--log", str(log), *options], report)
    except RunError as error:
        logged = log.read_text("utf-8", "replace").splitlines() if log.is_file() else []
        raise RunError(str(error), [*error.lines, *(li for li in logged if _FETCH in li)]) from None


def _inspect(request: Request, lines: list[str], python: Path) -> dict[str, Any]:
    names = [canonicalize_name(Requirement(line).name) for line in lines]
    question = json.dumps([names, request.framework.modules])
    found: dict[str, Any] = json.loads(run(python, ["-c", INSPECT, question]))
    return found


def _is_whole(request: Request, folder: Path, versions: Mapping[str, str]) -> bool:
    lines, _ = request.lines(environment(request).python.rpartition(".")[0])
    try:
        held = _inspect(request, lines, interpreter(folder))
    except (InputError, ValueError):
        return False
    return not held["missing"] and held["versions"] == dict(versions)


@contextlib.contextmanager
def _locked(name: str, report: Callable[[str], None]) -> Iterator[None]:
    """Hold the environment's lock, so that one process at a time creates or removes it.

    The operating system releases the lock when its process dies.
    """
    folder = environments_folder() / ".locks"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        report(f"Waiting for another process that makes {name}")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _clear_failure(request: Request) -> Iterator[None]:
    """Turn every error of a creation into an `InputError` of one line that ends with a remedy."""
    folder = environments_folder()
    try:
        yield
    except (InputError, OSError) as error:
        why = explain(error, folder)
        raise InputError(
            f"the environment {request.name} can't be made: {why}, then run "
            f"`{request.command}` again"
        ) from error


def _write(file: Path, content: Mapping[str, Any]) -> None:
    aside = file.with_name(f"{file.name}.new")
    aside.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    aside.replace(file)


def _remove(folder: Path) -> None:
    (folder / MARKER).unlink(missing_ok=True)  # first: half an environment must not be trusted
    if os.path.lexists(folder):
        shutil.rmtree(folder)
