"""Drawings of the lessons: ` ```{drawing} NAME ` and a caption, which says what to notice.

The build makes each drawing. One that can't be made ends the build with the page's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from _extensions.drawings import draw

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the extension to Sphinx, which calls this function."""
    app.add_directive("drawing", Drawing)
    app.add_css_file("drawings.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class Drawing(SphinxDirective):
    """A drawing with its caption."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the drawing in a box that scrolls by itself, and the caption below."""
        caption = self.parse_text_to_nodes("\n".join(self.content).removeprefix("Caption: "))
        opened, closed = (
            f'<figure class="drawing"><div class="sheet" tabindex="0">{self._draw()}</div>',
            "</figure>",
        )
        return [
            nodes.raw("", f"{opened}<figcaption>", format="html"),
            *caption,
            nodes.raw("", f"</figcaption>{closed}", format="html"),
        ]

    def _draw(self) -> str:
        name, page = self.arguments[0], self.env.docname
        try:
            return draw(name)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise ExtensionError(f"{page}: the drawing {name!r} can't be made: {reason}") from error
