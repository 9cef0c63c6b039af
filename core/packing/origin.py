"""The origin of a layout: facts for people, which no conversion uses."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Origin:
    """The source of a layout, and what is known about it beyond its arrays.

    `title` is the class or function, `source` the URL that documents it, `version` the release that
    it was checked against. `states` is the order of the states there. `unverified` is the reason
    why no test runs it in the framework itself, empty if one does. `limits` are sentences on what
    the framework has and the layout can't hold.
    """

    title: str
    source: str
    version: str
    states: str = "h, c"
    unverified: str = ""
    limits: tuple[str, ...] = ()
