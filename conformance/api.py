"""The suite as a call, for a script, a notebook, or a test of your own."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from gateparity.backends.spec import find_backends, parse_backends
from gateparity.backends.workers.local import load_local
from gateparity.backends.workers.programs import default_store
from gateparity.backends.workers.remote import TIME_LIMIT
from gateparity.conformance.diagnosis.explain import explained
from gateparity.conformance.runs.plan import suite_plan
from gateparity.conformance.runs.result import repeat_command
from gateparity.conformance.runs.run import run_checks
from gateparity.conformance.runs.session import run_check
from gateparity.conformance.runs.truths import Truths

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from gateparity.conformance.runs.result import Result, Run


def check(
    backends: Sequence[str] = (),
    *,
    cases: Sequence[str] = (),
    checks: Sequence[str] = (),
    problems: Sequence[int] = (),
    seed: int = 0,
    time_limit: float = TIME_LIMIT,
    cache: bool = True,
) -> Run:
    """Run the suite and return all results.

    `backends` are specs (`"torch"`, `"jax:layer"`, `"torch@/path/to/python"`,
    `"mypkg.lstm:MyLSTM"`), all that are found by default. `time_limit` is in seconds for one call.
    With `cache`, programs that JAX and TensorFlow compile are kept for the next run. Raise
    `InputError` for an unknown name or a negative seed; an error of a backend is a result.
    """
    chosen = parse_backends(backends) if backends else find_backends()
    plan = suite_plan(cases, checks, seed, problems)
    store = default_store() if cache else None
    run = run_checks(chosen, plan, seed=seed, time_limit=time_limit, store=store)
    return explained(run, plan)


def check_adapter(
    adapter: Any,
    *,
    cases: Sequence[str] = (),
    checks: Sequence[str] = (),
    problems: Sequence[int] = (),
    seed: int = 0,
) -> list[Result]:
    """Run the suite on an adapter of yours in this process, where a debugger can follow.

    `adapter` is an object, however it was made; its label is `module:Class`. Raise `InputError` if
    it is no adapter, and for an unknown name or a negative seed; its other errors are results.
    Nothing ends a call that hangs, and a crash takes this process with it.
    """
    plan = suite_plan(cases, checks, seed, problems)
    backend, local = load_local(adapter)
    truths = Truths()
    return [run_check(backend, local, *task, truths) for task in plan]


def assert_parity(backends: Sequence[str] = (), *, seed: int = 0) -> None:
    """Run the suite; raise `AssertionError` with what differs or erred, or if nothing ran.

    The message has a sentence for each backend that fails: which known mistake it behaves like.
    A result that rounding leaves undecided is a warning.
    """
    run = check(backends, seed=seed)
    wrong = [result for result in run.results if result.status in ("fail", "error")]
    lines = [
        f"{result.backend.label} {result.check} {result.case} {result.dtype} {result.status}: "
        f"{result.reason}\n  repeat: {repeat_command(result, seed)}"
        for result in wrong
    ]
    lines += [f"{label}: {sentence}" for label, sentence in run.explanations.items()]
    for result in run.results:
        if result.status == "undecided":
            words = f"{result.backend.label} {result.check} {result.case} {result.dtype}"
            warnings.warn(f"{words} is undecided: {result.reason}", stacklevel=2)
    lines += [f"{p.a} and {p.b} differ: {p.reason}" for p in run.pairs if p.status == "fail"]
    if not run.ran:
        lines.append("nothing was compared: every check was skipped")
    if lines:
        raise AssertionError("\n".join(lines))
