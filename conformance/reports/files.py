"""What a verb prints and writes of its result: the same report in every medium, and the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateparity.conformance.reports.console import make_console
from gateparity.conformance.reports.formats import RENDERERS, find_format
from gateparity.conformance.reports.terminal import print_report
from gateparity.conformance.storage.kinds import Kind
from gateparity.conformance.storage.outputs import OutputFiles

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from gateparity.conformance.reports.blocks import Report


class ReportFiles(OutputFiles):
    """The files of a verb's result, checked before the work: an `InputError` names a bad path.

    `subject` is what they hold, such as "run". `json` gets the data, and each path of `reports` and
    `markdown` the report. `others` are further options, as those of `OutputFiles`; `inputs` are the
    files that the verb reads.
    """

    def __init__(
        self,
        subject: str,
        json: Path | None = None,
        reports: Iterable[Path] | None = (),
        markdown: Path | None = None,
        *,
        others: Iterable[tuple[str, Path | None, Kind]] = (),
        inputs: Iterable[Path | None] = (),
        force: bool = False,
    ) -> None:
        pages = [("--report", path, Kind(find_format(path), subject)) for path in reports or ()]
        summary = ("--markdown", markdown, Kind("Markdown", subject))
        data = ("--json", json, Kind("JSON", subject))
        super().__init__([data, *pages, summary, *others], inputs, force=force)

    def publish(self, report: Report, data: Mapping[str, Any]) -> None:
        """Print the report, and write every file that was asked for, each whole or not at all."""
        print_report(report, make_console())
        self.write(report, data)

    def write(self, report: Report, data: Mapping[str, Any]) -> None:
        """Write every file that was asked for, and print nothing."""
        self.write_json("--json", data)
        for option in ("--report", "--markdown"):
            self.write_texts(option, lambda kind: RENDERERS[kind.format](report))
