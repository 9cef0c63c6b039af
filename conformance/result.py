"""What a run found: results, pairs, and the exit code that follows from them."""

from __future__ import annotations

import dataclasses
import shlex
from typing import TYPE_CHECKING, Literal

from gateparity.backends.catalogue import is_shipped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.backends.spec import Backend
    from gateparity.conformance.diagnosis.divergence import Divergence
    from gateparity.conformance.requirements.checks import Results
    from gateparity.conformance.versions import Change
    from gateparity.layout import Layout
    from gateparity.parameters import Array

Status = Literal["pass", "known", "fail", "skip", "error"]


@dataclasses.dataclass(frozen=True)
class Result:
    """What one check on one case found in one row.

    `sigmas` is the largest error and `shift` the largest shift of a bias, in standard deviations
    of what rounding alone causes; `max_error` is relative to the largest true value of its array.
    None where nothing was compared. `arrays` is what the row answered, and `against` what that was
    compared with where it isn't the truth. `begins` is where a difference does; `ratios` has all
    errors of a failure, in standard deviations. `needs` are the keys of `unsupported` that would
    have skipped it, and `undeclared` whether a call raised all the same; `lacks` are the states
    that the row declares it hasn't, and so are in no arrays. `saved` is the file that
    repeats a failure, and `saved_sizes` what it was shrunk to.
    """

    row: Backend
    check: str
    case: str
    dtype: str
    status: Status
    max_error: float | None = None
    reason: str = ""
    sigmas: float | None = None
    shift: float | None = None
    arrays: Results | None = dataclasses.field(default=None, repr=False, compare=False)
    against: Results | None = dataclasses.field(default=None, repr=False, compare=False)
    shifts: Array | None = dataclasses.field(default=None, repr=False, compare=False)
    begins: Divergence | None = dataclasses.field(default=None, repr=False, compare=False)
    ratios: Results | None = dataclasses.field(default=None, repr=False, compare=False)
    seconds: float | None = dataclasses.field(default=None, repr=False, compare=False)
    needs: tuple[str, ...] = dataclasses.field(default=(), repr=False, compare=False)
    undeclared: bool = dataclasses.field(default=False, repr=False, compare=False)
    lacks: frozenset[str] = dataclasses.field(default=frozenset(), repr=False, compare=False)
    saved: str | None = dataclasses.field(default=None, repr=False, compare=False)
    saved_sizes: str = dataclasses.field(default="", repr=False, compare=False)

    @property
    def key(self) -> tuple[str, str, str]:
        """What was compared, apart from where."""
        return self.check, self.case, self.dtype


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two rows compared in everything that both computed at one dtype."""

    a: str
    b: str
    dtype: str
    status: Status
    max_error: float | None = None
    reason: str = ""
    sigmas: float | None = None


@dataclasses.dataclass(frozen=True)
class Run:
    """All of it. `versions` has the version of each row's framework, as far as it told.

    `seconds` is wall time; `transport_seconds` is what the rows' calls took beyond the work on the
    far side, summed over rows that ran side by side. `explanations` has what a failing row behaves
    like, as far as a known mistake explains it; `arithmetics` what rows declare of theirs, and
    `manifests` what their answers may depend on. `least` is how many backends make a verdict: one
    will do where others are recorded elsewhere. `changes` is what differs between the versions of
    one framework; `layouts` are those that the rows' adapters name.
    """

    rows: tuple[Backend, ...]
    results: tuple[Result, ...]
    pairs: tuple[Pair, ...]
    versions: dict[str, str]
    seed: int
    seconds: float
    transport_seconds: float
    explanations: dict[str, str] = dataclasses.field(default_factory=dict)
    arithmetics: dict[str, Mapping[str, float]] = dataclasses.field(default_factory=dict)
    manifests: dict[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    least: int = 2
    changes: tuple[Change, ...] = ()
    layouts: dict[str, Layout] = dataclasses.field(default_factory=dict)

    @property
    def ran(self) -> set[str]:
        """The backends that computed something."""
        computed = [result.row for result in self.results if result.max_error is not None]
        return {f"{row.name}@{row.recorded}" if row.recorded else row.name for row in computed}

    @property
    def exit_code(self) -> int:
        """1 if any comparison differs; else 2 if a row erred or too few backends ran."""
        statuses = [r.status for r in self.results] + [p.status for p in self.pairs]
        if "fail" in statuses:
            return 1
        return 2 if "error" in statuses or len(self.ran) < self.least else 0

    @property
    def verdict(self) -> str:
        """The exit code as a word."""
        return ("agrees", "differs", "incomplete")[self.exit_code]


def repeat_command(result: Result, seed: int, source: str = "") -> str:
    """The one command that repeats a result. `source` is the option that named a file, if any."""
    return check_command(result.row, result.check, source or f"--case {result.case}", seed)


def check_command(row: Backend, check: str, where: str, seed: int) -> str:
    """The command that runs a check in a row, `where` being further options.

    NumPy runs beside it: of one backend alone even what agrees with the truth is incomplete.
    """
    beside = [] if row.spec == "numpy:scratch" else ["numpy"]
    rows = [f"--backend {shlex.quote(spec)}" for spec in (*beside, row.spec)]
    return " ".join(
        filter(None, ["gateparity check", *rows, f"--check {check}", where, f"--seed {seed}"])
    )


def replay_command(row: Backend, file: str) -> str:
    """The command that runs a saved failure again, in the same place; `file` as a shell takes it.

    What a file names alone is run only if gateparity ships it.
    """
    named = "" if is_shipped(row.spec) else f" --backend {shlex.quote(row.spec)}"
    return f"gateparity replay {file}{named}"
