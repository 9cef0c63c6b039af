"""Replaces `<!-- mistakes -->` on the page of mistakes by the catalogue, family by family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateparity.conformance.mistakes.catalogue import CATALOGUE
from gateparity.conformance.requirements.checks import CHECKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

    from gateparity.conformance.mistakes.mistake import Mistake

_MARK: Final = "The list is on the site.\n\n<!-- mistakes -->"


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the extension to Sphinx, which calls this function."""
    app.connect("source-read", _insert)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _insert(_: Sphinx, __: str, source: list[str]) -> None:
    if _MARK in source[0]:
        source[0] = source[0].replace(_MARK, "\n\n".join(_families()))


def _families() -> Iterator[str]:
    families: dict[str, dict[tuple[str, str], list[Mistake]]] = {}
    for mistake in CATALOGUE:
        alike = families.setdefault(mistake.family, {})
        alike.setdefault((mistake.violates, _caught_by(mistake)), []).append(mistake)
    yield f"The catalogue has {len(CATALOGUE)} mistakes in {len(families)} families."
    for family, alike in families.items():
        yield f"## {family}"
        for (violates, checks), mistakes in alike.items():
            yield f"What is wrong: {violates}. Caught by {checks}. The LSTM behaves exactly as if"
            yield "\n".join(f"- {mistake.words}" for mistake in mistakes)


def _caught_by(mistake: Mistake) -> str:
    return ", ".join(f"`{name}`" for name in CHECKS if name in mistake.checks)
