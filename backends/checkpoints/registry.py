"""The known checkpoint formats: `FORMATS` of every module in this folder that has one."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import pkgutil
from typing import TYPE_CHECKING

from gateparity.backends import checkpoints
from gateparity.backends.checkpoints.format import Format, OtherKind
from gateparity.backends.checkpoints.names import find_layers
from gateparity.backends.checkpoints.source import open_source
from gateparity.errors import InputError, explain_import, printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateparity.backends.checkpoints.contents import Contents
    from gateparity.backends.checkpoints.source import AskWorker, Source


@functools.cache
def known_formats() -> list[Format]:
    """Return all formats in the order in which they are asked.

    At one `order`, a format that is read comes before those that are refused: a new module takes
    over a format that was only recognised.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(checkpoints.__path__))
    modules = [importlib.import_module(f"{checkpoints.__name__}.{name}") for name in names]
    formats = [known for module in modules for known in getattr(module, "FORMATS", ())]
    return sorted(formats, key=lambda known: (known.order, known.read is None))


def list_suffixes() -> str:
    """Return the usual suffixes of the formats that can be read, ".pt or .safetensors"."""
    return " or ".join(
        dict.fromkeys(known.suffix for known in known_formats() if known.read and known.suffix)
    )


def find_format(source: Source) -> Format:
    """Return the first format that matches a file's contents; the last one matches any."""
    return next(known for known in known_formats() if known.matches(source))


@contextlib.contextmanager
def open_contents(path: Path, ask: AskWorker) -> Iterator[Contents]:
    """Open a file, whatever its format, and find its recurrent layers.

    Their arrays can be read while it is open. Raise `InputError` in one line, with the file's name,
    for a file that is damaged, or of a format that isn't read.
    """
    with open_source(path, ask) as source:
        try:
            contents = read_contents(source)
        except ValueError as error:
            raise InputError(printable(f"{path}: {error}")) from error
        yield contents


def read_contents(source: Source) -> Contents:
    """Return what a file holds, with its layers found among its arrays by name.

    Raise `ValueError` for a file that is damaged or can't be read.
    """
    try:
        known = find_format(source)
        if known.read:
            found = known.read(source)
            layers = found.layers or find_layers(found.arrays)
            return dataclasses.replace(found, layers=layers)
        if known.advice:
            raise ValueError(f"{known.name}, which isn't read: {known.advice}")
        kind = known.name
    except OtherKind as error:
        kind = str(error)
    except ImportError as error:
        raise explain_import(error) from error
    *first, last = dict.fromkeys(known.name for known in known_formats() if known.read)
    raise ValueError(f"{kind}, expected {', '.join(first)}, or {last}")
