"""The suite as a call, for a script, a notebook, or a test of your own."""

from __future__ import annotations

import dataclasses
import warnings
from types import MappingProxyType
from typing import TYPE_CHECKING

from gateparity.backends.live.kinds import is_recurrent
from gateparity.backends.spec import find_backends, parse_backends
from gateparity.backends.workers.local import load_local
from gateparity.backends.workers.programs import default_store
from gateparity.backends.workers.remote import TIME_LIMIT
from gateparity.conformance.diagnosis.explain import explained
from gateparity.conformance.networks.compare import compare_live
from gateparity.conformance.networks.words import describe_live
from gateparity.conformance.problems.own import expected_values
from gateparity.conformance.runs.expected import conclude, with_expected
from gateparity.conformance.runs.groups import group_results, join_results
from gateparity.conformance.runs.plan import problem_plan, suite_plan
from gateparity.conformance.runs.result import repeat_command
from gateparity.conformance.runs.run import run_checks
from gateparity.conformance.runs.session import run_check
from gateparity.conformance.runs.truths import Truths
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.runs.plan import Plan
    from gateparity.conformance.runs.result import Result, Run


def check(
    backends: Sequence[str] = (),
    *,
    cases: Sequence[str] = (),
    checks: Sequence[str] = (),
    problems: Sequence[int] = (),
    seed: int = 0,
    time_limit: float = TIME_LIMIT,
    all_problems: bool = False,
    cache: bool = True,
    own: Case | None = None,
    expected: Mapping[str, Any] = MappingProxyType({}),
) -> Run:
    """Run the suite and return all results.

    `backends` are specs (`"torch"`, `"jax:layer"`, `"torch@/path/to/python"`,
    `"mypkg.lstm:MyLSTM"`), all that are found by default. `time_limit` is in seconds for one call.
    JAX, TensorFlow and MXNet run one short problem in ten unless `all_problems` says otherwise, or
    `problems` or `cases` are chosen. With `cache`, programs and rounding budgets are kept for the
    next run.

    `own` is a problem of yours, `Case.from_arrays(config, params, x)`, which runs in place of the
    named cases, at its own dtype. `expected` are values that you expect of it, NumPy arrays: `y (T,
    B, directions * hidden)`, `h_n`, `c_n`, `d_x`, `d_h_0`, `d_c_0` and `d_NAME` for each array of
    the weights in PyTorch's spelling. They are judged as the backend `expected`, and
    `run.explanations["problem"]` is a sentence for a bug report: explained by rounding, not
    explained, or undecidable.

    Raise `InputError` for an unknown name, a negative seed and an expected array that doesn't fit;
    an error of a backend is a result.
    """
    chosen = parse_backends(backends) if backends else find_backends()
    if own:
        values, plan = expected_values(own, expected), problem_plan(own, checks)
    else:
        values, plan = {}, suite_plan(cases, checks, seed, problems)
    store = default_store() if cache else None
    options: Any = {"seed": seed, "all_problems": all_problems or bool(problems or cases)}
    run = run_checks(chosen, plan, time_limit=time_limit, store=store, **options)
    run = with_expected(explained(run, plan), plan, values)
    return _with_conclusion(run, plan) if own else run


def check_adapter(
    adapter: Any,
    *,
    cases: Sequence[str] = (),
    checks: Sequence[str] = (),
    problems: Sequence[int] = (),
    seed: int = 0,
    cache: bool = True,
) -> list[Result]:
    """Run the suite on an adapter of yours in this process, where a debugger can follow.

    `adapter` is an object, however it was made; its label is `module:Class`. Raise `InputError` if
    it is no adapter, and for an unknown name or a negative seed; its other errors are results.
    Budgets are kept for the next run, unless `cache` is false.
    Nothing ends a call that hangs, and a crash takes this process with it.
    """
    plan = suite_plan(cases, checks, seed, problems)
    backend, local = load_local(adapter)
    truths = Truths(default_store() if cache else None)
    return [run_check(backend, local, *task, truths) for task in plan]


def assert_parity(
    a: Any = (),
    b: Any = None,
    x: Any = None,
    h_0: Any = None,
    c_0: Any = None,
    lengths: Any = None,
    *,
    backends: Sequence[str] = (),
    cases: Sequence[str] = (),
    checks: Sequence[str] = (),
    problems: Sequence[int] = (),
    seed: int = 0,
) -> None:
    """Compare two live layers, or backends; raise `AssertionError` with what differs.

    With two arguments, `a` and `b` are layers in this process, as `compare_live` takes them, with
    `x (T, B, input)`, `h_0`, `c_0 (layers * directions, B, hidden)` and `lengths (B,)` if you have
    your own. The message has 25 lines at most, and begins with the mistake that one behaves like.

    With one argument or `backends`, run the suite on backends by their specs, all that are found
    by default, or the part of it that `cases`, `checks` and `problems` name, as `check` does. The
    message has a sentence for each backend that fails: which known mistake it behaves like. It is
    an error if nothing ran. A result that rounding leaves undecided is a warning.

        gateparity.assert_parity(torch_lstm, keras_lstm)
        gateparity.assert_parity(["numpy", "torch", "jax:layer"])

    Raise `InputError` for objects that can't be compared, and for unknown names.
    """
    part = {"cases": cases, "checks": checks, "problems": problems}
    if b is None:
        message = _compare_backends(_specs(backends or a), part, seed)
    elif given := [name for name, names in part.items() if names]:
        raise InputError(f"{given[0]} are given with two layers, expected none: backends have them")
    else:
        message = describe_live(compare_live(a, b, x, h_0, c_0, lengths, seed=seed))
    if message:
        raise AssertionError(message)


def _with_conclusion(run: Run, plan: Plan) -> Run:
    """Return the run with a sentence on the problem of the user's own among its explanations."""
    words = {"problem": conclude(run, plan)}
    return dataclasses.replace(run, explanations=run.explanations | words)


def _specs(backends: Any) -> Any:
    """Return the specs. Raise `InputError` for a live layer among them, or instead of them."""
    for spec in backends if isinstance(backends, (list, tuple, str)) else [backends]:
        if is_recurrent(spec) or not isinstance(backends, (list, tuple, str)):
            raise InputError(
                f"a backend is an object of {type(spec).__name__}, expected a spec such as "
                "'torch'; two live layers are two arguments: assert_parity(a, b)"
            )
    return backends


def _compare_backends(backends: Sequence[str], part: Mapping[str, Any], seed: int) -> str:
    """Return what differs between backends, a line each; empty if they agree."""
    run = check(backends, **part, seed=seed)
    found = [join_results(group) for group in group_results(run.results)]
    wrong = [result for result in found if result.status in ("fail", "error")]
    lines = [
        f"{result.backend.label} {result.check} {result.case} {result.dtype} {result.status}: "
        f"{result.reason}\n  repeat: {repeat_command(result, seed)}"
        for result in wrong
    ]
    lines += [f"{label}: {sentence}" for label, sentence in run.explanations.items()]
    lines += [f"{p.a} and {p.b} differ: {p.reason}" for p in run.pairs if p.status == "fail"]
    if not run.ran:
        lines.append("nothing was compared: every check was skipped")
    if not lines:  # a warning that is an error would hide them
        _warn_of_undecided(run)
    return "\n".join(lines)


def _warn_of_undecided(run: Run) -> None:
    for result in run.results:
        if result.status == "undecided":
            words = f"{result.backend.label} {result.check} {result.case} {result.dtype}"
            warnings.warn(f"{words} is undecided: {result.reason}", stacklevel=3)
