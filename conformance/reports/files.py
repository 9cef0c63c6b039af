"""The report files of a run, for programs and for a CI's pages."""

from __future__ import annotations

import dataclasses
import functools
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from gateparity.conformance.recordings.recording import make_recording
from gateparity.conformance.recordings.writing import pack_recording
from gateparity.conformance.reports.junit import to_junit
from gateparity.conformance.reports.markdown import to_markdown
from gateparity.conformance.reports.record import to_json
from gateparity.conformance.storage.kinds import RECORDING, Kind
from gateparity.conformance.storage.outputs import Outputs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from gateparity.conformance.reports.html.figures import Table
    from gateparity.conformance.runs.plan import Plan, Source
    from gateparity.conformance.runs.result import Run

_STEP: Final = 1000  # from one unit of size to the next


@dataclasses.dataclass(frozen=True)
class ReportFiles:
    """Where each is to go, or None. Made before the work: raises `InputError` for a bad path.

    `inputs` are the files that the command reads, and `recording` is where the run itself goes.
    """

    json: Path | None = None
    junit: Path | None = None
    markdown: Path | None = None
    report: Path | None = None
    recording: Path | None = None
    force: bool = False
    inputs: Sequence[Path | None] = ()

    def __post_init__(self) -> None:
        self.outputs  # noqa: B018  raises for a bad path

    @functools.cached_property
    def outputs(self) -> Outputs:
        """All of them, by option."""
        files = {
            "--record": (self.recording, RECORDING),
            "--json": (self.json, Kind("JSON", "run")),
            "--junit": (self.junit, Kind("JUnit XML", "run")),
            "--markdown": (self.markdown, Kind("Markdown", "run")),
            "--report": (self.report, Kind("HTML", "run")),
        }
        return Outputs(files, self.inputs, force=self.force)

    def write_recording(self, run: Run, plan: Plan, source: Source) -> str:
        """Write the run, if `recording` is given. Return the line that says where it is."""
        if not self.recording:
            return ""
        data = pack_recording(make_recording(run, plan, source))
        self.outputs.write_bytes("--record", data)
        size, path = _describe_size(len(data)), self.recording
        return f"recorded: {path} ({size}); gateparity compare {path} OTHER..."

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
        self.outputs.write_json("--json", to_json(run, source) | dict(more))
        self.outputs.write_text("--junit", to_junit(run, source.options))
        self.outputs.write_text("--markdown", to_markdown(run, source.options) + page)
        if self.report:
            from gateparity.conformance.reports.html.run import run_page

            self.outputs.write_text("--report", run_page(run, source, tables, notes))


def _describe_size(size: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < _STEP:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= _STEP
    return f"{size:.1f} GB"
