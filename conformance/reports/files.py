"""The report files of a run, for programs and for a CI's pages."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from gateparity.conformance.files import check_writable, write_text
from gateparity.conformance.html.page import check_report
from gateparity.conformance.reports.junit import write_junit
from gateparity.conformance.reports.markdown import write_markdown
from gateparity.conformance.reports.record import write_json
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from gateparity.conformance.html.table import Table
    from gateparity.conformance.result import Run
    from gateparity.conformance.source import Source


@dataclasses.dataclass(frozen=True)
class ReportFiles:
    """The path of each report, or None. The constructor raises `InputError` for a bad path."""

    json: Path | None = None
    junit: Path | None = None
    markdown: Path | None = None
    report: Path | None = None
    force: bool = False

    def __post_init__(self) -> None:
        paths = [p for p in (self.json, self.junit, self.markdown, self.report) if p]
        for path in paths:
            check_writable(path)
        if len({path.absolute() for path in paths}) < len(paths):
            raise InputError(
                "--json, --junit, --markdown and --report name one file, expected one for each"
            )
        check_report(self.report, force=self.force)

    def write(
        self,
        run: Run,
        source: Source,
        more: Mapping[str, Any] = MappingProxyType({}),
        page: str = "",
        tables: Sequence[Table] = (),
        notes: Sequence[str] = (),
    ) -> None:
        """Write the reports that have a path, each atomically.

        `more` is added to the JSON, and `page` is Markdown that goes below the run's. The HTML
        report has `tables` and `notes` too.
        """
        if self.json:
            write_json(run, self.json, source, more)
        if self.junit:
            write_junit(run, self.junit, source.options)
        if self.markdown:
            write_markdown(run, self.markdown, source.options, page)
        if self.report:
            from gateparity.conformance.html.run import run_page

            write_text(self.report, run_page(run, source, tables, notes))
