"""Typed access to the JSON metadata of an untrusted file; a wrong entry is refused by name."""

from __future__ import annotations

import dataclasses
import reprlib
from typing import TYPE_CHECKING, Any, Final

from gateparity.errors import InputError, printable

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST: Final = 4096  # characters of a text
_ENTRIES: Final = 128  # texts beside each other
_LARGEST: Final = 2.0**63  # number


@dataclasses.dataclass(frozen=True)
class Metadata:
    """A JSON object. Every method raises `InputError` for an entry of another kind."""

    found: Mapping[str, Any]

    def text(self, key: str) -> str:
        """Return a printable text: no line breaks, and no control codes for a terminal."""
        text = self.found.get(key)
        if not isinstance(text, str) or not text.isprintable() or len(text) > _LONGEST:
            raise InputError(
                f"{key} is {reprlib.repr(text)}, expected {_LONGEST} printable characters at most"
            )
        return text

    def texts(self, key: str) -> dict[str, str]:
        """Return a mapping of printable names to printable texts."""
        found = self.found.get(key)
        if not isinstance(found, dict) or len(found) > _ENTRIES:
            raise InputError(
                f"{key} is {reprlib.repr(found)}, expected {_ENTRIES} texts at most, by name"
            )
        return {Metadata({"name": name}).text("name"): Metadata(found).text(name) for name in found}

    def names(self, key: str) -> list[str]:
        """Return a list of printable names without duplicates."""
        names = self.found.get(key)
        if not isinstance(names, list) or not _are_names(names):
            raise InputError(
                f"{key} is {reprlib.repr(names)}, expected a list of printable names, each once"
            )
        return names

    def count(self, key: str) -> int:
        """Return an integer of at least 0."""
        number = self.found.get(key)
        if type(number) is not int or number < 0:
            raise InputError(f"{key} is {reprlib.repr(number)}, expected an integer of at least 0")
        return number

    def number(self, key: str) -> float:
        """Return a finite number of at least 0."""
        number = self.found.get(key)
        if type(number) not in (int, float) or not 0 <= number < _LARGEST:  # type: ignore[operator]
            raise InputError(f"{key} is {reprlib.repr(number)}, expected a number of at least 0")
        return float(number)  # type: ignore[arg-type]

    def numbers(self, key: str) -> dict[str, float]:
        """Return a mapping of printable names to finite numbers of at least 0."""
        found = self.found.get(key)
        if not isinstance(found, dict) or len(found) > _ENTRIES:
            raise InputError(
                f"{key} is {reprlib.repr(found)}, expected {_ENTRIES} numbers at most, by name"
            )
        return {
            Metadata({"name": name}).text("name"): Metadata(found).number(name) for name in found
        }

    def flag(self, key: str) -> bool:
        """Return the boolean of this key; raise `InputError` for anything else."""
        flag = self.found.get(key)
        if not isinstance(flag, bool):
            raise InputError(f"{key} is {reprlib.repr(flag)}, expected true or false")
        return flag

    def objects(self, key: str) -> list[Metadata]:
        """Return a list of objects, each with the same typed access."""
        found = self.found.get(key)
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise InputError(f"{key} is {reprlib.repr(found)}, expected a list of objects")
        return [Metadata(item) for item in found]

    def fields(self, key: str, of: type[Any]) -> dict[str, Any]:
        """Return an object that has exactly the fields of a dataclass."""
        found, expected = self.found.get(key), sorted(f.name for f in dataclasses.fields(of))
        if not isinstance(found, dict) or sorted(found) != expected:
            raise InputError(
                f"{key} is {reprlib.repr(found)}, expected an object of {', '.join(expected)}"
            )
        return found


def writable(text: str) -> str:
    """Return a text that `Words.text` accepts: printable, and cut to the longest length."""
    return printable(text)[:_LONGEST]


def writable_texts(texts: Mapping[str, str]) -> dict[str, str]:
    """Return texts that `Words.texts` accepts."""
    return {writable(name): writable(texts[name]) for name in list(texts)[:_ENTRIES]}


def _are_names(found: list[Any]) -> bool:
    plain = all(isinstance(name, str) and name.isprintable() for name in found)
    return plain and len(set(found)) == len(found)
