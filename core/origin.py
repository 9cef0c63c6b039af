"""Where a layout is from: what a person needs to trust it, and no map reads."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where a layout is from, and what is known of it beyond its arrays.

    `title` is the class or function, `source` the URL that documents it, `version` the release
    that it was checked against. `states` is the order of the states there. `unverified` is the
    reason why no test of ours runs it in the framework itself; empty where one does. `limits` are
    sentences on what the framework has and this layout has no place for.
    """

    title: str
    source: str
    version: str
    states: str = "h, c"
    unverified: str = ""
    limits: tuple[str, ...] = ()
