"""`gateparity backends`: the backends that were found, and where."""

from __future__ import annotations

from typing import Final

from gateparity.conformance.commands.options import Force, Json
from gateparity.conformance.reports.backends import print_backends
from gateparity.conformance.reports.console import make_console
from gateparity.conformance.storage.kinds import Kind
from gateparity.conformance.storage.outputs import Outputs

EXAMPLES: Final = """
[bold]Examples[/]

  gateparity backends                         a table

  gateparity backends --json backends.json    the same for programs
"""


def backends(json: Json = None, *, force: Force = False) -> None:
    """Say which backends were found, where and at which version, and why others were not."""
    outputs = Outputs({"--json": (json, Kind("JSON", "backends"))}, force=force)
    rows = print_backends(make_console())
    outputs.write_json("--json", {"schema": 1, "backends": rows})
