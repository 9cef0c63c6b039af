"""Compiled programs of JAX and TensorFlow, kept from run to run.

XLA compiles one program for each shape, and that is most of a run's time. Both frameworks can write
programs to a folder and read them from there. The near side gives each worker a folder of its own,
filled from a store, and takes what is new into the store when the worker has ended. So two runs
never write to one folder, and a worker that is killed leaves nothing half written behind.

A program is machine code, so a damaged one could do anything. The name of a file in the store
begins with the hash of its contents; a file with another hash is removed and never lent. The store
has a folder for each combination of versions, processor and flags, since frameworks have taken
programs of another processor or version for their own (https://github.com/jax-ml/jax/issues/38445).
A worker that dies with programs from the store is tried again without
(https://github.com/tensorflow/tensorflow/issues/57649).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gateparity.backends.workers.manifest import PROGRAMS_FLAG, read_manifest

if TYPE_CHECKING:
    from collections.abc import Mapping

_LIMIT: Final = 2 * 1024**3  # bytes that the store may take
_PRUNED: Final = "pruned"  # an empty file, as old as the last look through the store
_INTERVAL: Final = 24 * 3600  # seconds from one look to the next: each stats every file
_HASH: Final = 32  # hexadecimal digits of SHA-256 in a file's name
_DISTRIBUTIONS: Final = ("flax", "jax", "jaxlib", "keras", "numpy", "tensorflow", "tensorflow-cpu")
_VARIABLES: Final = {  # https://docs.jax.dev/en/latest/persistent_compilation_cache.html
    "JAX_COMPILATION_CACHE_DIR": "",
    # These further caches serve GPUs alone, and put the folder's name into every program's key.
    "JAX_PERSISTENT_CACHE_ENABLE_XLA_CACHES": "none",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}


# In the worker, before it imports a framework


def describe_compiler() -> dict[str, str]:
    """Return what a compiled program depends on, in the worker's interpreter."""
    from importlib.metadata import PackageNotFoundError, version

    found = read_manifest()
    for name in _DISTRIBUTIONS:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def use_folder(folder: str) -> None:
    """Let JAX and TensorFlow read and write programs in a folder, unless the user has set one."""
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        os.environ.update({**_VARIABLES, "JAX_COMPILATION_CACHE_DIR": folder})
    flags = os.environ.get("TF_XLA_FLAGS", "")
    if PROGRAMS_FLAG not in flags:
        os.environ["TF_XLA_FLAGS"] = f"{flags} {PROGRAMS_FLAG}{folder}".strip()


# Beside the user


def default_store() -> ProgramStore:
    """Return the store in the user's cache folder, or in $GATEPARITY_PROGRAMS."""
    named = os.environ.get("GATEPARITY_PROGRAMS")
    own = Path(named).expanduser().absolute() if named else None
    return ProgramStore(own or _cache_folder() / "programs")


def _cache_folder() -> Path:
    import platformdirs  # which a worker's interpreter may lack

    return platformdirs.user_cache_path("gateparity")


class ProgramStore:
    """The store in a folder of the user's. `trouble` says in one line what went wrong with it.

    It has a shelf for each kind of worker. `open_shelf` serves other things that are kept, too.
    """

    def __init__(self, root: Path, limit: int = _LIMIT) -> None:
        self._root, self._limit = root, limit
        self._broken = False
        self._distrusted: set[Path] = set()
        self.trouble = ""

    def lend(self, worker: Any) -> Loan | None:
        """Fill a folder with programs for a worker that has loaded no framework yet.

        Return None if there is no store: on macOS, where programs of one process have crashed
        another, or where its folder can't be used.
        """
        if sys.platform == "darwin":
            return None
        describe = "gateparity.backends.workers.programs:describe_compiler"
        shelf = self.open_shelf(worker.call("apply", describe))
        if shelf is None or shelf in self._distrusted:
            return None
        folder = Path(tempfile.mkdtemp(prefix="gateparity-programs-"))
        try:
            lent = {_fetch(file, folder) for file in shelf.iterdir()}
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            self.give_up(error)
            return None
        worker.call("apply", "gateparity.backends.workers.programs:use_folder", str(folder))
        return Loan(self, shelf, folder, lent)

    def open_shelf(self, facts: Mapping[str, str]) -> Path | None:
        """Return the folder for what depends on these facts, or None if there is no store."""
        named = json.dumps(dict(facts), sort_keys=True)
        shelf = self._root / hashlib.sha256(named.encode()).hexdigest()[:_HASH]
        if self._broken:
            return None
        try:
            shelf.mkdir(0o700, parents=True, exist_ok=True)
            _require_own(shelf)
            if not self._was_pruned_lately():
                self.prune()
        except OSError as error:
            self.give_up(error)
            return None
        return shelf

    def give_up(self, error: OSError) -> None:
        """Go on without a store whose folder can't be used."""
        self._broken = True
        self.trouble = f"nothing is kept in {self._root} for later: {error.strerror or error}"

    def distrust(self, shelf: Path) -> None:
        """Remove programs with which a worker died, and lend none of their kind again."""
        self._distrusted.add(shelf)
        self.trouble = self.trouble or (
            "a worker died with compiled programs of an earlier run: they were removed, and it ran "
            "again without"
        )
        shutil.rmtree(shelf, ignore_errors=True)

    def clean(self) -> int:
        """Remove all programs, and return how many bytes they took."""
        total = sum(size for _, _, size in self._files())
        shutil.rmtree(self._root, ignore_errors=True)
        return total

    def prune(self) -> None:
        """Remove the files that were not used for longest, until the limit holds."""
        with contextlib.suppress(OSError):  # a folder that is read-only serves too
            (self._root / _PRUNED).touch()
        files = sorted(self._files())
        excess = sum(size for _, _, size in files) - self._limit
        for _, path, size in files:
            if excess <= 0:
                return
            path.unlink(missing_ok=True)
            excess -= size

    def _was_pruned_lately(self) -> bool:
        try:
            age = time.time() - (self._root / _PRUNED).stat().st_mtime
        except FileNotFoundError:
            return False
        return abs(age) < _INTERVAL

    def _files(self) -> list[tuple[float, Path, int]]:
        found = []
        for folder, _, names in os.walk(self._root):
            for path in (Path(folder, name) for name in names if name != _PRUNED):
                with contextlib.suppress(OSError):  # another run may remove it
                    facts = path.stat()
                    found.append((facts.st_mtime, path, facts.st_size))
        return found


class Loan:
    """A worker's folder of programs: `keep` takes what is new, `drop` distrusts what was lent."""

    def __init__(self, store: ProgramStore, shelf: Path, folder: Path, lent: set[str]) -> None:
        self._store, self._shelf, self._folder, self._lent = store, shelf, folder, lent

    @property
    def used(self) -> bool:
        """Return whether the worker had a program, one that was lent or one that it compiled."""
        return any(self._folder.iterdir())

    def keep(self) -> None:
        """Take new programs into the store, after the worker has ended by itself."""
        try:
            new = [f for f in self._folder.iterdir() if f.is_file() and f.name not in self._lent]
            for file in new:
                _store(file, self._shelf)
            if new:
                self._store.prune()
        except OSError as error:
            self._store.give_up(error)
        self.end()

    def drop(self) -> None:
        """Remove the programs that were lent: a worker died with them."""
        self._store.distrust(self._shelf)
        self.end()

    def end(self) -> None:
        """Remove the worker's folder."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _require_own(folder: Path) -> None:
    if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
        raise PermissionError(None, "it belongs to another user")


def _fetch(file: Path, folder: Path) -> str:
    """Copy a program into a worker's folder, and return its name; remove it if it was changed."""
    digest, _, name = file.name.partition(".")
    try:
        data = file.read_bytes()
    except FileNotFoundError:  # another run has removed it
        return ""
    if digest != _digest(data):
        file.unlink(missing_ok=True)
        return ""
    (folder / name).write_bytes(data)
    with contextlib.suppress(FileNotFoundError):
        os.utime(file)  # it was used: prune removes others first
    return name


def _store(file: Path, shelf: Path) -> None:
    """Put a program on its shelf, whole or not at all, unless another run has removed the shelf."""
    data = file.read_bytes()
    # Beside the shelf: a run that finds half a file on it would remove it as damaged.
    with tempfile.NamedTemporaryFile(dir=shelf.parent, delete=False) as aside:
        aside.write(data)
    if shelf.is_dir():
        Path(aside.name).replace(shelf / f"{_digest(data)}.{file.name}")
    else:
        Path(aside.name).unlink()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:_HASH]
