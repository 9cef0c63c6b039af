"""The backends that were found, as the table and the JSON of `gateparity backends`."""

from __future__ import annotations

import dataclasses
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.installed import installed_adapters
from gateparity.backends.spec import parse_backends, probe
from gateparity.conformance.reports.console import print_table
from gateparity.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from gateparity.backends.catalogue import Framework
    from gateparity.backends.installed import Installed


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


def print_backends(console: Console) -> list[dict[str, Any]]:
    """Ask every interpreter that was found, print what it says, and return it as plain data."""
    found = [_find(framework) for framework in FRAMEWORKS.values()]
    found += [_find_installed(adapter) for adapter in installed_adapters().values()]
    table = Table()
    for name in ("backend", "variants", "version", "python", "interpreter"):
        table.add_column(name, no_wrap=True)
    for row in found:
        where = escape(row.interpreter) or f"[yellow]{escape(row.reason)}[/]"
        what = row.target or ", ".join(row.variants)
        table.add_row(row.backend, what, escape(row.version), row.python, where)
    print_table(console, table)
    return [dataclasses.asdict(row) for row in found]


def _find(framework: Framework) -> Found:
    rows = parse_backends([framework.name])
    variants = [row.variant for row in rows]
    python = rows[0].python
    if not isinstance(python, Path):
        return Found(framework.name, variants, reason=rows[0].missing)
    try:
        answer = probe(python, framework)
    except InputError as error:
        return Found(framework.name, variants, interpreter=str(python), reason=str(error))
    return Found(framework.name, variants, answer["version"], answer["python"], str(python))


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
