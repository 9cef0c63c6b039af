"""Models of other kinds, which are recognised only to be refused by their names.

Protobuf has no first bytes of its own. The numbers of its outermost fields tell ONNX from Core ML.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Final

from gateparity.backends.checkpoints.format import Format
from gateparity.backends.checkpoints.safetensors_file import begins_safetensors
from gateparity.backends.checkpoints.torch_zip import list_names

if TYPE_CHECKING:
    from collections.abc import Iterator

HDF5_MAGIC: Final = b"\x89HDF\r\n\x1a\n"
TFLITE_MAGIC: Final = b"TFL3"  # behind the place of the root table
PICKLE_MAGIC: Final = re.compile(rb"\x80[\x02-\x05]")

# https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, ModelProto: ir_version, graph
ONNX_FIELDS: Final = {1, 7}
# https://apple.github.io/coremltools/mlmodel/Format/Model.html: version, description; a kind of
# model, one of those from 200 on
COREML_FIELDS: Final = {1, 2}
COREML_KINDS: Final = range(200, 4000)
FIRST: Final = b"\x08"  # the tag of field 1, an integer in both
LOOKED_AT: Final = 10_000  # fields: a model has a handful, and its functions
VARINT: Final = re.compile(rb"[\x80-\xff]{0,9}[\x00-\x7f]")
VARINT_TYPE, LENGTH_TYPE = 0, 2
WIDTHS: Final = {VARINT_TYPE: 0, 1: 8, LENGTH_TYPE: 0, 5: 4}  # bytes behind the tag, by wire type


def _is_keras(data: bytes) -> bool:
    members = list_names(data)
    return "config.json" in members and any(name.endswith(".h5") for name in members)


def _is_pickle(data: bytes) -> bool:
    return bool(PICKLE_MAGIC.match(data)) and data.endswith(b".") and not begins_safetensors(data)


def _is_coreml(data: bytes) -> bool:
    fields = _fields(data)
    return fields >= COREML_FIELDS and not fields.isdisjoint(COREML_KINDS)


def _fields(data: bytes) -> set[int]:
    return set(itertools.islice(_outermost_fields(data), LOOKED_AT))


def _outermost_fields(data: bytes) -> Iterator[int]:
    """Yield the number of each outermost field of a protobuf message, up to what can't be one.

    Source: https://protobuf.dev/programming-guides/encoding.
    """
    at = 0 if data.startswith(FIRST) and not begins_safetensors(data) else len(data)
    while tag := VARINT.match(data, at):
        number, wire_type = divmod(_decode(tag[0]), 8)
        if wire_type not in WIDTHS or not number:
            return
        yield number
        at = tag.end() + WIDTHS[wire_type]
        if wire_type in (VARINT_TYPE, LENGTH_TYPE):
            value = VARINT.match(data, at)
            if not value:
                return
            at = value.end() + (_decode(value[0]) if wire_type == LENGTH_TYPE else 0)


def _decode(varint: bytes) -> int:
    return sum((byte & 127) << 7 * place for place, byte in enumerate(varint))


FORMATS: Final = (
    Format("a Keras model", _is_keras),
    Format("an HDF5 file, as Keras's .h5 is", lambda data: data.startswith(HDF5_MAGIC)),
    Format("a TFLite model", lambda data: data.startswith(TFLITE_MAGIC, 4)),
    Format("a pickle that torch.save didn't write", _is_pickle, order=1),
    Format("a Core ML model", _is_coreml, order=1),
    Format("an ONNX model", lambda data: _fields(data) >= ONNX_FIELDS, order=1),
)
