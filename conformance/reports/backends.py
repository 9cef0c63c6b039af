"""The backends that were found, as the report and the JSON of `gateparity backends`."""

from __future__ import annotations

import dataclasses
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.installed import installed_adapters
from gateparity.backends.spec import parse_backends, probe
from gateparity.conformance.reports.blocks import Cell, Report, Section, Table, line
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateparity.backends.catalogue import Framework
    from gateparity.backends.installed import Installed
    from gateparity.conformance.reports.blocks import Text


@dataclasses.dataclass(frozen=True)
class Found:
    """A backend, its interpreter and its version there, or the reason why there is none.

    `target` is `module:Class` for an adapter of an installed package.
    """

    backend: str
    variants: list[str]
    version: str = ""
    python: str = ""
    interpreter: str = ""
    reason: str = ""
    target: str = ""


def find_backends() -> list[Found]:
    """Return each framework and each installed adapter, as every interpreter reports it."""
    found = [_find(framework) for framework in FRAMEWORKS.values()]
    return found + [_find_installed(adapter) for adapter in installed_adapters().values()]


def backends_report(found: Sequence[Found]) -> Report:
    """Return the table of backends, why some can't run, and their interpreters."""
    rows: list[list[Text]] = [
        [
            backend.backend,
            backend.target or ", ".join(backend.variants),
            Cell("none", "known") if backend.reason else backend.version,
            backend.python,
        ]
        for backend in found
    ]
    reasons = [
        line(Cell(backend.backend, "known"), f": {backend.reason}", item=True)
        for backend in found
        if backend.reason
    ]
    places = [[backend.backend, backend.interpreter] for backend in found if backend.interpreter]
    return Report(
        "Backends",
        [
            Table(("backend", "variants", "version", "python"), rows),
            Section("Backends that can't run", reasons),
            Section("Interpreters", [Table(("backend", "interpreter"), places)]),
        ],
    )


def _find(framework: Framework) -> Found:
    variants = parse_backends([framework.name])
    names = [backend.variant for backend in variants]
    python = variants[0].python
    if not isinstance(python, Path):
        return Found(framework.name, names, reason=variants[0].missing)
    try:
        answer = probe(python, framework)
    except InputError as error:
        return Found(framework.name, names, interpreter=str(python), reason=str(error))
    return Found(framework.name, names, answer["version"], answer["python"], str(python))


def _find_installed(adapter: Installed) -> Found:
    """Return where a worker will import the adapter. Only a check shows whether it works there."""
    return Found(
        adapter.name,
        variants=[],
        version=adapter.version,
        python=platform.python_version(),
        interpreter=sys.executable,
        target=adapter.target,
    )
