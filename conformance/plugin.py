"""The pytest plugin: `pytest --gateparity-backend torch` runs each check on each case as a test.

It is installed with gateparity, so it imports nothing until a test asks for parity.
"""

from __future__ import annotations

import contextlib
import functools
import traceback
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gateparity.backends.backend import Backend
    from gateparity.backends.workers.remote_adapter import RemoteAdapter
    from gateparity.conformance.requirements.task import Task
    from gateparity.conformance.runs.session import Session
    from gateparity.conformance.runs.truths import Truths


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--gateparity-backend` and `--gateparity-seed`.

    Both begin with the package's name: pytest ends with a traceback where two plugins, or a plugin
    and a conftest, add an option of one name.
    """
    group = parser.getgroup("gateparity", "one LSTM in every framework")
    group.addoption(
        "--gateparity-backend",
        action="append",
        default=[],
        metavar="SPEC",
        help="NAME[:VARIANT][@WHERE] or module:Class; repeat for more. All found by default.",
    )
    group.addoption(
        "--gateparity-seed", type=int, default=0, help="Draws other weights and inputs."
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a bad spec in one line, before anything is collected."""
    config.addinivalue_line("markers", "xdist_group(name): tests for one worker of pytest-xdist.")
    if (seed := config.getoption("gateparity_seed")) < 0:
        raise pytest.UsageError(f"gateparity: --gateparity-seed is {seed}, expected 0 or more")
    if specs := config.getoption("gateparity_backend"):
        from gateparity.backends.spec import parse_backends
        from gateparity.errors import InputError

        try:
            parse_backends(specs)
        except InputError as error:
            raise pytest.UsageError(f"gateparity: {error}") from None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test for each backend, check, case and dtype, and one for all problems of the array.

    A backend's tests form one group for pytest-xdist, so that they share a worker.
    """
    if "parity_item" not in metafunc.fixturenames:
        return
    from gateparity.backends.spec import find_backends, parse_backends
    from gateparity.conformance.runs.groups import group_tasks
    from gateparity.conformance.runs.plan import suite_plan

    specs = metafunc.config.getoption("gateparity_backend")
    seed = metafunc.config.getoption("gateparity_seed")
    backends = parse_backends(specs) if specs else find_backends()
    groups = group_tasks(suite_plan((), (), seed))
    items = [_item(backend, tasks) for backend in backends for tasks in groups]
    metafunc.parametrize("parity_item", items, scope="session")


@pytest.fixture(scope="session")
def parity_truths() -> Truths:
    """Return the cache of reference results that all backends share."""
    from gateparity.backends.workers.programs import default_store
    from gateparity.conformance.runs.truths import Truths

    return Truths(default_store())


@pytest.fixture(scope="class")
def parity_adapter(request: pytest.FixtureRequest) -> tuple[Backend, RemoteAdapter] | None:
    """Return the backend and the adapter that a subclass of `ParityTests` tests in this process.

    A subclass that names live layers has none.
    """
    from gateparity.backends.workers.local import load_local
    from gateparity.errors import InputError, Unsupported

    if request.cls.layers is not None:
        return None
    adapter, name = request.cls.adapter, request.cls.__name__
    if adapter is None:
        pytest.fail(f"{name} names no adapter, expected `adapter = MyLSTM` in it", pytrace=False)
    try:
        made = adapter() if isinstance(adapter, type) else adapter
        return load_local(made, report=traceback.print_exception)
    except Unsupported as unsupported:
        pytest.skip(str(unsupported))
    except InputError as error:
        raise pytest.fail.Exception(f"{name}.adapter: {error}", pytrace=False) from None


@pytest.fixture(scope="class")
def parity_explanation(
    request: pytest.FixtureRequest,
    parity_adapter: tuple[Backend, RemoteAdapter],
    parity_truths: Truths,
) -> Callable[[], str]:
    """Return a function that explains the adapter of a class; it searches once."""
    from gateparity.conformance.diagnosis.explain import explain_adapter
    from gateparity.conformance.runs.plan import suite_plan

    plan = suite_plan(
        request.cls.cases, request.cls.checks, request.config.getoption("gateparity_seed")
    )
    return functools.cache(lambda: explain_adapter(*parity_adapter, plan, parity_truths))


@pytest.fixture(scope="session")
def parity_session(parity_truths: Truths) -> Iterator[Callable[[Backend], Session]]:
    """Yield a function that returns a backend's session; its worker is closed after the tests."""
    from gateparity.backends.workers.programs import default_store
    from gateparity.backends.workers.remote import open_worker
    from gateparity.conformance.runs.session import Session

    start = functools.partial(open_worker, store=default_store())
    with contextlib.ExitStack() as stack:
        yield functools.cache(
            lambda backend: stack.enter_context(Session(backend, parity_truths, start))
        )


def _item(backend: Backend, tasks: Sequence[Task]) -> Any:
    from gateparity.conformance.runs.groups import task_id

    name = f"{backend.label.replace(':', '-')}-{task_id(tasks)}"
    group = backend.label.replace("@", "-")  # pytest-xdist splits at it
    return pytest.param((backend, tasks), id=name, marks=pytest.mark.xdist_group(group))
