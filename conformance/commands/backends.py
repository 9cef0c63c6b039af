"""`gateparity backends`: the backends that were found, and where."""

from __future__ import annotations

import dataclasses
from typing import Final

from gateparity.conformance.commands.options import Force, Json, Report
from gateparity.conformance.reports.backends import backends_report, find_backends
from gateparity.conformance.reports.files import ReportFiles

EXAMPLES: Final = """
[bold]Examples[/]

  gateparity backends                         a table

  gateparity backends --json backends.json    the same for programs
"""


def backends(json: Json = None, report: Report = None, *, force: Force = False) -> None:
    """List the backends that were found, where and at which version, and why others can't run."""
    files = ReportFiles("backends", json=json, reports=report, force=force)
    found = find_backends()
    data = {"schema": 1, "backends": [dataclasses.asdict(backend) for backend in found]}
    files.publish(backends_report(found), data)
