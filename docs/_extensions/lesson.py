"""A page as text and code, where code is for every framework or for one.

Code for one framework is in a tab of its name (`:sync: torch`). Code outside the tabs is for all
frameworks. A `pycon` block shows what it must print. A `{measured}` block prints `LABEL NUMBER` or
`LABEL: WORDS` lines, which differ from run to run. The build shows those of its own run.
"""

from __future__ import annotations

import dataclasses
import doctest
import re
from typing import TYPE_CHECKING, Final, Literal

from gateparity.backends.catalogue import FRAMEWORKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Kind = Literal["text", "pycon", "measured"]
FENCE: Final = re.compile(r"```(?:(pycon)|\{(measured)\} (\w+))$")
_TAB: Final = re.compile(r":sync: (\w+)$")
_SETS: Final = re.compile(r"^::::\{tab-set\}\n(.*?)^::::$", re.DOTALL | re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Part:
    """Lines of a page from `line` on, counted from 1; `framework` is the tab that they are in."""

    kind: Kind
    text: str
    line: int
    framework: str = ""
    name: str = ""  # of a measured block


@dataclasses.dataclass(frozen=True)
class Chunk:
    """Code without prompts, and what it must print, which is the last line's at `line`."""

    code: str
    output: str = ""
    line: int = 0
    raises: bool = False


def read_parts(page: str) -> list[Part]:
    """Return the parts of a Markdown page in their order."""
    return [part for part in _parts(page) if part.text.strip()]


def framework_names(parts: Iterable[Part]) -> list[str]:
    """Return the frameworks whose tabs have code that runs, in the order of tabs.

    The list is empty if the page's code needs no framework.
    """
    found = {part.framework for part in parts if part.kind != "text"} - {""}
    return sorted(found, key=list(FRAMEWORKS).index)


def program(parts: Iterable[Part], framework: str) -> list[Part]:
    """Return the parts of a page that run in a framework, in their order."""
    return [part for part in parts if part.kind != "text" and part.framework in {"", framework}]


def unlike_tabs(page: str) -> list[str]:
    """Return a line for each tab that shows other results than the first tab of its set."""
    found = []
    for tabs in _SETS.finditer(page):
        parts = [part for part in read_parts(tabs[1]) if part.kind == "pycon"]
        shown = {
            name: _results(part for part in parts if part.framework == name)
            for name in framework_names(parts)
        }
        for name, results in shown.items():
            if results != next(iter(shown.values())):
                line = page.count("\n", 0, tabs.start()) + 1
                found.append(f"line {line}: {name} shows other results than {next(iter(shown))}")
    return found


def split_examples(text: str, line: int = 0) -> list[Chunk]:
    """Return the code of a `pycon` block up to each output; `line` is where the block begins."""
    found, code = [], ""
    for example in doctest.DocTestParser().get_examples(text):
        after_a_block = code.rpartition("\n")[0].rpartition("\n")[2].startswith(" ")
        is_apart = after_a_block or example.source.startswith(("def ", "class ", "@"))
        code += "\n" * bool(code and is_apart) + example.source
        if example.want:
            output, at = example.want.rstrip("\n"), line + example.lineno
            found.append(Chunk(code.rstrip("\n"), output, at, bool(example.exc_msg)))
            code = ""
    return [*found, *([Chunk(code.rstrip("\n"))] if code else [])]


def _results(parts: Iterable[Part]) -> list[str]:
    parse = doctest.DocTestParser().get_examples
    return [example.want for part in parts for example in parse(part.text) if example.want]


def _parts(page: str) -> Iterator[Part]:
    kind: Kind = "text"
    framework = name = ""
    lines: list[str] = []
    start = 1
    for number, line in enumerate(page.splitlines(keepends=True), 1):
        opened = FENCE.match(line.rstrip()) if kind == "text" else None
        closed = kind != "text" and line.rstrip() == "```"
        tab = _tab(line, framework) if kind == "text" else framework
        if not opened and not closed and tab == framework:
            lines.append(line)
            continue
        yield Part(kind, "".join(lines), start, framework, name)
        lines = [line] if not opened and not closed else []
        start = number + (opened is not None or closed)
        kind, name = _opened(opened)
        framework = tab
    yield Part(kind, "".join(lines), start, framework, name)


def _opened(fence: re.Match[str] | None) -> tuple[Kind, str]:
    if not fence:
        return "text", ""
    return ("pycon", "") if fence[1] else ("measured", fence[3])


def _tab(line: str, framework: str) -> str:
    if found := _TAB.match(line.rstrip()):
        return found[1]
    return "" if line.rstrip() in {":::", "::::"} else framework


def measurements(lines: Sequence[str]) -> dict[str, float]:
    """Return the numbers of a measured block, which prints `LABEL NUMBER` lines."""
    pairs = (line.rsplit(maxsplit=1) for line in lines if line.strip())
    return {label: float(number) for label, number in pairs}
