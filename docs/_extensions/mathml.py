"""Formulas as MathML, which browsers draw natively: no script, no font, no download."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import latex2mathml.converter

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the extension to Sphinx, which calls this function."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _inline(writer: HTML5Translator, node: nodes.math) -> None:
    writer.body.append(latex2mathml.converter.convert(node.astext()))
    _skip()


def _block(writer: HTML5Translator, node: nodes.math_block) -> None:
    formula = latex2mathml.converter.convert(node.astext(), display="block")
    writer.body.append(f'<div class="math">{formula}</div>\n')
    _skip()


def _skip() -> None:
    from docutils import nodes

    raise nodes.SkipNode
