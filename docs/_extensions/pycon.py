"""Shows a `pycon` block as code that can be copied, without prompts, and its output below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.transforms import SphinxTransform

from _extensions.lesson import split_examples

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the extension to Sphinx, which calls this function."""
    app.add_transform(Split)
    app.add_css_file("code.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class Split(SphinxTransform):
    """Replace each `pycon` block by blocks of code, each with the output that it prints."""

    default_priority = 300

    def apply(self, **_: Any) -> None:
        """Replace the blocks of a page."""
        for block in list(self.document.findall(nodes.literal_block)):
            if block.get("language") == "pycon":
                block.replace_self(_shown(block.astext()))


def output_block(text: str) -> nodes.literal_block:
    """Return what code printed, as a block that has no button to copy."""
    return _block(text, "text", "example-output")


def _shown(text: str) -> nodes.container:
    shown = nodes.container(classes=["example"])
    for chunk in split_examples(text):
        shown += _block(chunk.code, "python", "example-code")
        if chunk.output:
            shown += output_block(chunk.output)
    return shown


def _block(text: str, language: str, name: str) -> nodes.literal_block:
    block = nodes.literal_block(text, text, classes=[name])
    block["language"] = language
    return block
