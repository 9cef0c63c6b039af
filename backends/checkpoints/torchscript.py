"""A program that torch.jit.save wrote: a zip archive of pickles, tensors and code.

`torch.jit.load` would run the program. Here its objects become dicts of their attributes, so that
tensors have the names that they have in a state_dict. The code isn't looked at.
Source: https://github.com/pytorch/pytorch/blob/main/torch/csrc/jit/docs/serialization.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateparity.backends.checkpoints.archive import list_names, open_archive
from gateparity.backends.checkpoints.contents import Contents, StoredArray
from gateparity.backends.checkpoints.format import Format
from gateparity.backends.checkpoints.pickles import Call, Module, Opaque
from gateparity.backends.checkpoints.torch_tensors import name_tensors, stored_arrays
from gateparity.backends.checkpoints.torch_zip import find_root, read_part

if TYPE_CHECKING:
    from gateparity.backends.checkpoints.source import Source

NAME: Final = "a TorchScript program"


def _matches(source: Source) -> bool:
    return any(name.partition("/")[2] == "constants.pkl" for name in list_names(source))


def _read(source: Source) -> Contents:
    archive = open_archive(source)
    root = find_root(archive)
    arrays: dict[str, StoredArray] = {}
    for part, prefix in (("data", ""), ("constants", "constants.")):
        value, read, order = read_part(archive, f"{root}{part}.pkl", f"{root}{part}/", _find_global)
        tensors = name_tensors(value, prefix)
        arrays |= stored_arrays(tensors, read, source.size, order)
    unnamed = sum(name.startswith("constants.") and len(a.shape) > 1 for name, a in arrays.items())
    notes = [f"{unnamed} arrays are constants of its code and have no names"] if unnamed else []
    return Contents(NAME, arrays, notes=tuple(notes))


def _find_global(name: str) -> object:
    if name.startswith(("__torch__.", "__torch__ ")):
        return Call(_module)
    if name.startswith("torch.jit._pickle "):
        return Call(lambda held, tag=None: held)  # noqa: ARG005  a list, and its type's name
    return Opaque() if name.startswith("torch.") else None


def _module() -> Module:
    return Module()


FORMATS: Final = (Format(NAME, _matches, _read, ".jit"),)
