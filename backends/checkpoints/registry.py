"""The known checkpoint formats: `FORMATS` of every module in this folder that has one."""

from __future__ import annotations

import functools
import importlib
import pkgutil

from gateparity.backends import checkpoints
from gateparity.backends.checkpoints.format import Arrays, Format, LoadTorch, OtherKind


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
    return " or ".join(dict.fromkeys(known.suffix for known in known_formats() if known.read))


def find_format(data: bytes) -> Format:
    """Return the first format that matches a file's contents; the last one matches any."""
    return next(known for known in known_formats() if known.matches(data))


def read_arrays(data: bytes, load_torch: LoadTorch) -> Arrays:
    """Return the arrays of a file. Raise `ValueError` for one that is damaged or can't be read."""
    known = find_format(data)
    try:
        if known.read:
            return known.read(data, load_torch)
        kind = known.name
    except OtherKind as error:
        kind = str(error)
    *first, last = dict.fromkeys(known.name for known in known_formats() if known.read)
    raise ValueError(f"{kind}, expected {', '.join(first)}, or {last}")
