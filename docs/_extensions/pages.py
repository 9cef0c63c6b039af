"""Lists the pages that index.md doesn't name, where index.md says `(others)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_MARK: Final = "(others)\n"


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the extension to Sphinx, which calls this function."""
    app.connect("source-read", _insert)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _insert(app: Sphinx, page: str, source: list[str]) -> None:
    if page == "index":
        named = {page, *source[0].splitlines()}
        others = sorted(app.project.docnames - named)
        source[0] = source[0].replace(_MARK, "".join(f"{other}\n" for other in others))
