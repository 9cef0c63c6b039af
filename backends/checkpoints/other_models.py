"""Models of other kinds, which are recognised only to be refused by their names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gateparity.backends.checkpoints.archive import list_names
from gateparity.backends.checkpoints.format import Format
from gateparity.backends.checkpoints.protobuf import outermost
from gateparity.backends.checkpoints.safetensors_file import begins_safetensors

if TYPE_CHECKING:
    from gateparity.backends.checkpoints.source import Source

HDF5_MAGIC: Final = b"\x89HDF\r\n\x1a\n"
TFLITE_MAGIC: Final = b"TFL3"  # behind the place of the root table
PICKLE_MAGIC: Final = re.compile(rb"\x80[\x02-\x05]")

# https://apple.github.io/coremltools/mlmodel/Format/Model.html: version, description; a kind of
# model, one of those from 200 on
COREML_FIELDS: Final = {1, 2}
COREML_KINDS: Final = range(200, 4000)


def _is_keras(source: Source) -> bool:
    members = list_names(source)
    return "config.json" in members and any(name.endswith(".h5") for name in members)


def _is_pickle(source: Source) -> bool:
    begins = PICKLE_MAGIC.match(source.head) and not begins_safetensors(source.head)
    return bool(begins) and source.tail(1) == b"."


def _is_coreml(source: Source) -> bool:
    fields = outermost(source)
    return fields >= COREML_FIELDS and not fields.isdisjoint(COREML_KINDS)


FORMATS: Final = (
    Format("a Keras model", _is_keras),
    Format("an HDF5 file, as Keras's .h5 is", lambda source: source.head.startswith(HDF5_MAGIC)),
    Format("a TFLite model", lambda source: source.head.startswith(TFLITE_MAGIC, 4)),
    Format("a pickle that torch.save didn't write", _is_pickle, order=1),
    Format("a Core ML model", _is_coreml, order=1),
)
