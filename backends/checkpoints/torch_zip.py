"""What torch.save writes since PyTorch 1.6: a zip archive of a pickle and the tensors' numbers.

The pickle is read as data, so PyTorch isn't asked.
"""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING, Any, Final

from gateparity.backends.checkpoints.archive import is_zip, open_archive
from gateparity.backends.checkpoints.format import Format
from gateparity.backends.checkpoints.pickles import LARGEST
from gateparity.backends.checkpoints.torch_pickle import read_torch_pickle
from gateparity.backends.checkpoints.torch_tensors import NAME, state_dict

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.backends.checkpoints.archive import Archive
    from gateparity.backends.checkpoints.contents import Contents
    from gateparity.backends.checkpoints.source import Source
    from gateparity.backends.checkpoints.torch_tensors import ReadStorage, Storage

SHOWN: Final = 4  # members that an error lists


def find_root(archive: Archive) -> str:
    """Return the folder in which an archive of PyTorch has all its members, "model/"."""
    roots = [name.removesuffix("data.pkl") for name in archive.members if _is_pickle(name)]
    if len(roots) != 1:
        names = ", ".join([*archive.members][:SHOWN])
        raise ValueError(
            "a zip archive without the member data.pkl that torch.save writes, and with "
            f"{len(archive.members)} others: unpack it first if a model is one of them ({names})"
        )
    return roots[0]


def read_part(
    archive: Archive,
    pickle: str,
    folder: str,
    find_global: Callable[[str], object] | None = None,
) -> tuple[Any, ReadStorage, str]:
    """Return what a member holds, how its storages in a folder are read, and the order of bytes."""
    value = read_torch_pickle(io.BytesIO(archive.read(pickle, LARGEST)), find_global)

    @functools.lru_cache(maxsize=1)  # an LSTM that was on a GPU is one storage
    def read(storage: Storage) -> bytes:
        return archive.read(folder + storage.key)

    big = archive.members.get(find_root(archive) + "byteorder")
    order = ">" if big and archive.read(big.filename, 100) == b"big" else "<"
    return value, read, order


def _is_pickle(name: str) -> bool:
    folder, _, member = name.partition("/")
    return bool(folder) and member == "data.pkl"


def _read(source: Source) -> Contents:
    archive = open_archive(source)
    root = find_root(archive)
    value, read, order = read_part(archive, f"{root}data.pkl", f"{root}data/")
    return state_dict(value, read, source.size, order)


# After the formats that look at the members.
FORMATS: Final = (Format(NAME, is_zip, _read, ".pt", order=1),)
