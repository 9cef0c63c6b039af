"""The page on speed: `<!-- sizes -->` and `<!-- targets -->` become tables of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.conformance.bench.sizes import SIZES
from gateparity.conformance.bench.targets import OPERATIONS, find_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sphinx.application import Sphinx

_SIZES: Final = "<!-- sizes -->"
_TARGETS: Final = "<!-- targets -->"


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the extension to Sphinx, which calls this function."""
    app.connect("source-read", _insert)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _insert(_: Sphinx, __: str, source: list[str]) -> None:
    source[0] = source[0].replace(_SIZES, _sizes()).replace(_TARGETS, _targets())


def _sizes() -> str:
    rows = [[name, s.steps, s.batch, s.inputs, s.hidden] for name, s in SIZES.items()]
    return _table(("size", "T", "B", "I", "H"), rows)


def _targets() -> str:
    rows = []
    for name, framework in FRAMEWORKS.items():
        ratios = [find_target(f"{name}:scratch", each, "framework") for each in OPERATIONS]
        own = find_target(f"{name}:scratch", OPERATIONS[0], "own")
        if own is not None:
            rows.append([framework.title, *ratios, own])
    return _table(("framework", *OPERATIONS, "own cost"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
