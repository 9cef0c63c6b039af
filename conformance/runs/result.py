"""Results of a run: single results, pairs, and the exit code that follows from them."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from gateparity.backends.backend import Backend
from gateparity.backends.catalogue import is_shipped
from gateparity.conformance.problems.case import number_problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.backends.base.compilation import Form
    from gateparity.conformance.judgement.divergence import Divergence
    from gateparity.conformance.requirements.results import Results
    from gateparity.conformance.requirements.task import Key
    from gateparity.conformance.runs.profile import Profile
    from gateparity.network.parameters import Array
    from gateparity.packing.layout import Layout


Status = Literal["pass", "undecided", "known", "fail", "skip", "error"]
# Values that a user gives stand in a run like a backend's, and no backend computes them.
EXPECTED: Final = Backend("expected", "", "", Path(), shipped=False)


@dataclasses.dataclass(frozen=True)
class Result:
    """The result of one check on one case in one backend.

    `sigmas` is the largest error and `shift` the largest shift of a bias, in standard deviations of
    what rounding alone causes. `max_error` is relative to the largest true value of its array, and
    `max_absolute` is the largest error as it is. They are None where nothing was compared.

    `arrays` are the backend's own, and `against` what they were compared with if that isn't the
    reference. `begins` is where a difference begins. `ratios` has all errors of a failure, in
    standard deviations. `needs` are the keys of `unsupported` that would have skipped it, and
    `undeclared` says whether a call raised all the same. `lacks` are the states that the backend
    declares to lack, which are in no arrays. `saved` is the file that repeats a failure, and
    `saved_sizes` the sizes that it was shrunk to. `form` says whether the framework compiled the
    calls, and is empty for one that compiles nothing. `description` says what a problem of the
    array has.
    """

    backend: Backend
    check: str
    case: str
    dtype: str
    status: Status
    max_error: float | None = None
    reason: str = ""
    sigmas: float | None = None
    shift: float | None = None
    max_absolute: float | None = None
    arrays: Results | None = dataclasses.field(default=None, repr=False, compare=False)
    against: Results | None = dataclasses.field(default=None, repr=False, compare=False)
    shifts: Array | None = dataclasses.field(default=None, repr=False, compare=False)
    begins: Divergence | None = dataclasses.field(default=None, repr=False, compare=False)
    ratios: Results | None = dataclasses.field(default=None, repr=False, compare=False)
    seconds: float | None = dataclasses.field(default=None, repr=False, compare=False)
    needs: tuple[str, ...] = dataclasses.field(default=(), repr=False, compare=False)
    undeclared: bool = dataclasses.field(default=False, repr=False, compare=False)
    lacks: frozenset[str] = dataclasses.field(default=frozenset(), repr=False, compare=False)
    form: Form = dataclasses.field(default="", repr=False, compare=False)
    saved: str | None = dataclasses.field(default=None, repr=False, compare=False)
    description: str = dataclasses.field(default="", repr=False, compare=False)
    saved_sizes: str = dataclasses.field(default="", repr=False, compare=False)

    @property
    def key(self) -> Key:
        """Return check, case and dtype: the key of the task, without the backend."""
        return self.check, self.case, self.dtype

    @property
    def largest(self) -> float | None:
        """Return the larger of `sigmas` and `shift`: what is compared with the limit."""
        return None if self.sigmas is None else max(self.sigmas, self.shift or 0)


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two backends compared in everything that both computed at one dtype."""

    a: str
    b: str
    dtype: str
    status: Status
    max_error: float | None = None
    reason: str = ""
    sigmas: float | None = None


@dataclasses.dataclass(frozen=True)
class Run:
    """A whole run. `versions` has the version of each backend's framework, where it is known.

    `seconds` is wall time. `transport_seconds` is the time that calls took beyond the work in the
    workers, summed over backends that ran side by side. `explanations` has the known mistake that a
    failing backend behaves like, if there is one. `rounding_models` has what backends declare of
    it, and `manifests` what their results may depend on. `least` is how many backends a verdict
    needs; one is enough if others are recorded elsewhere. `changes` are differences between
    versions of one framework. `layouts` are those that the adapters name. `asked` are the results
    that failing backends were asked for beside the plan: an explanation needs them. `profile` says
    where the time went, if the run was measured. `strict` says that an undecided comparison is as
    bad as a difference.
    """

    backends: tuple[Backend, ...]
    results: tuple[Result, ...]
    pairs: tuple[Pair, ...]
    versions: dict[str, str]
    seed: int
    seconds: float
    transport_seconds: float
    explanations: dict[str, str] = dataclasses.field(default_factory=dict)
    rounding_models: dict[str, Mapping[str, float]] = dataclasses.field(default_factory=dict)
    manifests: dict[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    least: int = 2
    changes: tuple[Change, ...] = ()
    layouts: dict[str, Layout] = dataclasses.field(default_factory=dict)
    asked: tuple[Result, ...] = ()
    profile: Profile | None = None
    strict: bool = False

    @property
    def ran(self) -> set[str]:
        """Return the backends that computed something."""
        computed = [result.backend for result in self.results if result.max_error is not None]
        return {
            f"{backend.name}@{backend.recorded}" if backend.recorded else backend.name
            for backend in computed
        }

    @property
    def exit_code(self) -> int:
        """Return 1 if any comparison differs; else 2 if a backend erred or too few ran; else 0.

        If the run is strict, it is 1 for an undecided comparison too.
        """
        statuses = self._statuses
        if "fail" in statuses or (self.strict and "undecided" in statuses):
            return 1
        return 2 if "error" in statuses or len(self.ran) < self.least else 0

    @property
    def verdict(self) -> str:
        """Return the exit code as a word: agrees, differs, undecided or incomplete."""
        if self.exit_code == 1 and "fail" not in self._statuses:
            return "undecided"
        return ("agrees", "differs", "incomplete")[self.exit_code]

    @property
    def _statuses(self) -> set[Status]:
        return {r.status for r in self.results} | {p.status for p in self.pairs}


def repeat_command(result: Result, seed: int, source: str = "") -> str:
    """Return the command that repeats a result. `source` is an option that names a file."""
    number = number_problem(result.case)
    where = f"--problem {number}" if number else f"--case {result.case}"
    return check_command(result.backend, result.check, source or where, seed)


def check_command(backend: Backend, check: str, where: str, seed: int) -> str:
    """Return the command that runs a check in a backend, with `where` as further options.

    NumPy is added, since a run of one backend alone counts as incomplete.
    """
    beside = [] if backend.spec == "numpy:scratch" else ["numpy"]
    own = [] if backend == EXPECTED else [backend.spec]
    backends = [f"--backend {shlex.quote(spec)}" for spec in (*beside, *own)]
    return " ".join(
        filter(None, ["gateparity check", *backends, f"--check {check}", where, f"--seed {seed}"])
    )


def replay_command(backend: Backend, file: str) -> str:
    """Return the command that runs a saved failure again; `file` is quoted for a shell.

    The backend is named unless gateparity ships it, since a file alone must not name code to run.
    """
    named = "" if is_shipped(backend.spec) else f" --backend {shlex.quote(backend.spec)}"
    return f"gateparity replay {file}{named}"


@dataclasses.dataclass(frozen=True)
class Change:
    """Two backends of one framework and variant, compared check by check.

    `equal` are the checks with equal bits. `differing` are the others, each with the largest
    difference in standard deviations of the rounding of both.
    """

    a: str
    b: str
    equal: tuple[str, ...]
    differing: dict[str, float]
