"""A zip archive whose members are read with a limit: nothing inflates beyond what its size allows.

A zip archive declares the size of each member. It is compared with the file's own before a member
is read, and no more than that is inflated.
"""

from __future__ import annotations

import dataclasses
import functools
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.backends.checkpoints.source import Source

MAGIC: Final = b"PK\x03\x04"
ERRORS: Final = (  # what zipfile raises at damaged archives
    zipfile.BadZipFile,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,  # a member that is said to be encrypted, or packed in a way that isn't known
    UnicodeDecodeError,
    ValueError,
    struct.error,
    zlib.error,
)
METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # zipfile inflates others unboundedly
SMALL: Final = 1 << 24  # bytes that any member may inflate to
MOST: Final = 64  # times that a larger one may inflate; weights shrink by a tenth, zeros by 1000
LOCAL_HEADER: Final = struct.Struct("<26xHH")  # its end: lengths of the name and what follows it


@dataclasses.dataclass(frozen=True)
class Archive:
    """An open archive and its members by name."""

    source: Source
    file: zipfile.ZipFile
    members: Mapping[str, zipfile.ZipInfo]

    def read(self, name: str, largest: int | None = None) -> bytes:
        """Return a member's bytes, compared with its checksum if the archive has any.

        Raise `ValueError` for one that isn't there, is damaged, or is larger than it may be.
        """
        member = self._member(name, largest)
        found = self._read(member, member.file_size)
        if len(found) != member.file_size:
            raise ValueError(f"a damaged zip archive: {name} ends early")
        return found

    def start(self, name: str, length: int) -> bytes:
        """Return a member's first bytes, fewer if it is shorter; no checksum is compared."""
        return self._read(self._member(name), length)

    def place(self, name: str) -> tuple[int, int] | None:
        """Return where a member's bytes begin in the file, and how many; None if it is packed."""
        member = self._member(name)
        if member.compress_type != zipfile.ZIP_STORED:
            return None
        header = self.source.part(member.header_offset, LOCAL_HEADER.size)
        start = member.header_offset + LOCAL_HEADER.size + sum(LOCAL_HEADER.unpack(header))
        self.source.part(start + member.file_size, 0)  # which the file has to reach
        return start, member.file_size

    def _member(self, name: str, largest: int | None = None) -> zipfile.ZipInfo:
        if name not in self.members:
            raise ValueError(f"it has no member {name}")
        _check_size(self.members[name], self.source.size, largest)
        return self.members[name]

    def _read(self, member: zipfile.ZipInfo, length: int) -> bytes:
        try:
            with self.file.open(member) as opened:
                return opened.read(length)
        except ERRORS as error:
            raise ValueError(f"a damaged zip archive: {member.filename}: {error}") from None


def is_zip(source: Source) -> bool:
    """Return whether a file begins as a zip archive does."""
    return source.head.startswith(MAGIC)


@functools.lru_cache(maxsize=1)  # several formats ask for the names of one file's members
def open_archive(source: Source) -> Archive:
    """Return the members of an archive. Raise `ValueError` if it is damaged or names one twice."""
    try:
        file = zipfile.ZipFile(source.file)
    except ERRORS as error:
        raise ValueError(f"a damaged or truncated zip archive: {error}") from None
    members = {member.filename: member for member in file.infolist()}
    if len(members) != len(file.infolist()):
        raise ValueError("a zip archive with two members of one name")
    if not any(member.CRC for member in members.values()):
        for member in members.values():  # torch.serialization.set_crc32_options(False)
            member.CRC = None  # type: ignore[assignment]  # zipfile then compares none
    return Archive(source, file, members)


def list_names(source: Source) -> set[str]:
    """Return the names of a zip archive's members, and none for a damaged or another file."""
    try:
        return set(open_archive(source).members) if is_zip(source) else set()
    except ValueError:
        return set()


def _check_size(member: zipfile.ZipInfo, size: int, largest: int | None) -> None:
    packed, whole = member.compress_size, member.file_size
    name = member.filename
    if member.compress_type not in METHODS:
        raise ValueError(f"{name} is packed by method {member.compress_type}, expected 0 or 8")
    if packed > size or member.header_offset > size - packed:
        raise ValueError(f"{name} declares {packed} bytes, more than the file of {size} has left")
    if member.compress_type == zipfile.ZIP_STORED and packed != whole:
        raise ValueError(f"{name} declares {whole} bytes, and holds {packed}")
    if whole > max(SMALL, MOST * packed):
        raise ValueError(f"{name} would inflate from {packed} bytes to {whole}: a zip bomb")
    if largest is not None and whole > largest:
        raise ValueError(f"{name} has {whole} bytes, expected at most {largest}")
