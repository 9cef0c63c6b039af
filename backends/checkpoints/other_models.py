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
TEXT_OF_CHECKPOINT: Final = b"model_checkpoint_path:"  # TensorFlow's list of checkpoints
SHARD: Final = re.compile(r"(.*)\.data-\d{5}-of-\d{5}")
# Messages of TensorFlow without a first number: the graph's first node, with its name and its
# operator, or the first of the operators that a MetaGraphDef lists.
GRAPH: Final = re.compile(
    rb"\x0a[\x80-\xff]{0,4}[\x00-\x7f](\x0a[\x01-\x7f][\w./-]+\x12[\x01-\x7f]|"
    rb"\x12[\x80-\xff]{0,4}[\x00-\x7f]\x0a[\x80-\xff]?[\x00-\x7f]\x0a[\x01-\x7f])[A-Z]\w+[\x12\x1a\x22*]"
)
SAVED_MODEL: Final = {1, 2}  # its version, and its graphs
GGML: Final = (b"lmgg", b"fmgg", b"tjgg", b"algg")
DYNET: Final = (b"#Parameter#", b"#LookupParameter#")
JAVASCRIPT: Final = re.compile(rb'\s*\{.*"(modelTopology|weightsManifest)"', re.DOTALL)
PACKAGE: Final = ("/.data/version", "/.data/extern_modules")  # of torch.package
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


def _is_package(source: Source) -> bool:
    return any(name.endswith(PACKAGE) for name in list_names(source))


def _is_shard(source: Source) -> bool:
    shard = SHARD.fullmatch(source.path.name)
    return bool(shard) and source.path.with_name(f"{shard and shard[1]}.index").is_file()


INDEX: Final = "take the .index file of the checkpoint"
CONVERTED: Final = "take the model that it was converted from"
UNPACK: Final = "unpack it first"
FORMATS: Final = (
    Format(
        "a program that torch.export saved",
        _is_exported,
        advice="torch.save(program.state_dict(), FILE) writes its arrays",
    ),
    Format(
        "an archive of torch.package, which holds a program",
        _is_package,
        advice="load it with PyTorch, and torch.save(model.state_dict(), FILE) writes its arrays",
    ),
    Format("a pointer of Git LFS in the place of a file", _begins(LFS), advice="git lfs pull"),
    Format("a web page in the place of a file", _is_page, advice="download the file again"),
    Format("a compressed file", _begins(*PACKED), advice=UNPACK),
    Format("a tar archive", _begins(b"ustar", at=257), advice=UNPACK),
    Format(
        "a model in ONNX Runtime's own format",
        _begins(b"ORTM", at=4),
        advice="take the .onnx file that it was converted from",
    ),
    Format(
        "TensorFlow's list of checkpoints",
        _begins(TEXT_OF_CHECKPOINT),
        advice=f"{INDEX} that it names",
    ),
    Format(
        "the numbers of a TensorFlow checkpoint", _is_shard, order=1, advice=f"{INDEX} beside it"
    ),
    Format(
        "a graph of TensorFlow",
        lambda source: bool(GRAPH.match(source.head)),
        order=1,
        advice=f"{INDEX} that has its variables; a graph that is frozen was made of one",
    ),
    Format(
        "the graph of TensorFlow's SavedModel",
        lambda source: outermost(source) == SAVED_MODEL,
        order=1,
        advice="take its folder, whose variables are read",
    ),
    Format("a model of ggml", _begins(*GGML), advice=CONVERTED),
    Format(
        "a model of DyNet",
        _begins(*DYNET),
        advice="load it with DyNet, and write its arrays with numpy.savez",
    ),
    Format(
        "a model of TensorFlow.js",
        lambda source: bool(JAVASCRIPT.match(source.head)),
        advice=CONVERTED,
    ),
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
