"""An HTML page from a template and its data: everything escaped, nothing fetched.

A page contains its own style and script. Its content policy lets a browser run those two and load
nothing.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.metadata
import importlib.resources
import re
from typing import TYPE_CHECKING, Any, Final

from gateparity.conformance.reports.summary import number_words
from gateparity.errors import printable

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_LINK: Final = re.compile(r"(https://[^\s<>\"'`\\]+)")


def render(template: str, **data: Any) -> str:
    """Return a whole page. A name that the template uses and `data` lacks raises an error."""
    style, script = _read("style.css"), _read("filters.js")
    return (
        _environment()
        .get_template(template)
        .render(
            **data,
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
    environment.filters |= {"links": link, "sigmas": number_words, "plain": printable}
    return environment


def link(text: str) -> Markup:
    """Return the text escaped, with its https addresses as links."""
    from markupsafe import Markup, escape

    anchor = Markup('<a href="{0}" rel="noopener noreferrer">{0}</a>')
    parts = _LINK.split(printable(text))
    return Markup("").join(anchor.format(p) if k % 2 else escape(p) for k, p in enumerate(parts))


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
