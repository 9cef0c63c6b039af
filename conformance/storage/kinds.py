"""The kinds of files that gateparity writes, and how each is recognised by its first bytes.

Every kind says at its start that gateparity wrote it, and what it is: JSON and safetensors in keys
that come first, text in a comment on its first or second line. So a few kilobytes are enough to
know a file, however large it is.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Kind:
    """A format, and what a file in it holds; two kinds are one if both are equal."""

    format: str
    name: str

    def __str__(self) -> str:
        """Return the words of a message, `JSON (run)`."""
        return f"{self.format} ({self.name})"


RECORDING: Final = Kind("safetensors", "recorded run")
FAILURE: Final = Kind("safetensors", "saved failure")
CHECKPOINT: Final = Kind("safetensors", "training checkpoint")
BUDGET: Final = Kind("safetensors", "kept budget")  # in a cache: no user's file is one

_HEAD: Final = 4096  # bytes that are looked at
_COMMENT_LINE: Final = {"Python": "# {}"}  # all others are written as HTML has them
_FIRST_LINE: Final = re.compile(r"(?:<!doctype html>|<\?xml [^>]*\?>)\n")  # stays the first
_JSON: Final = re.compile(rb'\{\s*"gateparity": "[^"]*",\s*"kind": "([a-z ]+)"')
_COMMENT: Final = re.compile(
    rb"(?:<!doctype html>\n|<\?xml [^>]*\?>\n)?(?:<!--|#) Written by gateparity \S+: "
    rb"([A-Za-z]+(?: XML)?) \(([a-z ]+)\)"
)
_TENSORS: Final = re.compile(rb'.{8}\{"__metadata__":\{"gateparity":"\{\\"(.{1,80})', re.DOTALL)
_WORDS: Final = {  # what the words of each kind begin with; 0.1.0 named the kind of one alone
    RECORDING: (rb"kind\": \"recorded run\"",),
    FAILURE: (rb"kind\": \"saved failure\"", rb"schema\": 1, \"check\": "),
    CHECKPOINT: (rb"kind\": \"training checkpoint\"", rb"training\": {"),
}


def mark_json(kind: Kind, data: Mapping[str, Any]) -> str:
    """Return JSON that begins with gateparity's version and the kind's name."""
    marked = {"gateparity": _version(), "kind": kind.name, **data}
    return json.dumps(marked, indent=2, allow_nan=False) + "\n"


def mark_text(kind: Kind, text: str) -> str:
    """Return the text with a comment that says what gateparity wrote."""
    comment = _COMMENT_LINE.get(kind.format, "<!-- {} -->").format(
        f"Written by gateparity {_version()}: {kind}"
    )
    first = match[0] if (match := _FIRST_LINE.match(text)) else ""
    return f"{first}{comment}\n{text[len(first) :]}"


def recognise(path: Path) -> Kind | None:
    """Return the kind of a file that gateparity wrote, or None for any other."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return None
    if match := _JSON.match(head):
        return Kind("JSON", match[1].decode())
    if match := _COMMENT.match(head):
        return Kind(match[1].decode(), match[2].decode())
    if match := _TENSORS.match(head):
        return next((k for k, starts in _WORDS.items() if match[1].startswith(starts)), None)
    return None


def _version() -> str:
    return importlib.metadata.version("gateparity")
