"""The suite as a base class: your own test class inherits the checks, one test for each case."""

from __future__ import annotations

import inspect
import shlex
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from gateparity.conformance.networks.compare import compare_live
from gateparity.conformance.networks.words import describe_live
from gateparity.conformance.runs.groups import group_tasks, join_results, task_id
from gateparity.conformance.runs.plan import suite_plan
from gateparity.conformance.runs.session import run_check
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateparity.backends.backend import Backend
    from gateparity.backends.workers.remote_adapter import RemoteAdapter
    from gateparity.conformance.requirements.task import Task
    from gateparity.conformance.runs.result import Result
    from gateparity.conformance.runs.truths import Truths


class ParityTests:
    """A base class for your tests: name an adapter class without arguments, or an object.

    `checks` and `cases` choose some by name; all of them run where none are given. The tests run in
    this process, so `breakpoint()` works, and share one adapter.

        class TestMyLSTM(ParityTests):
            adapter = MyLSTM

    Or name two live layers in this process, as `compare_live` takes them. `layers` may be a
    method that makes them, so that importing the file makes none:

        class TestMyPort(ParityTests):
            layers = (torch_layer, keras_layer)
    """

    adapter: ClassVar[Any] = None
    layers: ClassVar[Any] = None
    checks: ClassVar[Sequence[str]] = ()
    cases: ClassVar[Sequence[str]] = ()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make one test for each check, case and dtype, and one for all problems of the array."""
        if "parity_problem" not in metafunc.fixturenames:
            return
        if self.layers is not None:
            metafunc.parametrize("parity_problem", [pytest.param(None, id="layers")])
            return
        seed = metafunc.config.getoption("gateparity_seed")
        try:
            plan = suite_plan(self.cases, self.checks, seed)
        except InputError as error:
            message = f"{type(self).__name__}: {error}"
            raise pytest.fail.Exception(message, pytrace=False) from None
        group = pytest.mark.xdist_group(f"{type(self).__module__}.{type(self).__qualname__}")
        problems = [
            pytest.param(tasks, id=task_id(tasks), marks=group) for tasks in group_tasks(plan)
        ]
        metafunc.parametrize("parity_problem", problems)

    def test_parity(
        self,
        parity_problem: Sequence[Task] | None,
        parity_adapter: tuple[Backend, RemoteAdapter] | None,
        parity_truths: Truths,
        parity_explanation: Callable[[], str],
        request: pytest.FixtureRequest,
    ) -> None:
        """Check that the adapter computes what the reference computes, to within rounding.

        Or that two live layers have the same weights, and compute what those say.
        """
        seed = request.config.getoption("gateparity_seed")
        if parity_problem is None or parity_adapter is None:
            return _settle_layers(_make_layers(self), seed)
        results = [run_check(*parity_adapter, *task, parity_truths) for task in parity_problem]
        result = join_results(results)
        explanation = parity_explanation() if result.status == "fail" else ""
        return settle(result, _repeat_test(request.node.nodeid, seed), explanation)


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


def _make_layers(test: ParityTests) -> Any:
    """Return the layers of a test class, or those that its function makes, with `self` or without.

    A property is a function too.
    """
    layers: Any = type(test).layers
    if isinstance(layers, property):
        return test.layers
    if not callable(layers):
        return layers
    return layers(*[test][: len(inspect.signature(layers).parameters)])


def _settle_layers(pair: Any, seed: int) -> None:
    """Turn a comparison of two live layers into an outcome."""
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        size = f" of {len(pair)}" if isinstance(pair, (tuple, list)) else ""
        found = f"{type(pair).__name__}{size}"
        pytest.fail(f"layers is {found}, expected a pair of layers", pytrace=False)
    try:
        message = describe_live(compare_live(*pair, seed=seed))
    except InputError as error:
        message = str(error)
    if message:
        pytest.fail(message, pytrace=False)
