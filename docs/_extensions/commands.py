"""Replaces the line `<!-- commands -->` on the page of commands by every verb's help."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import typer
from typer.cli import get_docs_for_click

from gateparity.conformance.commands.cli import VERBS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

_MARK: Final = "<!-- commands -->"
_EXAMPLES: Final = re.compile(r"^\[bold\]Examples\[/\]\n((?:\n|  .*\n)+)", re.MULTILINE)
_REMARK: Final = re.compile(r"(  +)(?=\S)")  # after a command


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the extension to Sphinx, which calls this function."""
    app.connect("source-read", _insert)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _insert(_: Sphinx, __: str, source: list[str]) -> None:
    if _MARK in source[0]:
        source[0] = source[0].replace(_MARK, "\n".join(_every_verb()))


def _every_verb() -> Iterator[str]:
    for verb in VERBS:
        loaded = verb.load()
        context = typer.Context(loaded, info_name=verb.name, obj={})
        text = get_docs_for_click(obj=loaded, ctx=context, indent=1, call_prefix="gateparity")
        yield _readable(text)


def _readable(text: str) -> str:
    """Join the examples of a help text to one code block."""
    return _EXAMPLES.sub(_block, text)


def _block(found: re.Match[str]) -> str:
    lines = [
        _REMARK.sub(r"\1# ", f"$ {line.strip()}") for line in found[1].splitlines() if line.strip()
    ]
    return "\n".join(("**Examples**:\n", "```console", *lines, "```\n"))
