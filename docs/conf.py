"""Sphinx configuration for the site: `tox -e docs`. Nothing is fetched, at build time or later."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for the extensions beside this file

project = "gateparity"
copyright = "the gateparity authors"  # noqa: A001 (Sphinx's name)
release = importlib.metadata.version("gateparity")

extensions = [
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "_extensions.commands",
    "_extensions.drawing",
    "_extensions.glance",
    "_extensions.links",
    "_extensions.examples",
    "_extensions.pages",
    "_extensions.printed",
    "_extensions.pycon",
    "_extensions.mathml",
    "_extensions.mistakes",
    "_extensions.notebooks",
    "_extensions.reports",
    "_extensions.targets",
]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
exclude_patterns = ["_*"]

default_role = "code"  # docstrings are Markdown: `name` is code
smartquotes = False  # a command must be copied as it is

html_theme = "furo"
pygments_dark_style = "github-dark"
html_title = "gateparity"
html_static_path = ["_static"]
copybutton_selector = "div:not(.example-output) > div.highlight pre"
copybutton_prompt_text = "$ "
html_math_renderer = "mathml"
html_show_sphinx = False
html_show_copyright = False

autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
nitpick_ignore_regex = [("py:.*", r"(?!gateparity\.).*")]  # other packages' names: no inventory
