"""A task: one check on one case, and the key that finds its result in every backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.checks import Check

Key = tuple[str, str, str]  # check, case, dtype


class Task(NamedTuple):
    """One check on one case, which has a dtype. A plan is a sequence of tasks."""

    check: Check
    case: Case

    @property
    def key(self) -> Key:
        """Return the names of check, case and dtype, which a plan has once."""
        return self.check.name, self.case.name, self.case.config.dtype

    @property
    def needs(self) -> tuple[str, ...]:
        """Return the features that an adapter needs for it: keys of `unsupported`."""
        return *self.check.needs, *self.case.needs

    def find_declared(self, unsupported: Mapping[str, str]) -> list[str]:
        """Return why an adapter that declares this can't run the task; nothing if it can."""
        return [unsupported[need] for need in self.needs if need in unsupported]
