"""Checks the files and anchors that every page links to: a broken link is a warning."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup
from sphinx.util import logging

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

_LOG: Final = logging.getLogger(__name__)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the extension to Sphinx, which calls this function."""
    app.connect("build-finished", _check, priority=900)  # after those that write more files
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _check(app: Sphinx, exception: Exception | None) -> None:
    if not exception:
        for page, link in broken_links(Path(app.outdir)):
            _LOG.warning("a link leads nowhere: %s", link, location=page)


def broken_links(site: Path) -> Iterator[tuple[str, str]]:
    """Yield the page and the address of each link within a site that has no file or no anchor."""
    pages = {path: _read(path) for path in site.resolve().rglob("*.html")}
    for page, (links, _) in pages.items():
        for link in links:
            address = urlsplit(link)
            if address.scheme or address.netloc:
                continue
            target = (page.parent / unquote(address.path)).resolve() if address.path else page
            _, anchors = pages.get(target, ([], set()))
            known = not address.fragment or unquote(address.fragment) in anchors
            if not target.is_file() or not known:
                yield page.relative_to(site.resolve()).with_suffix("").as_posix(), link


def _read(path: Path) -> tuple[list[str], set[str]]:
    """Return the links of a page, and its anchors."""
    soup = BeautifulSoup(path.read_text("utf-8"), "html.parser")
    links = [str(tag["href"]) for tag in soup.select("a[href], link[href]")]
    links += [str(tag["src"]) for tag in soup.select("[src]")]
    return links, {str(tag["id"]) for tag in soup.select("[id]")}
