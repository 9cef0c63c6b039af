"""`gateparity compare`: the runs of several machines, one verdict."""

from __future__ import annotations

from typing import Final

from gateparity.conformance.commands.console import make_console
from gateparity.conformance.commands.finish import finish
from gateparity.conformance.commands.options import Json, Junit, Markdown, Runs
from gateparity.conformance.reports.compare import join_files, uncompared_pairs
from gateparity.conformance.reports.files import ReportFiles

EXAMPLES: Final = """
[bold]Examples[/]

  gateparity compare torch.json jax.json                  two machines

  gateparity compare *.json --markdown parity.md          the jobs of a CI

  gateparity compare *.json --json all.json --junit all.xml
"""


def compare(runs: Runs, json: Json = None, junit: Junit = None, markdown: Markdown = None) -> None:
    """Join the results of several machines into one verdict.

    All must have run the same checks and cases with the same seed. Exit code as that of check.
    """
    files = ReportFiles(json, junit, markdown)
    record = join_files(runs)
    if apart := uncompared_pairs(record.run):
        make_console().print(
            f"Pairs of rows that ran apart, each judged by the truth alone: {apart}"
        )
    finish(record.run, record.source, files)
