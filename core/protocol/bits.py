"""Answers compared bit for bit, and the worst of several answers to one question."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gateparity.network.batch import arrays_by_name, map_arrays
from gateparity.network.parameters import CellWeights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateparity.network.parameters import Array

    Bits = tuple[str, tuple[int, ...], bytes]


def read_bits(tree: Any) -> dict[str, Bits]:
    """Return dtype, shape and bytes of every array of arguments or of an answer, by name."""
    return {name: (a.dtype.str, a.shape, a.tobytes()) for name, a in name_arrays(tree)}


def find_difference(expected: dict[str, Bits], found: dict[str, Bits]) -> str:
    """Return the name of the first array that isn't what it was, bit for bit, or an empty text."""
    names = (name for name in expected | found if expected.get(name) != found.get(name))
    return next(names, "")


def copy_arrays(tree: Any) -> Any:
    """Return the same tree with writable copies of its arrays, in C order."""
    return map_arrays(lambda a: a.copy() if isinstance(a, np.ndarray) else a, tree)


def pick_farthest(answers: list[Any]) -> Any:
    """Return one answer, made of the numbers that are farthest from those of the first answer.

    It is within rounding of the truth if, and only if, all of them are; of a first answer that is
    not, the other checks know.
    """
    columns = zip(*map(_list_arrays, answers))  # noqa: B905  a worker's Python may be 3.9
    farthest = iter([_pick(list(column)) for column in columns])
    return map_arrays(lambda _: next(farthest), answers[0])


def name_arrays(tree: Any, name: str = "") -> Iterator[tuple[str, Array]]:
    """Yield every array in a tree, named after its field or key, with its cell before it."""
    if isinstance(tree, np.ndarray):
        yield name, tree
    elif isinstance(tree, tuple):
        for k, item in enumerate(tree):
            yield from name_arrays(item, f"cell {k}: " if isinstance(item, CellWeights) else "")
    elif isinstance(tree, Mapping):
        for key, item in tree.items():
            yield from name_arrays(item, f"{name}{key}" if isinstance(item, np.ndarray) else "")
    elif dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        yield from name_arrays(arrays_by_name(tree), name)


def _pick(arrays: list[Any]) -> Any:
    if not isinstance(arrays[0], np.ndarray):
        return arrays[-1]  # many draws of one number, which no worker returns
    others = [a for a in arrays if a.shape != arrays[0].shape or a.dtype != arrays[0].dtype]
    if others:
        return others[0]  # refused by its shape or dtype
    stack = np.stack(arrays)
    with np.errstate(all="ignore"):
        far = np.abs(stack - stack[0]).argmax(0)  # NaN counts as the farthest
    picked: Array = np.take_along_axis(stack, far[None], 0)[0]
    return picked


def _list_arrays(tree: Any) -> list[Array]:
    found: list[Array] = []
    map_arrays(found.append, tree)
    return found
