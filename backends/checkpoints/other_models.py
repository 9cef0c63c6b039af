"""Models of other kinds, which are recognised only to be refused by their names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gateparity.backends.checkpoints.archive import list_names
from gateparity.backends.checkpoints.format import Format
from gateparity.backends.checkpoints.protobuf import outermost
from gateparity.backends.checkpoints.safetensors_file import begins_safetensors

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.backends.checkpoints.source import Source

LFS: Final = b"version https://git-lfs.github.com/spec/"
PAGE: Final = re.compile(rb"\s*<(!doctype html|html)", re.IGNORECASE)
PACKED: Final = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"7z\xbc\xaf\x27\x1c", b"\x28\xb5\x2f\xfd")
EXPORTED: Final = ("/archive_format", "serialized_exported_program.json")
PICKLE_MAGIC: Final = re.compile(rb"\x80[\x02-\x05]")

# https://apple.github.io/coremltools/mlmodel/Format/Model.html: version, description; a kind of
# model, one of those from 200 on
COREML_FIELDS: Final = {1, 2}
COREML_KINDS: Final = range(200, 4000)


def _is_pickle(source: Source) -> bool:
    begins = PICKLE_MAGIC.match(source.head) and not begins_safetensors(source.head)
    return bool(begins) and source.tail(1) == b"."


def _is_coreml(source: Source) -> bool:
    fields = outermost(source)
    return fields >= COREML_FIELDS and not fields.isdisjoint(COREML_KINDS)


def _begins(*starts: bytes, at: int = 0) -> Callable[[Source], bool]:
    return lambda source: source.head.startswith(starts, at)


def _is_page(source: Source) -> bool:
    return bool(PAGE.match(source.head))


def _is_exported(source: Source) -> bool:
    return any(name.endswith(EXPORTED) for name in list_names(source))


UNPACK: Final = "unpack it first"
FORMATS: Final = (
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
)
