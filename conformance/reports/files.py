"""The files that a run is written to, for programs and for a CI's pages."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from gateparity.conformance.files import check_writable
from gateparity.conformance.reports.junit import write_junit
from gateparity.conformance.reports.markdown import write_markdown
from gateparity.conformance.reports.record import write_json
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gateparity.conformance.result import Run
    from gateparity.conformance.source import Source


@dataclasses.dataclass(frozen=True)
class ReportFiles:
    """Where each is to go, or None. Made before the work: raises `InputError` for a bad path."""

    json: Path | None = None
    junit: Path | None = None
    markdown: Path | None = None

    def __post_init__(self) -> None:
        paths = [path.absolute() for path in vars(self).values() if path]
        for path in vars(self).values():
            if path:
                check_writable(path)
        if len(set(paths)) < len(paths):
            raise InputError("--json, --junit and --markdown name one file, expected one for each")

    def write(
        self,
        run: Run,
        source: Source,
        more: Mapping[str, Any] = MappingProxyType({}),
        page: str = "",
    ) -> None:
        """Write those that were asked for, each whole.

        `more` goes into the JSON as well, and `page` is Markdown that goes below the run's.
        """
        if self.json:
            write_json(run, self.json, source, more)
        if self.junit:
            write_junit(run, self.junit, source.options)
        if self.markdown:
            write_markdown(run, self.markdown, source.options, page)
