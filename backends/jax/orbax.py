"""A checkpoint of Orbax, read by Orbax itself in JAX's worker; only arrays come back."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jax
import numpy as np
import orbax.checkpoint as ocp

if TYPE_CHECKING:
    from gateparity.network.parameters import Array

MOST: Final = 64  # times that arrays may be larger than their compressed files
SMALL: Final = 1 << 26  # bytes that any checkpoint may take
WIDENED: Final = ("bfloat16", "float16")  # to float32, exactly: the wire has no bfloat16


def load(folder: str) -> dict[str, Any]:
    """Return the arrays in a folder by name, joined by slashes, and how each of them is stored.

    Raise `ValueError` for a folder that Orbax can't read, and for one whose files are too small for
    what they declare.
    """
    try:
        return _load(folder)
    except Exception as error:  # noqa: BLE001  a damaged checkpoint may raise anything
        words = str(error).strip().partition("\n")[0]
        raise ValueError(f"Orbax can't read it ({type(error).__name__}: {words:.200})") from None


def _load(folder: str) -> dict[str, Any]:
    checkpointer = ocp.PyTreeCheckpointer()
    tree = checkpointer.metadata(folder).item_metadata.tree
    _check_sizes(tree, folder)
    wanted = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), tree)
    found = checkpointer.restore(folder, restore_args=wanted)
    leaves, _ = jax.tree_util.tree_flatten_with_path(found)
    arrays = {_name(path): leaf for path, leaf in leaves if isinstance(leaf, np.ndarray)}
    dtypes = {name: str(array.dtype) for name, array in arrays.items()}
    return {"arrays": {name: _widen(array) for name, array in arrays.items()}, "dtypes": dtypes}


def _check_sizes(tree: Any, folder: str) -> None:
    declared = sum(
        math.prod(leaf.shape) * np.dtype(leaf.dtype).itemsize
        for leaf in jax.tree.leaves(tree)
        if getattr(leaf, "shape", None)
    )
    held = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    if declared > max(SMALL, MOST * held):
        raise ValueError(f"its arrays declare {declared} bytes, and its files have {held}")


def _name(path: Any) -> str:
    parts = (getattr(key, "key", getattr(key, "idx", getattr(key, "name", key))) for key in path)
    return "/".join(map(str, parts))


def _widen(array: Array) -> Array:
    return array.astype(np.float32) if str(array.dtype) in WIDENED else array
