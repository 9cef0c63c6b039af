"""The suite as tests: `pytest --pyargs gateparity.conformance --gateparity-backend torch`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateparity.conformance.runs.groups import join_results
from gateparity.conformance.runs.result import repeat_command
from gateparity.conformance.runs.thinning import choose_thinning, why
from gateparity.conformance.testing import settle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateparity.backends.backend import Backend
    from gateparity.conformance.requirements.task import Task
    from gateparity.conformance.runs.session import Session


def test_parity(
    parity_item: tuple[Backend, Sequence[Task]],
    parity_session: Callable[[Backend], Session],
    pytestconfig: pytest.Config,
) -> None:
    backend, tasks = parity_item
    # A slow framework leaves most problems of the array out, as `gateparity check` does.
    seed = pytestconfig.getoption("gateparity_seed")
    tasks = choose_thinning(seed).thin(tasks, [backend])
    if not tasks:
        pytest.skip(why(backend))
    result = join_results([parity_session(backend).run(*task) for task in tasks])
    settle(result, repeat_command(result, seed))
