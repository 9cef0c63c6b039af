"""The suite as a base class: your own test class inherits the checks, one test for each case."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from gateparity.conformance.runs.plan import named_plan
from gateparity.conformance.runs.session import run_check
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateparity.backends.backend import Backend
    from gateparity.backends.workers.remote import RemoteAdapter
    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.checks import Check
    from gateparity.conformance.runs.result import Result
    from gateparity.conformance.runs.truths import Truths


class ParityTests:
    """A base class for your tests: name an adapter class without arguments, or an object.

    `checks` and `cases` choose some by name; all of them run where none are given. The tests run in
    this process, so `breakpoint()` works, and share one adapter.

        class TestMyLSTM(ParityTests):
            adapter = MyLSTM
    """

    adapter: ClassVar[Any] = None
    checks: ClassVar[Sequence[str]] = ()
    cases: ClassVar[Sequence[str]] = ()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make one test for each check, case and dtype."""
        if "parity_problem" not in metafunc.fixturenames:
            return
        seed = metafunc.config.getoption("gateparity_seed")
        try:
            plan = named_plan(self.cases, self.checks, seed)
        except InputError as error:
            message = f"{type(self).__name__}: {error}"
            raise pytest.fail.Exception(message, pytrace=False) from None
        group = pytest.mark.xdist_group(f"{type(self).__module__}.{type(self).__qualname__}")
        problems = [
            pytest.param((check, case), id=f"{check.name}-{case.id}", marks=group)
            for check, case in plan
        ]
        metafunc.parametrize("parity_problem", problems)

    def test_parity(
        self,
        parity_problem: tuple[Check, Case],
        parity_adapter: tuple[Backend, RemoteAdapter],
        parity_truths: Truths,
        parity_explanation: Callable[[], str],
        request: pytest.FixtureRequest,
    ) -> None:
        """Check that the adapter computes what the reference computes, to within rounding."""
        result = run_check(*parity_adapter, *parity_problem, parity_truths)
        explanation = parity_explanation() if result.status == "fail" else ""
        seed = request.config.getoption("gateparity_seed")
        settle(result, _repeat_test(request.node.nodeid, seed), explanation)


def settle(result: Result, repeat: str, explanation: str = "") -> None:
    """Turn a result into a test's outcome; `repeat` is the command that repeats it.

    `explanation` says what the backend behaves like; it is empty where nothing is known.
    """
    if result.status in ("skip", "undecided"):
        pytest.skip(result.reason)
    if result.status == "known":
        pytest.xfail(result.reason)
    if result.status != "pass":
        lines = [f"{result.status}: {result.reason}", explanation, f"repeat: {repeat}"]
        pytest.fail("\n".join(filter(None, lines)), pytrace=False)


def _repeat_test(nodeid: str, seed: int) -> str:
    name = nodeid[: nodeid.rindex("]") + 1]  # pytest-xdist appends its group
    return f"pytest {shlex.quote(name)}" + (f" --gateparity-seed {seed}" if seed else "")
