"""The page of mistakes: a line `<!-- mistakes -->` becomes the catalogue, family by family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateparity.conformance.mistakes.catalogue import CATALOGUE
from gateparity.conformance.requirements.checks import CHECKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

    from gateparity.conformance.mistakes.mistake import Mistake

_MARK: Final = "On the site the list follows.\n\n<!-- mistakes -->"
_HEAD: Final = "| it behaves exactly as if | what is wrong | caught by |\n|---|---|---|"


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls it."""
    app.connect("source-read", _insert)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _insert(_: Sphinx, __: str, source: list[str]) -> None:
    if _MARK in source[0]:
        source[0] = source[0].replace(_MARK, "\n\n".join(_families()))


def _families() -> Iterator[str]:
    families: dict[str, list[Mistake]] = {}
    for mistake in CATALOGUE:
        families.setdefault(mistake.family, []).append(mistake)
    yield f"{len(CATALOGUE)} mistakes of {len(families)} families."
    for family, mistakes in families.items():
        yield f"## {family}"
        yield "\n".join((_HEAD, *(_row(mistake) for mistake in mistakes)))


def _row(mistake: Mistake) -> str:
    checks = ", ".join(name for name in CHECKS if name in mistake.checks)
    cells = (mistake.words, mistake.violates, checks)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
