"""`gateparity backends`: the backends that were found, and where."""

from __future__ import annotations

from typing import Final

from gateparity.conformance.commands.console import make_console
from gateparity.conformance.commands.options import Json
from gateparity.conformance.files import check_writable
from gateparity.conformance.reports.backends import print_backends

EXAMPLES: Final = """
[bold]Examples[/]

  gateparity backends                         a table

  gateparity backends --json backends.json    the same for programs
"""


def backends(json: Json = None) -> None:
    """Say which backends were found, where and at which version, and why others were not."""
    if json:
        check_writable(json)
    print_backends(make_console(), json)
