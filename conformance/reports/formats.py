"""The formats of `--report FILE`, by the ending of the file's name.

A format is its module, which draws any `Report`, and its line in `_FORMATS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateparity.conformance.reports.html.page import to_html
from gateparity.conformance.reports.markdown import to_markdown
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gateparity.conformance.reports.blocks import Report

_FORMATS: Final[dict[str, tuple[str, Callable[[Report], str]]]] = {
    ".html": ("HTML", to_html),
    ".md": ("Markdown", to_markdown),
}
RENDERERS: Final = dict(_FORMATS.values())


def find_format(path: Path) -> str:
    """Return the name of the format that a file's ending asks for; raise `InputError` if none."""
    if found := _FORMATS.get(path.suffix.lower()):
        return found[0]
    ending = repr(path.suffix) if path.suffix else "no ending"
    raise InputError(f"--report {path}: found {ending}, expected {' or '.join(_FORMATS)}")
