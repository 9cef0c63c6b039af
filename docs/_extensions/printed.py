"""Commands that the build runs: a page shows what they print, so no printed table grows old.

A block ` ```{printed} ` has one command. A build without one of the command's frameworks says so
and shows the command alone. A command that fails is a warning, and warnings fail the build.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from _extensions.execution import find_python, name_backend
from _extensions.pycon import output_block
from gateparity.backends.catalogue import FRAMEWORKS

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_LOG: Final = logging.getLogger(__name__)
_SURROUNDINGS: Final = {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the extension to Sphinx, which calls this function."""
    app.add_directive("printed", Printed)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class Printed(SphinxDirective):
    """A command of gateparity, and what it printed in this build."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the command as a block, and its output as another."""
        command = " ".join(self.content)
        words = shlex.split(command)[1:]
        shown = nodes.literal_block(f"$ {command}", f"$ {command}", classes=["example-code"])
        shown["language"] = "console"
        if missing := [name for word in words if (name := _missing(word))]:
            lacks = ", ".join(missing)
            return [shown, nodes.paragraph("", f"This build did not run it: it has no {lacks}.")]
        done = _run([_with_place(word) for word in words])
        if done.returncode:
            last = "\n".join((done.stdout + done.stderr).splitlines()[-5:])
            message = "%s: exit code %s: %s"
            _LOG.warning(message, command, done.returncode, last, location=self.get_location())
        note = nodes.paragraph("", "", nodes.emphasis("", "Printed by the build of this page."))
        classes = ["example", "printed"]
        return [nodes.container("", shown, output_block(done.stdout), classes=classes), note]


def _missing(word: str) -> str:
    """Return the title of the framework that a word names, if this build lacks it."""
    name = word.partition(":")[0]
    return FRAMEWORKS[name].title if name in FRAMEWORKS and not find_python(name)[0] else ""


def _with_place(word: str) -> str:
    """Return the word; a backend gets the environment that this build has for its framework."""
    name, colon, variant = word.partition(":")
    if name not in FRAMEWORKS:
        return word
    return f"{name}{colon}{variant}{name_backend(name).removeprefix(name)}"


def _run(words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateparity.conformance.commands.cli", *words],
        env={**os.environ, **_SURROUNDINGS},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
