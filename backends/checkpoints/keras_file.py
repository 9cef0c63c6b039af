"""Keras 3's `.keras`: a zip archive with the model's config, as JSON, and its weights, as HDF5.

The config is read as data, and the weights where they lie in the archive. Source:
https://keras.io/guides/serialization_and_saving.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateparity.backends.checkpoints.format import Format
from gateparity.backends.checkpoints.hdf5 import Hdf5, read_hdf5
from gateparity.backends.checkpoints.hdf5_file import keras_contents, read_config
from gateparity.backends.checkpoints.torch_zip import ZIP_ERRORS, list_names
from gateparity.errors import printable

if TYPE_CHECKING:
    from gateparity.backends.checkpoints.contents import Contents
    from gateparity.backends.checkpoints.source import Source

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
MOST_TEXT: Final = 64 << 20  # bytes of a config
MOST_PACKED: Final = 50  # times that weights may grow when they inflate, beyond a small file
SMALL: Final = 64 << 20
LOCAL_HEADER: Final = struct.Struct("<26xHH")  # the lengths of the name and of what follows it
NO_ORDER: Final = "its config lists no layers: they are sorted by name and number"


def matches(source: Source) -> bool:
    """Return whether a file is a zip archive with a config and weights in HDF5."""
    members = list_names(source)
    return CONFIG in members and any(name.endswith(".h5") for name in members)


def read(source: Source) -> Contents:
    """Return the arrays and the layers of a model. Raise `ValueError` if it is damaged."""
    try:
        with zipfile.ZipFile(source.file) as archive:
            config = _read_text(archive, CONFIG)
            version = _version(_read_text(archive, METADATA))
            found = _read_weights(source, archive)
    except ZIP_ERRORS as error:
        raise ValueError(f"a damaged or truncated Keras model: {error}") from None
    notes = list(found.notes)
    layers = read_config(config, notes)
    if not layers:
        notes.append(NO_ORDER)
    return keras_contents(f"Keras {version}, a whole model", found, layers, notes)


def _read_text(archive: zipfile.ZipFile, name: str) -> str:
    """Return a text of the archive, or an empty one where it has none of that name."""
    if name not in archive.namelist():
        return ""
    size = archive.getinfo(name).file_size
    if size > MOST_TEXT:
        raise ValueError(f"{name} declares {size} bytes, expected at most {MOST_TEXT}")
    return archive.read(name).decode("utf-8", "replace")


def _version(metadata: str) -> str:
    try:
        found = json.loads(metadata)
    except (ValueError, RecursionError):
        found = None
    version = found.get("keras_version") if isinstance(found, dict) else None
    return printable(str(version or "3"))[:20]


def _read_weights(source: Source, archive: zipfile.ZipFile) -> Hdf5:
    if WEIGHTS not in archive.namelist():
        raise ValueError(f"a Keras model without {WEIGHTS}: it is in several files, or damaged")
    member = archive.getinfo(WEIGHTS)
    most = max(MOST_PACKED * member.compress_size, SMALL)
    if member.compress_size > source.size or member.file_size > most:
        raise ValueError(
            f"{WEIGHTS} declares {member.file_size} bytes, in {member.compress_size} of the file"
        )
    if member.compress_type != zipfile.ZIP_STORED:
        return _read_packed(archive, member)
    lengths = LOCAL_HEADER.unpack(source.part(member.header_offset, LOCAL_HEADER.size))
    start = member.header_offset + LOCAL_HEADER.size + sum(lengths)
    source.part(start + member.file_size, 0)  # which the file has to reach
    return read_hdf5(source.path, start, member.file_size)


def _read_packed(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Hdf5:
    """Return what compressed weights hold, inflated into a file that goes when they go."""
    handle, path = tempfile.mkstemp(suffix=".h5")
    try:
        with os.fdopen(handle, "wb") as inflated, archive.open(member) as packed:
            shutil.copyfileobj(packed, inflated)
        return read_hdf5(Path(path), 0, member.file_size, temporary=True)
    except BaseException:
        Path(path).unlink(missing_ok=True)
        raise


FORMATS: Final = (Format("Keras's .keras", matches, read, ".keras"),)
