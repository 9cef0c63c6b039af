"""A report as one self-contained HTML page: everything escaped, nothing fetched.

A page contains its own style and script. Its content policy lets a browser run those two and load
nothing. No script draws anything: charts are SVG, pictures of arrays are tables.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.metadata
import importlib.resources
import itertools
import re
from typing import TYPE_CHECKING, Final

from gateparity.conformance.reports.blocks import Figure, Line, shown
from gateparity.errors import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Environment
    from markupsafe import Markup

    from gateparity.conformance.reports.blocks import Block, Report

_LINK: Final = re.compile(r"(https://[^\s<>\"'`\\]+)")
_TONES: Final = ("agrees", "differs", "incomplete")  # by exit code


def to_html(report: Report) -> str:
    """Return the report as a whole page."""
    style, script = _read("style.css"), _read("report.js")
    return (
        _environment()
        .get_template("report.html")
        .render(
            report=report,
            blocks=shown(report.blocks, extra=True),
            tone=_TONES[report.exit_code],
            style=style,
            script=script,
            policy=_policy(style, script),
            version=importlib.metadata.version("gateparity"),
        )
    )


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(__package__ or ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"links": link, "plain": printable, "grouped": _group}
    return environment


def link(text: str) -> Markup:
    """Return the text escaped, with its https addresses as links."""
    from markupsafe import Markup, escape

    anchor = Markup('<a href="{0}" rel="noopener noreferrer">{0}</a>')
    parts = _LINK.split(printable(text))
    return Markup("").join(anchor.format(p) if k % 2 else escape(p) for k, p in enumerate(parts))


def _group(blocks: Sequence[Block]) -> list[tuple[str, list[Block]]]:
    """Return neighbours that stand together on a page: items of a list, and pictures of a kind."""
    return [(kind, list(found)) for kind, found in itertools.groupby(blocks, _kind)]


def _kind(block: Block) -> str:
    if isinstance(block, Figure):
        return block.macro
    return "item" if isinstance(block, Line) and block.item else block.kind


@functools.cache
def _read(name: str) -> Markup:
    from markupsafe import Markup

    file = importlib.resources.files(__package__ or "") / "templates" / name
    return Markup(file.read_text("utf-8"))  # noqa: S704  a file of this package


def _policy(style: str, script: str) -> str:
    """Return a content policy that allows exactly this style and script, by their digests."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
