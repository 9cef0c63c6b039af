"""An ONNX model without its large arrays: the graph is parsed, the numbers stay in the file.

A model of a gigabyte is mostly numbers. The outline of a file is the same model, in which each
large array is replaced by its place in the file, as ONNX's own external data have it. The location
"" is the file itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateparity.backends.checkpoints.protobuf import LENGTH_TYPE, encode, fields

if TYPE_CHECKING:
    from gateparity.backends.checkpoints.protobuf import Field
    from gateparity.backends.checkpoints.source import Source

SMALL: Final = 4096  # bytes of a message or of an array that is read as it is
DEEPEST: Final = 90  # messages in one another: protobuf itself reads 100

# The fields that hold further messages, by kind of message, and the kinds of those.
# https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
NESTED: Final[dict[str, dict[int, str]]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph"},
    "tensor": {},
}
NUMBERS: Final = (4, 9, 10)  # of a tensor: float_data, raw_data, double_data, all little-endian
EXTERNAL_DATA, DATA_LOCATION = 13, 14
KEY, VALUE = 1, 2
OUTSIDE: Final = encode(DATA_LOCATION, 1)


def read_model(source: Source) -> Any:
    """Return the `onnx.ModelProto` of a file's outline. Raise `ValueError` for a damaged file."""
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    outline = _outline(source, 0, source.size, "model", 0)
    try:
        return ModelProto.FromString(outline)
    except DecodeError:
        raise ValueError("a damaged or truncated ONNX model: protobuf can't parse it") from None


def _outline(source: Source, start: int, stop: int, kind: str, depth: int) -> bytes:
    if stop - start <= SMALL:
        return source.part(start, stop - start)
    if depth > DEEPEST:
        raise ValueError(f"an ONNX model with more than {DEEPEST} messages in one another")
    pieces, end, copied = [], start, start
    for field in fields(source, start, stop):
        end = field.end
        if end > stop:
            break
        if field.wire_type != LENGTH_TYPE or end - field.value <= SMALL:
            continue
        inner = NESTED[kind].get(field.number)
        if inner or (kind == "tensor" and field.number in NUMBERS):
            pieces.append(source.part(copied, field.start - copied))
            copied = end
            pieces.append(
                encode(field.number, _outline(source, field.value, end, inner, depth + 1))
                if inner
                else _place(field)
            )
    if end != stop:
        raise ValueError(
            f"a damaged or truncated ONNX model: what ends at byte {stop} has a field up to {end}"
        )
    pieces.append(source.part(copied, stop - copied))
    # The last field of a number counts: a tensor may say where its numbers are behind them.
    pieces.append(OUTSIDE * (kind == "tensor" and len(pieces) > 1))
    return b"".join(pieces)


def _place(field: Field) -> bytes:
    """Return the fields of a tensor that hold the place of its numbers."""
    place = {"location": "", "offset": field.value, "length": field.end - field.value}
    entries = [
        encode(EXTERNAL_DATA, encode(KEY, key.encode()) + encode(VALUE, str(value).encode()))
        for key, value in place.items()
    ]
    return b"".join(entries)
