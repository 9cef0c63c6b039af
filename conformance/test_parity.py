"""The suite as tests: `pytest --pyargs gateparity.conformance --gateparity-backend torch`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateparity.conformance.runs.result import repeat_command
from gateparity.conformance.testing import settle

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from gateparity.backends.backend import Backend
    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.checks import Check
    from gateparity.conformance.runs.session import Session


def test_parity(
    parity_item: tuple[Backend, Check, Case],
    parity_session: Callable[[Backend], Session],
    pytestconfig: pytest.Config,
) -> None:
    backend, check, case = parity_item
    result = parity_session(backend).run(check, case)
    settle(result, repeat_command(result, pytestconfig.getoption("gateparity_seed")))
