"""What torch.save writes since PyTorch 1.6: a zip archive that compresses nothing.

Its members are checked here, so that unpacking can't make the file larger, and then PyTorch unpacks
them in its own worker.
"""

from __future__ import annotations

import struct
import zipfile
from typing import TYPE_CHECKING, Final, TypeVar

from gateparity.backends.checkpoints.format import Format
from gateparity.backends.checkpoints.torch_legacy import NAME, SUFFIX, ask_pytorch

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.backends.checkpoints.contents import Contents
    from gateparity.backends.checkpoints.source import Source

Found = TypeVar("Found")
MAGIC: Final = b"PK\x03\x04"
ZIP_ERRORS: Final = (  # what zipfile raises at damaged archives
    zipfile.BadZipFile,
    EOFError,
    OSError,
    OverflowError,
    RuntimeError,  # a member that is said to be encrypted, or packed in a way that isn't known
    ValueError,
    struct.error,
)


def list_names(source: Source) -> set[str]:
    """Return the names of a zip archive's members, and none for a damaged or another file."""
    try:
        return set(_inspect(source, zipfile.ZipFile.namelist)) if _is_zip(source) else set()
    except ValueError:
        return set()


def _is_zip(source: Source) -> bool:
    return source.head.startswith(MAGIC)


def _read(source: Source) -> Contents:
    _check_members(source)
    return ask_pytorch(source)


def _check_members(source: Source) -> None:
    """Raise `ValueError` for a compressed archive: torch.save stores its members uncompressed."""
    members = _inspect(source, zipfile.ZipFile.infolist)
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
            raise ValueError(
                f"{member.filename} is compressed in it, and torch.save compresses nothing"
            )
    total = sum(member.file_size for member in members)
    if total > source.size:
        raise ValueError(f"its members declare {total} bytes, more than the file's {source.size}")
    if any(member.CRC for member in members):  # set_crc32_options(False) leaves them all at 0
        _check_crcs(source)


def _check_crcs(source: Source) -> None:
    """Refuse a member whose checksum isn't that of its contents: PyTorch itself compares none."""
    damaged = _inspect(source, zipfile.ZipFile.testzip)
    if damaged is not None:
        raise ValueError(f"a damaged file of torch.save: {damaged} has another checksum (CRC)")


def _inspect(source: Source, method: Callable[[zipfile.ZipFile], Found]) -> Found:
    try:
        with zipfile.ZipFile(source.file) as archive:
            return method(archive)
    except ZIP_ERRORS as error:
        raise ValueError(f"a damaged or truncated file of torch.save: {error}") from None


# After the formats that look at the members.
FORMATS: Final = (Format(NAME, _is_zip, _read, SUFFIX, order=1),)
