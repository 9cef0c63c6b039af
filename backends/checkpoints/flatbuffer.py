"""Tables of a flatbuffer, found in a file by their places; only what is asked for is read.

Source: https://flatbuffers.dev/internals.
"""

from __future__ import annotations

import dataclasses
import struct
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateparity.backends.checkpoints.source import Source

MANY: Final = 100_000  # elements of a vector that are looked at
LONGEST: Final = 1_000  # bytes of a text


@dataclasses.dataclass(frozen=True)
class Table:
    """A table that begins at a place; its fields have numbers, and any may be absent."""

    source: Source
    place: int

    def number(self, field: int, kind: str, default: float = 0) -> Any:
        """Return a number by its letter of `struct`."""
        place = self._find(field)
        return default if place is None else _unpack(self.source, place, kind)[0]

    def table(self, field: int) -> Table | None:
        """Return the table that a field leads to."""
        place = self._find(field)
        return None if place is None else Table(self.source, _follow(self.source, place))

    def vector(self, field: int) -> tuple[int, int]:
        """Return where the elements of a vector begin, and their count."""
        place = self._find(field)
        if place is None:
            return 0, 0
        start = _follow(self.source, place)
        return start + 4, _unpack(self.source, start, "I")[0]

    def numbers(self, field: int, kind: str, most: int = MANY) -> tuple[Any, ...]:
        """Return the numbers of a vector. Raise `ValueError` if it has more than `most`."""
        start, count = self.vector(field)
        _check(count, most)
        return _unpack(self.source, start, f"{count}{kind}") if count else ()

    def tables(self, field: int) -> Iterator[Table]:
        """Yield the tables of a vector."""
        start, count = self.vector(field)
        _check(count, MANY)
        for place in range(start, start + 4 * count, 4):
            yield Table(self.source, _follow(self.source, place))

    def text(self, field: int) -> str:
        """Return a text, cut where it is longer than any name."""
        start, count = self.vector(field)
        data = self.source.part(start, min(count, LONGEST))
        return data.decode("utf-8", "backslashreplace")

    def _find(self, field: int) -> int | None:
        """Return the place of a field, or None where the table leaves it out."""
        fields = self.place - _unpack(self.source, self.place, "i")[0]
        entry = 4 + 2 * field
        if entry + 2 > _unpack(self.source, fields, "H")[0]:
            return None
        offset = _unpack(self.source, fields + entry, "H")[0]
        return self.place + offset if offset else None


def root(source: Source) -> Table:
    """Return the outermost table of a file."""
    return Table(source, _follow(source, 0))


def _follow(source: Source, place: int) -> int:
    return int(place + _unpack(source, place, "I")[0])


def _unpack(source: Source, place: int, kind: str) -> tuple[Any, ...]:
    return struct.unpack(f"<{kind}", source.part(place, struct.calcsize(f"<{kind}")))


def _check(count: int, most: int) -> None:
    if count > most:
        raise ValueError(f"damaged: a vector of {count} elements, expected at most {most}")
