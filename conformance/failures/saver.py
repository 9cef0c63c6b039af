"""Save a backend's failures: the first case of each check, shrunk in the backend's own worker.

This happens after all results are there, so that a worker that a smaller case kills costs none.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import itertools
import os
import platform
import re
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.backends.numpy.scratch import Scratch
from gateparity.backends.workers.local import load_local
from gateparity.conformance.failures.failure import Failure, save_failure
from gateparity.conformance.failures.shrink import TIME_LIMIT, GiveUp, shrink
from gateparity.conformance.judgement.confidence import ALLOWED
from gateparity.conformance.runs.result import Result
from gateparity.conformance.runs.session import run_check
from gateparity.conformance.runs.truths import Truths
from gateparity.conformance.storage.kinds import FAILURE
from gateparity.conformance.storage.outputs import check_output
from gateparity.errors import InputError
from gateparity.files import check_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateparity.backends.backend import Backend
    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.checks import Check
    from gateparity.conformance.runs.plan import Plan
    from gateparity.conformance.runs.session import Session

FOLDER: Final = Path("gateparity-failures")
_NAME: Final = 80  # characters of a row in a file's name


@dataclasses.dataclass
class Saver:
    """A function of a backend's results, called while its session is open; it adds files' names.

    Without a folder it does nothing. `seconds` are for all failures of one backend. `say` gets what
    takes them, `problems` are why files could not be written, and `saved` are the files that were.
    `inputs` and `force` are for the rule by which files are replaced.
    """

    folder: Path | None
    seed: int
    say: Callable[[str], None] = lambda _: None
    seconds: float = 30.0
    problems: list[str] = dataclasses.field(default_factory=list)
    saved: list[Path] = dataclasses.field(default_factory=list)
    inputs: Sequence[Path] = ()
    force: bool = False

    def __call__(self, session: Session, plan: Plan, results: list[Result]) -> list[Result]:
        """Save the first failing case of each check, in a fair share of the time."""
        if self.folder is None:
            return results
        saved, first, end = list(results), _first_failures(results), time.monotonic() + self.seconds
        for done, k in enumerate(first):
            self.say(f"{session.backend.label} {results[k].check}: shrinking")
            limit = min((end - time.monotonic()) / (len(first) - done), TIME_LIMIT)
            smallest, found = shrink_result(session, *plan[k], results[k], limit)
            failure = make_failure(session, plan[k].check, smallest, found, self.seed)
            saved[k] = self._save(results[k], failure, self.folder)
        return saved

    def check(self, backends: Sequence[Backend], plan: Plan) -> None:
        """Raise `InputError` before the work if a failure's file couldn't be replaced."""
        if self.folder is None:
            return
        for backend, task in itertools.product(backends, plan):
            path = self.folder / file_name(Result(backend, *task.key, "fail"))
            if os.path.lexists(path):
                self._check(path)

    def _check(self, path: Path) -> None:
        check_output("--save", path, FAILURE, self.inputs, force=self.force)

    def _save(self, result: Result, failure: Failure, folder: Path) -> Result:
        path = folder / file_name(result)
        try:
            _make(folder)
            self._check(path)
            save_failure(failure, path)
        except InputError as error:
            self.problems.append(f"{result.check} of {result.backend.label} is not saved: {error}")
            return result
        self.saved.append(path)
        return dataclasses.replace(result, saved=str(path), saved_sizes=failure.case.sizes)


def make_saver(
    folder: Path | None,
    seed: int,
    *,
    no_save: bool = False,
    force: bool = False,
    inputs: Sequence[Path | None] = (),
) -> Saver:
    """Return the saver for these options. Raise `InputError` if the folder is not writable."""
    if folder and no_save:
        raise InputError("--save and --no-save exclude each other")
    if folder:
        check_folder(folder)
    read = [path for path in inputs if path]
    return Saver(None if no_save else folder or FOLDER, seed, inputs=read, force=force)


def shrink_result(
    session: Session, check: Check, case: Case, result: Result, limit: float
) -> tuple[Case, Result]:
    """Return the smallest case that still fails, and its result.

    The backend must fail it and gateparity's own NumPy must pass it, so that the backend is at
    fault.
    """
    last = result

    def fails(candidate: Case) -> bool:
        nonlocal last
        truths = Truths()
        found = session.run(check, candidate, truths)
        if session.lost:
            raise GiveUp
        if _differs(found) and _numpy_passes(check, candidate, truths):
            last = found
            return True
        return False

    return shrink(case, fails, limit), last


def make_failure(session: Session, check: Check, case: Case, result: Result, seed: int) -> Failure:
    """Return the failure to save: the session's result on a case, with everything to repeat it."""
    expected = Truths().of(check, case, session.rounding_model, result.lacks)
    return Failure(
        check=check.name,
        case=case,
        backend=_public(session.backend.label),
        found=result.arrays or {},
        truth=expected.truth,
        sigmas=expected.budget.sigmas,
        message=result.reason,
        manifest={"backend version": session.version, **_near_manifest(), **session.manifest},
        seed=seed,
    )


def file_name(result: Result) -> str:
    """Return `<backend>-<check>-<case>-<dtype>.safetensors`, in characters that all systems allow.

    A part of the label that is lost, such as an interpreter's path, becomes a checksum.
    """
    label = result.backend.label
    backend = re.sub(r"[^A-Za-z0-9._]+", "-", _public(label))[:_NAME]
    if backend.replace("-", ":", 1) != label:
        backend += f"-{zlib.crc32(label.encode('utf-8', 'replace')):08x}"
    case = result.case.replace(" ", "-")
    return f"{backend}-{result.check}-{case}-{result.dtype}.safetensors"


def _first_failures(results: list[Result]) -> list[int]:
    """Return the index of the first failed comparison of each check."""
    first: dict[str, int] = {}
    for k, result in enumerate(results):
        if _differs(result):
            first.setdefault(result.check, k)
    return list(first.values())


def _differs(result: Result) -> bool:
    """Return whether a result failed by its numbers, rather than by impurity or a wrong refusal."""
    if result.status != "fail" or result.arrays is None:
        return False
    return (result.largest or 0) > ALLOWED


def _public(label: str) -> str:
    """Return a label without the interpreter's path, which no other machine has."""
    return label.partition("@")[0]


def _numpy_passes(check: Check, case: Case, truths: Truths) -> bool:
    """Return whether gateparity's own NumPy passes the check on a case, or skips it."""
    with np.errstate(all="ignore"):
        result = run_check(*load_local(Scratch()), check, case, truths)
    return result.status in ("pass", "undecided", "skip")


def _near_manifest() -> dict[str, str]:
    """Return the manifest lines of this side, which computes the expected results."""
    python, machine = platform.python_version(), f"{platform.system()} {platform.machine()}"
    return {
        "gateparity": importlib.metadata.version("gateparity"),
        "expected by": f"NumPy {np.__version__}, Python {python}, {machine}",
    }


def _make(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} can't be made: {error.strerror}") from None
