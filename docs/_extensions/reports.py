"""Two reports that the build makes, linked from the page on reports: all well, and not.

The first is of every framework that is here, the second of docs/broken.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sphinx.util import logging

from _extensions.execution import find_python
from gateparity.backends.catalogue import FRAMEWORKS

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_LOG: Final = logging.getLogger(__name__)
_LINKS: Final = (
    '<p>Made by the build of this page: <a href="report-agrees.html">a run of every framework '
    'that was there</a>, <a href="report-differs.html">an adapter whose gates are packed f, i, '
    "g, o</a>.</p>\n"
)


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls it."""
    app.connect("html-page-context", _link)
    app.connect("build-finished", _make)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _make(app: Sphinx, exception: Exception | None) -> None:
    if exception:
        return
    found = {name: find_python(name)[0] for name in FRAMEWORKS}
    specs = [f"{name}@{python}" for name, python in found.items() if python]
    _check(app, "report-agrees.html", specs, expected=0)
    _check(app, "report-differs.html", ["numpy", "broken:Swapped"], "--no-save", expected=1)


def _check(app: Sphinx, name: str, specs: list[str], *words: str, expected: int) -> None:
    backends = [word for spec in specs for word in ("--backend", spec)]
    report = ("--report", str(Path(app.outdir) / name), "--force")
    done = subprocess.run(
        [sys.executable, "-m", "gateparity.conformance.cli", "check", *backends, *report, *words],
        cwd=app.srcdir,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != expected:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-5:])
        _LOG.warning("exit code %s, expected %s: %s", done.returncode, expected, last)


def _link(app: Sphinx, page: str, template: str, context: dict[str, Any], _: object) -> None:
    del app, template
    if page == "report":
        context["body"] = _LINKS + context["body"]
