"""What torch.save wrote before PyTorch 1.6: pickles in a row, and the numbers of the tensors.

Such a file is three short pickles, the pickle of what was saved, the list of its storages' keys,
and, for each key, how many numbers there are and the numbers.
Source: `_legacy_load` in https://github.com/pytorch/pytorch/blob/main/torch/serialization.py.
"""

from __future__ import annotations

import functools
import io
import re
import struct
from typing import TYPE_CHECKING, Any, Final

from gateparity.backends.checkpoints.format import Format
from gateparity.backends.checkpoints.pickles import LARGEST
from gateparity.backends.checkpoints.torch_pickle import read_torch_pickle
from gateparity.backends.checkpoints.torch_tensors import NAME, state_dict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateparity.backends.checkpoints.contents import Contents
    from gateparity.backends.checkpoints.source import Source
    from gateparity.backends.checkpoints.torch_tensors import Storage

# The number 0x1950a86a20f9469cfc6c, in protocol 2; protocols 4 and 5 put frames around it.
MAGIC: Final = re.compile(
    rb"\x80[\x02-\x05](\x95.{8})?\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19\.", re.DOTALL
)
COUNT: Final = 8  # bytes of the count that stands before each storage's numbers


def _read(source: Source) -> Contents:
    file = io.BytesIO(source.part(0, min(source.size, LARGEST)))
    _magic, _protocol, machine = (read_torch_pickle(file) for _ in range(3))
    storages: dict[str, Storage] = {}
    value = read_torch_pickle(file, storages=storages)
    keys = read_torch_pickle(file)
    big = isinstance(machine, dict) and machine.get("little_endian") is False
    order = ">" if big else "<"
    places = dict(_places(source, file.tell(), keys, storages, order))
    if absent := sorted(storages.keys() - places.keys()):
        raise ValueError(f"it declares storage {absent[0]!r} and holds no numbers for it")

    @functools.lru_cache(maxsize=1)
    def read(storage: Storage) -> bytes:
        return source.part(places[storage.key], storage.size)

    return state_dict(value, read, source.size, order)


def _places(
    source: Source, place: int, keys: Any, storages: Mapping[str, Storage], order: str
) -> Iterator[tuple[str, int]]:
    """Yield where the numbers of each storage begin."""
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise ValueError("it has no list of its storages")
    for key in keys:
        if key not in storages:
            raise ValueError(f"it holds numbers for storage {key!r} and declares no such storage")
        (count,) = struct.unpack(f"{order}q", source.part(place, COUNT))
        if count != storages[key].count:
            declared = storages[key].count
            raise ValueError(f"storage {key!r} has {count} numbers, {declared} are declared")
        if storages[key].size > source.size - place - COUNT:
            raise ValueError(f"damaged or truncated: storage {key!r} ends behind the file")
        yield key, place + COUNT
        place += COUNT + storages[key].size


FORMATS: Final = (
    Format(
        NAME,
        lambda source: bool(MAGIC.match(source.head)),
        _read,
        ".pt",
    ),
)
