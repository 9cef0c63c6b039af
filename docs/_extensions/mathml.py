"""Formulas as MathML, which browsers draw natively: no script, no font, no download.

Lines of `aligned` are rows of a table. The style sheet gives them space and aligns them, since
browsers read neither from attributes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import latex2mathml.converter

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator

_FUNCTION: Final = re.compile(r"(<mi>[a-z]{2,}</mi>)(?=<m(?!o))")  # tanh before its argument


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the extension to Sphinx, which calls this function."""
    app.add_css_file("equations.css")
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _inline(writer: HTML5Translator, node: nodes.math) -> None:
    writer.body.append(latex2mathml.converter.convert(node.astext()))
    _skip()


def _block(writer: HTML5Translator, node: nodes.math_block) -> None:
    formula = latex2mathml.converter.convert(
        node.astext().replace("{aligned}", "{align*}"),  # the converter knows the latter alone
        display="block",
    )
    formula = _FUNCTION.sub(r'\1<mspace width="0.17em"/>', formula)
    writer.body.append(f'<div class="math">{formula}</div>\n')
    _skip()


def _skip() -> None:
    from docutils import nodes

    raise nodes.SkipNode
