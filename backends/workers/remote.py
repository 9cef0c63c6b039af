"""The near side of a worker: another interpreter, reached by execnet, that runs an adapter.

One worker holds one adapter, so a crash, a hang or a malformed answer costs one backend only. This
is the only file that imports execnet.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.resources
import math
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import execnet

from gateparity.backends.catalogue import OLDEST
from gateparity.backends.place import command, gateway_spec
from gateparity.backends.workers import bootstrap
from gateparity.backends.workers.wire import decode, encode
from gateparity.errors import Impure, Unsupported

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from gateparity.backends.backend import Backend
    from gateparity.backends.base.compilation import Form
    from gateparity.backends.place import Place
    from gateparity.backends.workers.programs import Loan, ProgramStore


TIME_LIMIT: Final = 120.0  # seconds for one call: a framework's import, or a compilation
_GRACE: Final = 1.0  # seconds that a worker gets to leave by itself
_ANSWER: Final = 30.0  # seconds that an interpreter gets to say that it is one


class BackendError(Exception):
    """The reason, in one line, why a backend gave no answer. Other backends go on."""


class WorkerLost(BackendError):
    """The worker has crashed, hung or been killed. It takes no further calls."""


class WorkerDied(WorkerLost):
    """The worker's process ended during a call."""


class Worker:
    """An interpreter that runs the worker's loop. Use it as a context, or close it.

    `python` is the interpreter, here or on another machine. `path` is put before its own import
    path. `limit` is the longest time that one call may take, in seconds. `threads`, if given,
    limits the threads of OpenMP libraries there. The constructor raises `WorkerLost` if the worker
    doesn't start.
    """

    def __init__(
        self, python: Place, limit: float, path: tuple[str, ...] = (), threads: int | None = None
    ) -> None:
        # A longer wait overflows the lock of the operating system.
        self.limit = min(limit, threading.TIMEOUT_MAX)
        self.seconds = 0.0  # that calls took, as seen from here
        self.far_seconds = 0.0  # of those, spent on the far side: the rest is transport
        self.compiling_seconds = 0.0  # of those on the far side
        self.form: Form = ""  # of the last call
        self.lost = False
        self.dropped = False  # whether it died with compiled programs, which then are suspected
        self.tenant: object = None  # whose adapter is loaded, where several take turns
        self.loan: Loan | None = None  # its folder of compiled programs
        self._calling = False
        self._python = python
        # The worker writes its output to a file and not to a pipe: a crashed process leaves its
        # last words there, and a full pipe would block it.
        self._folder = tempfile.TemporaryDirectory(prefix="gateparity-")
        self._log = Path(self._folder.name) / "log"
        self._log.touch()
        self._heard = 0  # of the log, when the last call began
        self._group = execnet.Group()
        try:
            # execnet has no timeout for a start, so the interpreter is tried first, on its own.
            _require_answer(python, min(limit, _ANSWER))
            self._gateway = self._group.makegateway(gateway_spec(python, threads))
            # The interpreter may not have gateparity installed, so the sources are sent to it.
            self._channel = self._gateway.remote_exec(bootstrap)
            # A worker on another machine can't write to a file here.
            log = str(self._log) if isinstance(python, Path) else os.devnull
            self._channel.send((_sources(), list(path), log))
        except (OSError, EOFError, subprocess.SubprocessError, execnet.RemoteError) as error:
            self.close()
            raise WorkerLost(f"{python} doesn't start as a worker: {error}") from None
        except BaseException:
            # Ctrl-C during the start must not leave a process behind.
            self.close()
            raise

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, operation: str, *args: Any) -> Any:
        """Send a call to the worker, and return its answer.

        Raise `Unsupported`, `Impure` or `BackendError` if the worker says so, and `WorkerLost` if
        it gives no valid answer within `limit` seconds. A lost worker is closed.
        """
        start = time.perf_counter()
        facts: dict[str, Any] = {"seconds": math.inf}  # a call that is lost spent all of it there
        try:
            kind, value, facts = self._exchange(operation, encode([operation, *args]))
        finally:
            spent = time.perf_counter() - start
            # The far side measures its own time. Only the difference depends on the connection.
            self.seconds += spent
            self.far_seconds += min(facts["seconds"], spent)
        self.compiling_seconds += facts["compiling"]
        self.form = facts["form"]
        for sentence in facts["deprecated"]:  # the far side's own warnings are in its log alone
            warnings.warn(sentence, DeprecationWarning, stacklevel=2)
        if kind == "unsupported":
            raise Unsupported(value)
        if kind == "impure":
            raise Impure(value)
        if kind == "error":
            raise BackendError(value)
        return value

    @property
    def transport_seconds(self) -> float:
        """Return the time that calls took beyond the work in the worker, in seconds."""
        return self.seconds - self.far_seconds

    def close(self) -> None:
        """End the process, by force after a second, and remove its log."""
        # execnet first asks the process to end, and kills it after the timeout.
        self._group.terminate(timeout=_GRACE)
        if self.loan and not self._calling:
            self.loan.keep()
        elif self.loan:
            self.loan.end()
        self.loan = None
        with contextlib.suppress(OSError):
            self._folder.cleanup()

    def _exchange(self, operation: str, message: Any) -> tuple[str, Any, dict[str, Any]]:
        self._calling, lost = True, WorkerLost
        asked = operation.replace("uncompiled ", "")  # users know the method by its plain name
        try:
            # The log has all earlier calls too; only what comes after this position belongs to this
            # one.
            self._heard = self._log.stat().st_size
            self._channel.send(message)
            # A hang in native code can't be interrupted from Python, so the time limit is on this
            # side.
            kind, value, facts = self._channel.receive(self.limit)
            answer = kind, decode(value) if kind == "value" else str(value), facts
        except self._channel.TimeoutError:
            reason = f"no answer to {asked} within {self.limit:g} s"
        except (EOFError, OSError):
            reason, lost = f"its worker died during {asked}{self._last_words()}", WorkerDied
        except execnet.RemoteError as error:
            reason = f"its worker failed at {asked}: {_last_line(str(error))}"
        except (TypeError, ValueError) as error:
            reason = f"nonsense in answer to {asked}: {error}"
        else:
            self._calling = False
            return answer
        # A late answer would be taken for that of the next call, so a worker that failed once is
        # closed and never used again.
        self.lost = True
        if self.loan and self.loan.used and lost is WorkerDied:
            self.dropped = True
            self.loan.drop()
        self.close()
        raise lost(reason)

    def _last_words(self) -> str:
        """Describe how the process ended and what the call printed last, as far as known."""
        words = []
        # execnet has no public access to the process. For a worker on another machine it is that of
        # ssh.
        process: Any = getattr(getattr(self._gateway, "_io", None), "popen", None)
        with contextlib.suppress(Exception):
            words.append(_ending(process.wait(_GRACE)))
        with contextlib.suppress(OSError):
            log = self._log.read_bytes()[self._heard :]
            words.append(_last_said(log.decode(errors="replace")))
        found = [word for word in words if word]
        return f" ({'; '.join(found)})" if found else ""


def open_worker(
    backend: Backend,
    limit: float = TIME_LIMIT,
    threads: int | None = None,
    store: ProgramStore | None = None,
) -> Worker:
    """Start the worker of a backend; `limit` and `threads` are those of `Worker`.

    It takes compiled programs from `store`, if one is given and the worker is on this machine.
    Every worker of the product starts here, so a new kind of worker needs a change here alone.
    Raise `WorkerLost` if the backend has no interpreter, or its worker doesn't start.
    """
    if backend.python is None:
        raise WorkerLost(backend.missing)
    worker = Worker(backend.python, limit, backend.path, threads)
    if store and isinstance(backend.python, Path):
        try:
            worker.loan = store.lend(worker)
        except WorkerLost:
            raise
        except BackendError:
            pass  # it couldn't say what its programs depend on, so it compiles
    return worker


@functools.cache
def _sources() -> dict[str, tuple[str, str]]:
    """Return every module of core/ and backends/: full name to (file name, source)."""
    found: dict[str, tuple[str, str]] = {}
    for package in ("gateparity", "gateparity.backends"):
        found |= _read_package(package, importlib.resources.files(package))
    return found


def _read_package(package: str, folder: Traversable) -> dict[str, tuple[str, str]]:
    """Read a package and those inside it, importing none: a framework's would import it."""
    found: dict[str, tuple[str, str]] = {}
    for file in folder.iterdir():
        if file.name.endswith(".py"):
            found[_module_name(package, Path(file.name))] = str(file), file.read_text("utf-8")
        elif (file / "__init__.py").is_file() and file.name != "conformance":
            found |= _read_package(f"{package}.{file.name}", file)
    return found


def _require_answer(python: Place, limit: float) -> None:
    """Run the interpreter once, and raise `OSError` unless it answers and is recent enough.

    execnet would wait forever for a program that is no Python interpreter.
    """
    # A known text before the version distinguishes a Python from a program that prints something
    # else.
    question = "import sys; print('here %d.%d' % sys.version_info[:2])"
    done = subprocess.run(
        command(python, question),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=limit,
        check=False,
    )
    here, _, version = done.stdout.decode(errors="replace").strip().rpartition("here ")
    if here or not re.fullmatch(r"\d+\.\d+", version):
        message = (
            "" if isinstance(python, Path) else _last_line(done.stderr.decode(errors="replace"))
        )
        raise OSError(message or "it doesn't answer as a Python interpreter")
    if tuple(map(int, version.split("."))) < OLDEST:
        raise OSError(f"it is Python {version}, and {'.'.join(map(str, OLDEST))} is the oldest")


def _module_name(package: str, file: Path) -> str:
    return package if file.stem == "__init__" else f"{package}.{file.stem}"


def _ending(code: int | None) -> str:
    if code is None or code == 0:
        return ""
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _last_said(log: str) -> str:
    """Return the last line before faulthandler's report, or else the frame that crashed."""
    printed, _, report = log.partition("Fatal Python error: ")
    current = report.partition("Current thread")[2].partition("\n\n")[0]
    frame = re.search(r'File "(?:[^"]*[/\\])?([^"]*)", line (\d+) in (.*)', current)
    place = "{}, line {}, in {}".format(*frame.groups()) if frame else ""
    return _last_line(printed) or place


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""
