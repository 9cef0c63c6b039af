"""Plans: which checks run on which cases. Cases are named, a checkpoint's, or a text's."""

from __future__ import annotations

import dataclasses
import hashlib
import shlex
from collections import Counter
from typing import TYPE_CHECKING, Final

from gateparity.conformance.problems.case import build_case, draw_for
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.problems.space import choose_problems
from gateparity.conformance.problems.text import windows
from gateparity.conformance.requirements.checks import choose_checks
from gateparity.conformance.requirements.task import Task
from gateparity.errors import InputError, refuse_unknown
from gateparity.network.config import Config
from gateparity.network.dtypes import SUITE_DTYPES
from gateparity.network.parameters import cast_parameters
from gateparity.protocol.training import one_hot

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.problems.text import Text
    from gateparity.conformance.requirements.checks import Check
    from gateparity.network.parameters import Parameters

    Plan = Sequence[Task]


@dataclasses.dataclass(frozen=True)
class Source:
    """The options that name the file, quoted for a shell, and its SHA-256; empty without a file."""

    options: str = ""
    sha256: str = ""


def source_of(path: Path, **options: object) -> Source:
    """Return the source that these options name; an option of None was not given."""
    words = [
        f"--{name} {shlex.quote(str(value))}"
        for name, value in options.items()
        if value is not None
    ]
    with path.open("rb") as file:
        return Source(" ".join(words), hashlib.file_digest(file, "sha256").hexdigest())


_WEIGHTS_STEPS, _WEIGHTS_BATCH = 16, 4  # of the random inputs that a checkpoint's LSTM is fed
_TEXT_HIDDEN: Final = 32  # as in d2l, with its windows of 32 steps


def named_plan(cases: Sequence[str], checks: Sequence[str], seed: int) -> Plan:
    """Return the named checks on the named cases, at their dtypes; no names mean all.

    Raise `InputError` for an unknown name, and if no check has any of the cases.
    """
    refuse_unknown("case", cases, RECIPES)
    chosen = choose_checks(checks)
    plan = [
        Task(check, RECIPES[case].build(dtype, seed))
        for dtype in dict.fromkeys(dtype for check in chosen for dtype in check.dtypes)
        for check in chosen
        if dtype in check.dtypes
        for case in check.cases
        if not cases or case in cases
    ]
    if not plan:
        raise InputError(
            f"checks {', '.join(checks)} have none of the cases {', '.join(cases)}: "
            "without --case they have all of theirs"
        )
    return plan


def problems_plan(problems: Sequence[int], checks: Sequence[str], seed: int) -> Plan:
    """Return the checks that apply to each problem of the array; no numbers mean all problems.

    Without names of problems and checks, those that take turns do so, since each needs programs of
    its own in frameworks that compile. Raise `InputError` for a number out of range, and if none of
    the checks applies.
    """
    chosen = choose_checks(checks)
    plan: list[Task] = []
    for case in (problem.build() for problem in choose_problems(problems, seed)):
        found = [check for check in chosen if check.applies_to(case)]
        if not problems and not checks:
            found = _take_turns(found, plan)
        plan += [Task(check, case) for check in found]
    if problems and not plan:
        numbers = ", ".join(map(str, problems))
        raise InputError(f"checks {', '.join(checks)} don't apply to --problem {numbers}")
    return plan


def _take_turns(checks: Sequence[Check], plan: Plan) -> list[Check]:
    """Return the checks that run on a problem: of those that take turns, the rarest in the plan.

    Of equally rare ones it is the last, since `calls` can run on fewer problems than others.
    """
    runs = Counter(task.check.name for task in plan)
    in_turn = sorted((c for c in reversed(checks) if c.turns), key=lambda check: runs[check.name])
    return [check for check in checks if not check.turns or check is in_turn[0]]


def suite_plan(
    cases: Sequence[str], checks: Sequence[str], seed: int, problems: Sequence[int] = ()
) -> Plan:
    """Return the named cases and the problems of the array; some of them where they are named.

    Raise `InputError` for an unknown name or number, and if no check has any of the cases.
    """
    if cases:
        return named_plan(cases, checks, seed)
    if problems:
        return problems_plan(problems, checks, seed)
    return [*named_plan((), checks, seed), *problems_plan((), checks, seed)]


def weights_plan(config: Config, params: Parameters, checks: Sequence[str], seed: int) -> Plan:
    """Return a plan that runs a checkpoint's LSTM on random inputs and states."""
    return [
        Task(check, _weights_case(config, params, dtype, seed))
        for dtype in SUITE_DTYPES
        for check in choose_checks(checks or ("forward", "gates", "gradients"))
    ]


def problem_plan(case: Case, checks: Sequence[str] = ()) -> Plan:
    """Return a plan that runs one problem of the user's own, at its own dtype."""
    return [Task(check, case) for check in choose_checks(checks or ("forward", "gradients"))]


def text_plan(text: Text, checks: Sequence[str], seed: int) -> Plan:
    """Return a plan that runs random weights on a text's characters, one-hot."""
    return [
        Task(check, _text_case(text, dtype, seed))
        for dtype in SUITE_DTYPES
        for check in choose_checks(checks or ("forward", "gradients"))
    ]


def _weights_case(config: Config, params: Parameters, dtype: str, seed: int) -> Case:
    draw = draw_for("weights", seed, dtype)
    config = dataclasses.replace(config, dtype=dtype)
    x = draw((_WEIGHTS_STEPS, _WEIGHTS_BATCH, config.input_size), 1.0)
    return build_case("weights", config, x, draw, params=cast_parameters(params, dtype))


def _text_case(text: Text, dtype: str, seed: int) -> Case:
    x = one_hot(windows(text), len(text.symbols), dtype)
    config = Config(len(text.symbols), _TEXT_HIDDEN, dtype=dtype)
    return build_case("text", config, x, draw_for("text", seed, dtype))
