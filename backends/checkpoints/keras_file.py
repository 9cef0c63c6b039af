"""Keras 3's `.keras`: a zip archive with the model's config, as JSON, and its weights, as HDF5.

The config is read as data, and the weights where they lie in the archive. Source:
https://keras.io/guides/serialization_and_saving.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateparity.backends.checkpoints.archive import Archive, list_names, open_archive
from gateparity.backends.checkpoints.format import Format
from gateparity.backends.checkpoints.hdf5 import Hdf5, read_hdf5
from gateparity.backends.checkpoints.hdf5_file import keras_contents, read_config
from gateparity.errors import printable

if TYPE_CHECKING:
    from gateparity.backends.checkpoints.contents import Contents
    from gateparity.backends.checkpoints.source import Source

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
MOST_TEXT: Final = 64 << 20  # bytes of a config
NO_ORDER: Final = "its config lists no layers: they are sorted by name and number"


def matches(source: Source) -> bool:
    """Return whether a file is a zip archive with a config and weights in HDF5."""
    members = list_names(source)
    return CONFIG in members and any(name.endswith(".h5") for name in members)


def read(source: Source) -> Contents:
    """Return the arrays and the layers of a model. Raise `ValueError` if it is damaged."""
    archive = open_archive(source)
    found = _read_weights(archive)
    notes = list(found.notes)
    layers = read_config(archive.read(CONFIG, MOST_TEXT).decode("utf-8", "replace"), notes)
    if not layers:
        notes.append(NO_ORDER)
    return keras_contents(f"Keras {_version(archive)}, a whole model", found, layers, notes)


def _read_weights(archive: Archive) -> Hdf5:
    if WEIGHTS not in archive.members:
        raise ValueError(f"a Keras model without {WEIGHTS}: they are in several files, or lost")
    place = archive.place(WEIGHTS)
    if place:
        return read_hdf5(archive.source.path, *place)
    handle, path = tempfile.mkstemp(suffix=".h5")  # for the process that reads HDF5
    try:
        with os.fdopen(handle, "wb") as inflated:
            size = inflated.write(archive.read(WEIGHTS))
        return read_hdf5(Path(path), 0, size, temporary=True)
    except BaseException:
        Path(path).unlink(missing_ok=True)
        raise


def _version(archive: Archive) -> str:
    try:
        found = json.loads(archive.read(METADATA, MOST_TEXT))
    except (ValueError, RecursionError):
        found = None
    version = found.get("keras_version") if isinstance(found, dict) else None
    return printable(str(version or "3"))[:20]


FORMATS: Final = (Format("Keras's .keras", matches, read, ".keras"),)
