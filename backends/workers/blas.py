"""Find out which BLAS library multiplies NumPy's matrices, and for which processor.

OpenBLAS chooses its kernels when it is loaded (`OPENBLAS_CORETYPE` overrules it), and different
kernels round differently. NumPy's own build information describes the machine that it was built on,
so the loaded library is asked instead.
"""

from __future__ import annotations

import contextlib
import ctypes
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MAPS: Final = Path("/proc/self/maps")  # Linux alone lists what a process has loaded
_AFFIXES: Final = tuple(
    (prefix, suffix) for prefix in ("", "scipy_") for suffix in ("", "64_", "_64")
)


def read_blas() -> dict[str, str]:
    """Return the manifest lines `blas` and `blas threads`, as far as they are known.

    The loaded OpenBLAS answers first; without one, NumPy's build information is used.
    """
    for library in _loaded():
        for prefix, suffix in _AFFIXES:
            if found := _ask(library, f"{prefix}openblas_get_", suffix):
                return found
    return _built_with()


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let every loaded OpenBLAS multiply in one thread for a while.

    For small matrices its threads take more processor time to wait for each other than they save.
    """
    found = [calls for library in _loaded() if (calls := _thread_calls(library))]
    before = [get() for get, _ in found]
    for _, change in found:
        change(1)
    try:
        yield
    finally:
        for (_, change), threads in zip(found, before):  # noqa: B905  a worker runs Python 3.9
            change(threads)


def _thread_calls(library: ctypes.CDLL) -> tuple[Callable[[], int], Callable[[int], None]] | None:
    """Return the functions of a library that return and set its number of threads."""
    for prefix, suffix in _AFFIXES:
        with contextlib.suppress(AttributeError):
            get, change = (
                getattr(library, f"{prefix}openblas_{verb}_num_threads{suffix}")
                for verb in ("get", "set")
            )
            change.restype = None
            return get, change
    return None


def _ask(library: ctypes.CDLL, start: str, suffix: str) -> dict[str, str]:
    try:
        configuration, threads = (
            getattr(library, f"{start}{name}{suffix}") for name in ("config", "num_threads")
        )
    except AttributeError:
        return {}
    configuration.restype = ctypes.c_char_p
    return {
        "blas": " ".join(configuration().decode("ascii", "replace").split()),
        "blas threads": str(threads()),
    }


def _loaded() -> list[ctypes.CDLL]:
    """Return the OpenBLAS libraries in this process, NumPy's own before a framework's."""
    try:
        lines = _MAPS.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return []
    paths = {line.split(maxsplit=5)[-1] for line in lines if "openblas" in line}
    libraries = []
    for path in sorted(paths, key=lambda path: ("numpy" not in path, path)):
        try:
            libraries.append(ctypes.CDLL(path))
        except OSError:  # mapped as a file, or deleted since
            continue
    return libraries


def _built_with() -> dict[str, str]:
    try:
        shown: Any = np.show_config(mode="dicts")  # NumPy 1.25 or newer
        blas = shown["Build Dependencies"]["blas"]
        return {"blas": f"{blas['name']} {blas['version']}"}
    except (TypeError, KeyError):
        return {}
