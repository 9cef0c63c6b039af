"""The one rule for what a command writes: no file is replaced that the user could miss.

A file is replaced if gateparity wrote it and it is of the same kind, or with `--force`. An input of
the same command is never replaced. An empty file, a pipe and a device are free. The rule is applied
before the work, so that a run of minutes isn't lost, and again when the result is written.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

from gateparity.conformance.storage.kinds import mark_json, mark_text, recognise
from gateparity.errors import InputError
from gateparity.files import check_writable, follow, is_stream, status, write_bytes, write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from gateparity.conformance.storage.kinds import Kind


class OutputFiles:
    """The files that a command is to write, each by the option that names it.

    `files` are options, each with a path, or None, and a kind; an option may come more than once.
    `inputs` are the files that the command reads. Raises `InputError`, in one line, for a path that
    can't be written, a file that the rule keeps, and two options that name one file.
    """

    def __init__(
        self,
        files: Iterable[tuple[str, Path | None, Kind]],
        inputs: Iterable[Path | None] = (),
        *,
        force: bool = False,
    ) -> None:
        self._files = [(option, path, kind) for option, path, kind in files if path]
        self._inputs = [path for path in inputs if path]
        self._force = force
        for file in self._files:
            self._check(*file)
        self._require_distinct()

    def write_json(self, option: str, data: Mapping[str, Any]) -> None:
        """Write what the option asks for, if it was given."""
        self.write_texts(option, lambda kind: mark_json(kind, data), mark=False)

    def write_text(self, option: str, text: str) -> None:
        """Write what the option asks for, if it was given."""
        self.write_texts(option, lambda _: text)

    def write_texts(self, option: str, make: Callable[[Kind], str], *, mark: bool = True) -> None:
        """Write the text that `make` returns for the kind of each file of an option."""
        for path, kind in self._named(option):
            text = make(kind)
            write_text(path, mark_text(kind, text) if mark else text)

    def write_bytes(self, option: str, data: bytes) -> None:
        """Write data that says its kind itself, if the option was given."""
        for path, _ in self._named(option):
            write_bytes(path, data)

    def _named(self, option: str) -> Iterator[tuple[Path, Kind]]:
        for name, path, kind in self._files:
            if name == option:
                self._check(name, path, kind)
                yield path, kind

    def _check(self, option: str, path: Path, kind: Kind) -> None:
        check_output(option, path, kind, self._inputs, force=self._force)

    def _require_distinct(self) -> None:
        seen: dict[str, str] = {}
        for option, path, _ in self._files:
            found = status(path)
            if found is None or not is_stream(found):
                if first := seen.get(os.path.realpath(path)):
                    raise InputError(
                        f"{first} and {option} name one file, {path}: expected one for each"
                    )
                seen[os.path.realpath(path)] = option


def check_output(
    option: str, path: Path, kind: Kind, inputs: Iterable[Path] = (), *, force: bool = False
) -> None:
    """Raise `InputError` if a file of this kind can't go to `path` without a loss."""
    found = status(path)
    if found is None:
        check_writable(follow(path))
        return
    if any(_is_same(found, read) for read in inputs):
        raise InputError(
            f"{option} {path} is an input of this command, which is never replaced: "
            "choose another name"
        )
    if is_stream(found):
        return
    check_writable(follow(path))
    if _holds_data(found) and not force and (held := recognise(path)) != kind:
        what = f"gateparity wrote it as {held}" if held else "gateparity didn't write it"
        raise InputError(
            f"{option} {path} would replace a file that is no {kind}: {what}; choose another name, "
            "or replace it with --force"
        )


def _is_same(found: os.stat_result, read: Path) -> bool:
    other = status(read)
    return other is not None and os.path.samestat(found, other)


def _holds_data(found: os.stat_result) -> bool:
    """Return whether there is something to lose: a disk's status doesn't have its size."""
    return found.st_size > 0 or stat.S_ISBLK(found.st_mode)
