"""A report as data: what a verb found, written down once for every renderer.

A verb builds a `Report` of sections and blocks. `terminal.py`, `markdown.py` and `html/` draw it,
and know nothing of LSTMs. Texts are plain: each renderer escapes them for its own medium.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Tone = Literal["", "pass", "undecided", "known", "fail", "skip", "error"]


@dataclasses.dataclass(frozen=True)
class Cell:
    """A text in a table or in a line, with what a renderer may show beside its words.

    `tone` colours it like the status of that name. `share`, from 0 to 4, is the part of its budget
    that a passing number used; a page shades it. `link` is the id of a section of the same report.
    """

    text: str
    tone: Tone = ""
    share: int = 0
    link: str = ""
    code: bool = False


Text: TypeAlias = "str | Cell"


@dataclasses.dataclass(frozen=True)
class Line:
    """A sentence, or an item of a list."""

    kind: ClassVar[str] = "line"
    parts: tuple[Text, ...]
    item: bool = False


@dataclasses.dataclass(frozen=True)
class Table:
    """A table. The first `keys` columns name a row, and the last `numbers` columns are numeric."""

    kind: ClassVar[str] = "table"
    head: Sequence[str]
    rows: Sequence[Sequence[Text]]
    title: str = ""
    keys: int = 1
    numbers: int = 0


@dataclasses.dataclass(frozen=True)
class Code:
    """A text to be copied as it is. That of the language `console` is one command."""

    kind: ClassVar[str] = "code"
    text: str
    language: str = "console"


@dataclasses.dataclass(frozen=True)
class Figure:
    """A picture that a page draws by the template `macro`, and its words for all other media."""

    kind: ClassVar[str] = "figure"
    macro: Literal["chart", "heatmap", "layout"]
    drawing: Any
    words: Table | None = None


@dataclasses.dataclass(frozen=True)
class Section:
    """Blocks under a title. `folded` ones are closed on a page; others than a page lack `extra`."""

    kind: ClassVar[str] = "section"
    title: str
    blocks: Sequence[Block]
    id: str = ""
    folded: bool = False
    extra: bool = False


Block: TypeAlias = "Line | Table | Code | Figure | Section"


@dataclasses.dataclass(frozen=True)
class Report:
    """All that a verb has to say.

    `verdict` is one word or a few, in the tone of the `exit_code`; a report without one is a list.
    `counts` is a sentence of figures, and `lead` what a reader has to know who reads no further.
    """

    name: str
    blocks: Sequence[Block]
    verdict: str = ""
    exit_code: int = 0
    counts: str = ""
    lead: Sequence[Line | Code] = ()


def line(*parts: Text, item: bool = False) -> Line:
    """Return a line of these parts."""
    return Line(parts, item)


def plain(text: Text) -> str:
    """Return a text without its tone."""
    return text if isinstance(text, str) else text.text


def shown(blocks: Sequence[Block], *, extra: bool = False) -> list[Block]:
    """Return the blocks that have something to show, those in sections too."""
    found: list[Block] = []
    for block in blocks:
        if isinstance(block, Section):
            inner = shown(block.blocks, extra=extra)
            if inner and (extra or not block.extra):
                found.append(dataclasses.replace(block, blocks=inner))
        elif not isinstance(block, Table) or block.rows:
            found.append(block)
    return found
