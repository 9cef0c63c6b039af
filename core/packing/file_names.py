"""The names that a framework's own files have for the arrays of a layout."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class FileNames:
    """Names of a layout's tensors, in their order, as models of the framework have them.

    `key` is a short name for these names, and `where` says in words where they are found. `one` are
    the names in an LSTM of one direction and `both` those in both, with the parts that an
    `ArraySpec` may hold; `directions` are the texts for `{direction}`.
    """

    key: str
    where: str
    one: tuple[str, ...]
    both: tuple[str, ...]
    directions: tuple[str, ...] = ("forward", "backward")


def name_files(key: str, where: str, one: str, both: str, ends: tuple[str, ...]) -> FileNames:
    """Return file names that begin with `one` or `both`, and end as each tensor's do."""
    names = (tuple(start + end for end in ends) for start in (one, both))
    return FileNames(key, where, *names)
