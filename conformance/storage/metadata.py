"""Typed access to the JSON metadata of an untrusted file; a wrong entry is refused by name."""

from __future__ import annotations

import dataclasses
import reprlib
from typing import TYPE_CHECKING, Any, Final, TypeGuard, TypeVar

from gateparity.errors import InputError, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_LONGEST: Final = 4096  # characters of a text
_ENTRIES: Final = 128  # entries of an object whose names the file chooses
_LARGEST: Final = 2.0**63  # number
T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Metadata:
    """A JSON object. Every method raises `InputError` for an entry of another kind."""

    found: Mapping[str, Any]

    def text(self, key: str) -> str:
        """Return a printable text: no line breaks, and no control codes for a terminal."""
        return self._take(key, f"{_LONGEST} printable characters at most", _is_text)

    def choice(self, key: str, known: Sequence[str]) -> str:
        """Return one of the known texts."""
        if (text := self.text(key)) not in known:
            raise InputError(f"{key} is {text!r:.80}, expected one of {', '.join(known)}")
        return text

    def names(self, key: str) -> list[str]:
        """Return a list of printable names without duplicates."""
        return self._take(key, "a list of printable names, each once", _are_names)

    def count(self, key: str) -> int:
        """Return an integer of at least 0."""
        return self._take(key, "an integer of at least 0", _is_count)

    def number(self, key: str) -> float:
        """Return a finite number of at least 0."""
        return float(self._take(key, "a number of at least 0", _is_number))

    def flag(self, key: str) -> bool:
        """Return the boolean of this key; raise `InputError` for anything else."""
        return self._take(key, "true or false", _is_flag)

    def objects(self, key: str) -> list[Metadata]:
        """Return a list of objects, each with the same typed access."""
        return [Metadata(item) for item in self._take(key, "a list of objects", _are_objects)]

    def mapping(self, key: str) -> dict[str, Any]:
        """Return an object with printable names and values of any kind."""
        return self._take(key, f"an object of {_ENTRIES} printable names at most", _is_mapping)

    def texts(self, key: str) -> dict[str, str]:
        """Return a mapping of printable names to printable texts."""
        held = Metadata(self.mapping(key))
        return {name: held.text(name) for name in held.found}

    def numbers(self, key: str) -> dict[str, float]:
        """Return a mapping of printable names to finite numbers of at least 0."""
        held = Metadata(self.mapping(key))
        return {name: held.number(name) for name in held.found}

    def fields(self, key: str, of: type[Any]) -> dict[str, Any]:
        """Return an object that has exactly the fields of a dataclass."""
        expected = sorted(field.name for field in dataclasses.fields(of))
        found = self.found.get(key)
        if not isinstance(found, dict) or sorted(found) != expected:
            raise InputError(
                f"{key} is {reprlib.repr(found)}, expected an object of {', '.join(expected)}"
            )
        return found

    def _take(self, key: str, expected: str, fits: Callable[[Any], TypeGuard[T]]) -> T:
        found = self.found.get(key)
        if not fits(found):
            raise InputError(f"{key} is {reprlib.repr(found)}, expected {expected}")
        return found


def writable(text: str) -> str:
    """Return a text that `Metadata.text` accepts: printable, and cut to the longest length."""
    return printable(text)[:_LONGEST]


def writable_texts(texts: Mapping[str, str]) -> dict[str, str]:
    """Return texts that `Metadata.texts` accepts."""
    return {writable(name): writable(texts[name]) for name in list(texts)[:_ENTRIES]}


def _is_text(found: object) -> TypeGuard[str]:
    return isinstance(found, str) and found.isprintable() and len(found) <= _LONGEST


def _is_count(found: object) -> TypeGuard[int]:
    return type(found) is int and found >= 0


def _is_number(found: object) -> TypeGuard[float]:
    return type(found) in (int, float) and 0 <= found < _LARGEST  # type: ignore[operator]


def _is_flag(found: object) -> TypeGuard[bool]:
    return isinstance(found, bool)


def _is_mapping(found: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(found, dict) and len(found) <= _ENTRIES and all(map(_is_text, found))


def _are_names(found: object) -> TypeGuard[list[str]]:
    return isinstance(found, list) and all(map(_is_text, found)) and len(set(found)) == len(found)


def _are_objects(found: object) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(found, list) and all(isinstance(item, dict) for item in found)
