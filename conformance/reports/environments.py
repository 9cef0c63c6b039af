"""The environments on this machine, as the report and the JSON of `gateparity env list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateparity.backends.environments.environments import recall_request
from gateparity.conformance.reports.blocks import Cell, Report, Table, line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from gateparity.backends.environments.environments import Environment
    from gateparity.conformance.reports.blocks import Text

    Sized = tuple[Environment, int]  # an environment and its bytes


def environments_report(found: Sequence[Sized], folder: Path) -> Report:
    """Return the table of environments, what is wrong with some, and their folder."""
    rows: list[list[Text]] = [
        [
            one.name,
            Cell(one.state, "known") if one.reason else one.state,
            one.python,
            describe_versions(one),
            f"{size / 1e6:.0f}" if size else "",
        ]
        for one, size in found
    ]
    reasons = [
        line(Cell(f"{one.name} is {one.state}", "known"), f": {one.reason}", item=True)
        for one, _ in found
        if one.reason
    ]
    table = Table(("name", "state", "python", "versions", "MB"), rows, numbers=1)
    return Report("Environments", [table, *reasons, line(f"Folder: {folder}")])


def environments_json(found: Iterable[Sized]) -> list[dict[str, Any]]:
    """Return the environments as plain data."""
    return [
        {
            "name": one.name,
            "state": one.state,
            "reason": one.reason,
            "python": one.python,
            "bytes": size,
            "versions": dict(one.versions),
            "folder": str(one.folder),
        }
        for one, size in found
    ]


def describe_versions(one: Environment) -> str:
    """Return the versions of the packages that an environment was made for."""
    names = recall_request(one.name).names if one.versions else ()
    return ", ".join(f"{name} {v}" for name, v in one.versions.items() if name in names)
