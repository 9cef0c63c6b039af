"""What kind of model a file holds that isn't PyTorch's, by its content: its name is often wrong.

Protobuf has no first bytes of its own. The numbers of its outermost fields tell ONNX from Core ML.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

HDF5_MAGIC: Final = b"\x89HDF\r\n\x1a\n"
TFLITE_MAGIC: Final = b"TFL3"  # behind the place of the root table
PICKLE: Final = re.compile(rb"\x80[\x02-\x05](?!\0{6}).*\.", re.DOTALL)

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


def name_format(data: bytes) -> str | None:
    """Return "an HDF5 file" and the like, or None for a format that isn't known here."""
    if data.startswith(HDF5_MAGIC):
        return "an HDF5 file, as Keras's .h5 is"
    if data[4:8] == TFLITE_MAGIC:
        return "a TFLite model"
    if PICKLE.fullmatch(data):
        return "a pickle that torch.save didn't write"
    fields = set(itertools.islice(_outermost_fields(data), LOOKED_AT))
    if fields >= COREML_FIELDS and not fields.isdisjoint(COREML_KINDS):
        return "a Core ML model"
    return "an ONNX model" if fields >= ONNX_FIELDS else None


def name_archive(members: Collection[str]) -> str | None:
    """Return the kind of model that a zip archive with these members holds, or None."""
    keras = "config.json" in members and any(name.endswith(".h5") for name in members)
    return "a Keras model" if keras else None


def _outermost_fields(data: bytes) -> Iterator[int]:
    """Yield the number of each outermost field of a protobuf message, up to what can't be one.

    Source: https://protobuf.dev/programming-guides/encoding.
    """
    at = 0 if data.startswith(FIRST) else len(data)
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
