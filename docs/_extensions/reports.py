"""Makes two reports, and links them from the page on reports: one passes, one fails.

The first covers every installed framework, the second docs/broken.py. What the first prints on a
terminal of 100 columns replaces the line `<!-- parity -->`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sphinx.util import logging

from _extensions.execution import find_python, name_backend
from gateparity.backends.catalogue import FRAMEWORKS

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_LOG: Final = logging.getLogger(__name__)
_MARK: Final = "<!-- parity -->"
_STYLE: Final = re.compile(r"\x1b\[[0-9;]*m")
_LINKS: Final = (
    '<p>The build of this page made two reports: <a href="report-agrees.html">a run of every '
    'installed framework</a>, and <a href="report-differs.html">an adapter whose gates are packed '
    "f, i, g, o</a>.</p>\n"
)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the extension to Sphinx, which calls this function."""
    app.add_config_value("parity", "", "env")
    app.connect("builder-inited", _make)
    app.connect("source-read", _insert)
    app.connect("html-page-context", _link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _make(app: Sphinx) -> None:
    names = [name_backend(name) for name in FRAMEWORKS if find_python(name)[0]]
    agrees, differs = (Path(app.outdir, f"report-{end}.html") for end in ("agrees", "differs"))
    if len(names) == 1:  # a check compares two backends, so add NumPy in this interpreter
        names.append(f"numpy@{sys.executable}")
    app.config.parity = _check(names, Path.cwd(), agrees, expected=0)
    _check(["numpy", "broken:Swapped"], Path(app.srcdir), differs, expected=1)


def _check(names: list[str], folder: Path, report: Path, *, expected: int) -> str:
    """Write the report of a run, and return what the run prints."""
    backends = [word for name in names for word in ("--backend", name)]
    _LOG.info("making %s in %s", report.name, ", ".join(name.partition("@")[0] for name in names))
    words = [*backends, "--no-save", "--report", str(report.absolute()), "--force"]
    terminal = {"FORCE_COLOR": "1", "COLUMNS": "100", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "gateparity.conformance.commands.cli", "check", *words],
        cwd=folder,
        env={**os.environ, **terminal},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    printed = _STYLE.sub("", done.stdout)
    if done.returncode != expected:
        last = "\n".join((printed + done.stderr).splitlines()[-5:])
        _LOG.warning("exit code %s, expected %s: %s", done.returncode, expected, last)
    return printed


def _insert(app: Sphinx, _: str, source: list[str]) -> None:
    if _MARK in source[0]:
        source[0] = source[0].replace(_MARK, f"```text\n{app.config.parity}```")


def _link(app: Sphinx, page: str, template: str, context: dict[str, Any], _: object) -> None:
    del app, template
    if page == "report":
        context["body"] = _LINKS + context["body"]
