"""A report as GitHub-flavoured Markdown: the summary page of a CI job, or a page of docs.

Texts are escaped, so that none is read as Markdown or HTML.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final

from gateparity.conformance.reports.blocks import Code, Figure, Line, Section, Table, shown
from gateparity.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateparity.conformance.reports.blocks import Block, Report, Text

_SPECIAL: Final = re.compile(r"([\\`*_\[\]|~$])")
_LINK: Final = re.compile(r"(https://[^\s<>\"'`\\|]*[^\s<>\"'`\\|.,:;)])")
_LOUD: Final = ("fail", "error")


def to_markdown(report: Report) -> str:
    """Return the report; it ends with a line break."""
    title = f"{report.name}: {report.verdict}" if report.verdict else report.name
    parts = [f"# {escape(title)}", f"{escape(report.counts)}." if report.counts else ""]
    parts += _draw([*report.lead, *shown(report.blocks)], level=2)
    return "\n\n".join(filter(None, parts)) + "\n"


def escape(text: str) -> str:
    """Escape a text for Markdown and HTML, on one line; its https addresses become links."""
    parts = _LINK.split(printable(" ".join(text.split())))
    return "".join(f"<{p}>" if k % 2 else _escape(p) for k, p in enumerate(parts))


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", html.escape(text, quote=False))


def _draw(blocks: Sequence[Block], level: int) -> Iterator[str]:
    items: list[str] = []
    for block in blocks:
        if isinstance(block, Line) and block.item:  # a list has no blank lines
            items.append(f"- {_sentence(block)}")
            continue
        yield "\n".join(items)
        items = []
        yield from _draw_block(block, level)
    yield "\n".join(items)


def _draw_block(block: Block, level: int) -> Iterator[str]:
    if isinstance(block, Section):
        yield f"{'#' * level} {escape(block.title)}"
        yield from _draw(block.blocks, level + 1)
    elif isinstance(block, Table):
        yield f"{escape(block.title)}:" if block.title else ""
        yield "\n".join(_table(block))
    elif isinstance(block, Line):
        yield _sentence(block)
    elif isinstance(block, Code):
        yield _code(block)
    elif isinstance(block, Figure) and block.words:
        yield from _draw_block(block.words, level)


def _sentence(block: Line) -> str:
    return "".join(_text(part) for part in block.parts)


def _text(part: Text) -> str:
    if isinstance(part, str):
        lead, trail = part[: len(part) - len(part.lstrip())], part[len(part.rstrip()) :]
        return f"{lead}{escape(part)}{trail}" if part.strip() else part
    words = f"`{part.text}`" if part.code and "`" not in part.text else escape(part.text)
    if words and part.tone in _LOUD:
        words = f"**{words}**"
    return f"[{words}](#{part.link})" if part.link and not part.tone else words


def _table(table: Table) -> Iterator[str]:
    numbers = [k >= len(table.head) - table.numbers for k in range(len(table.head))]
    yield _row([escape(name) for name in table.head])
    yield _row(["---:" if number else "---" for number in numbers])
    for row in table.rows:
        yield _row([_cell(part) for part in row])


def _cell(part: Text) -> str:
    """Return a cell; several lines in it stay lines."""
    if isinstance(part, str):
        return "<br>".join(map(escape, part.split("\n")))
    return _text(part).replace("|", r"\|") if part.code else _text(part)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _code(block: Code) -> str:
    """Return a code block in a fence that is longer than any in the text."""
    longest = max((len(run) for run in re.findall("`+", block.text)), default=0)
    fence = "`" * max(3, longest + 1)
    prompt = "$ " if block.language == "console" else ""
    text = block.text.rstrip("\n")
    return f"{fence}{block.language}\n{prompt}{text}\n{fence}"
