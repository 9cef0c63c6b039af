"""Models of other kinds, which are recognised only to be refused by their names.

Protobuf has no first bytes of its own. The numbers of its outermost fields tell ONNX from Core ML.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Final

from gateparity.backends.checkpoints.archive import list_names
from gateparity.backends.checkpoints.format import Format
from gateparity.backends.checkpoints.safetensors_file import begins_safetensors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateparity.backends.checkpoints.source import Source

HDF5_MAGIC: Final = b"\x89HDF\r\n\x1a\n"
LFS: Final = b"version https://git-lfs.github.com/spec/"
PAGE: Final = re.compile(rb"\s*<(!doctype html|html)", re.IGNORECASE)
PACKED: Final = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"7z\xbc\xaf\x27\x1c", b"\x28\xb5\x2f\xfd")
EXPORTED: Final = ("/archive_format", "serialized_exported_program.json")
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
WIDEST: Final = 10  # bytes
VARINT_TYPE, LENGTH_TYPE = 0, 2
WIDTHS: Final = {VARINT_TYPE: 0, 1: 8, LENGTH_TYPE: 0, 5: 4}  # bytes behind the tag, by wire type


def _is_keras(source: Source) -> bool:
    members = list_names(source)
    return "config.json" in members and any(name.endswith(".h5") for name in members)


def _is_pickle(source: Source) -> bool:
    begins = PICKLE_MAGIC.match(source.head) and not begins_safetensors(source.head)
    return bool(begins) and source.tail(1) == b"."


def _is_coreml(source: Source) -> bool:
    fields = _fields(source)
    return fields >= COREML_FIELDS and not fields.isdisjoint(COREML_KINDS)


def _fields(source: Source) -> set[int]:
    return set(itertools.islice(_outermost_fields(source), LOOKED_AT))


def _outermost_fields(source: Source) -> Iterator[int]:
    """Yield the number of each outermost field of a protobuf message, up to what can't be one.

    Source: https://protobuf.dev/programming-guides/encoding.
    """
    head, at = source.head, 0
    if not head.startswith(FIRST) or begins_safetensors(head):
        return
    while tag := VARINT.match(_peek(source, at)):
        number, wire_type = divmod(_decode(tag[0]), 8)
        if wire_type not in WIDTHS or not number:
            return
        yield number
        at += tag.end() + WIDTHS[wire_type]
        if wire_type in (VARINT_TYPE, LENGTH_TYPE):
            value = VARINT.match(_peek(source, at))
            if not value:
                return
            at += value.end() + (_decode(value[0]) if wire_type == LENGTH_TYPE else 0)


def _peek(source: Source, at: int) -> bytes:
    """Return the bytes that a varint at a place may take, fewer at the end of the file."""
    return source.part(at, min(WIDEST, source.size - at)) if at < source.size else b""


def _decode(varint: bytes) -> int:
    return sum((byte & 127) << 7 * place for place, byte in enumerate(varint))


def _begins(*starts: bytes, at: int = 0) -> Callable[[Source], bool]:
    return lambda source: source.head.startswith(starts, at)


def _is_page(source: Source) -> bool:
    return bool(PAGE.match(source.head))


def _is_exported(source: Source) -> bool:
    return any(name.endswith(EXPORTED) for name in list_names(source))


UNPACK: Final = "unpack it first"
FORMATS: Final = (
    Format("a Keras model", _is_keras),
    Format("an HDF5 file, as Keras's .h5 is", _begins(HDF5_MAGIC)),
    Format(
        "a program that torch.export saved",
        _is_exported,
        advice="torch.save(program.state_dict(), FILE) writes its arrays",
    ),
    Format("a pointer of Git LFS in the place of a file", _begins(LFS), advice="git lfs pull"),
    Format("a web page in the place of a file", _is_page, advice="download the file again"),
    Format("a compressed file", _begins(*PACKED), advice=UNPACK),
    Format("a tar archive", _begins(b"ustar", at=257), advice=UNPACK),
    Format("a GGUF model", _begins(b"GGUF"), advice="it holds no recurrent layers"),
    Format(
        "a pickle that torch.save didn't write",
        _is_pickle,
        order=1,
        advice="nothing is unpickled; load it where it was made, and write its arrays with "
        "numpy.savez",
    ),
    Format(
        "a Core ML model",
        _is_coreml,
        order=1,
        advice="take the weights of the model that it was converted from",
    ),
    Format("an ONNX model", lambda source: _fields(source) >= ONNX_FIELDS, order=1),
)
