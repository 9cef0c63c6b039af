"""Budgets that are kept from run to run, beside compiled programs.

The problems of a seed are the same in each run, and so are their budgets. To draw them takes longer
than most frameworks take for their calls. A budget depends on the problem, on gateparity's code, on
NumPy and on the processor, so each combination has a folder of its own. A file holds a checksum. A
damaged file costs the time of a new draw, and never changes a verdict.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity import errors
from gateparity.backends import catalogue
from gateparity.backends.workers.manifest import read_manifest
from gateparity.conformance.judgement.budget import Budget
from gateparity.conformance.judgement.scores import Scorer
from gateparity.conformance.storage.kinds import BUDGET
from gateparity.conformance.storage.tensors import (
    SMALL,
    check_form,
    pack_tensors,
    seal,
    unpack_tensors,
)
from gateparity.errors import InputError
from gateparity.files import write_bytes
from gateparity.network.batch import arrays_by_name
from gateparity.network.parameters import fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.backends.workers.programs import ProgramStore
    from gateparity.conformance.problems.case import Case
    from gateparity.network.parameters import Array

_SCHEMA: Final = 1
_SCORES: Final = "scores"


class KeptBudgets:
    """The budgets in a store. `get` draws those that it lacks; without a store it draws all."""

    def __init__(self, store: ProgramStore | None = None) -> None:
        self._store = store

    @functools.cached_property
    def _shelf(self) -> Path | None:
        if self._store is None:
            return None
        facts = {**read_manifest(), "sources": _digest_sources()}
        return self._store.open_shelf(facts)

    def get(self, key: object, case: Case, draw: Callable[[], Budget]) -> Budget:
        """Return the budget of a key and a case. The key's `repr` names all else it depends on."""
        if self._store is None or self._shelf is None:
            return draw()
        file = self._shelf / f"{_name(key, case)}.safetensors"
        if kept := _read(file, case):
            return kept
        budget = draw()
        try:
            _write(file, budget)
        except InputError as error:
            self._store.give_up(OSError(str(error)))
        return budget


def _read(file: Path, case: Case) -> Budget | None:
    """Return the budget in a file, or None if there is none that is whole."""
    try:
        arrays, words = unpack_tensors(file.read_bytes())
        check_form(arrays, words, BUDGET, _SCHEMA)
    except (OSError, InputError):
        return None
    with contextlib.suppress(OSError):  # a folder that is read-only serves too
        file.touch()  # it was used: the store removes others first
    parts: dict[str, dict[str, Array]] = {"sigmas": {}, "weights": {}, "undecided": {}}
    for name, array in arrays.items():
        part, _, own = name.partition(" ")
        if part in parts:
            parts[part][own] = array.astype(bool) if part == "undecided" else array
    scores = arrays.get(_SCORES)
    scorer = None if scores is None else Scorer(case)
    return Budget(case, parts["sigmas"], parts["weights"], scores, scorer, parts["undecided"])


def _write(file: Path, budget: Budget) -> None:
    """Write a budget, unless it is too large for a file. Raise `InputError` if that fails."""
    arrays = _flatten(budget)
    words = seal(arrays, {"kind": BUDGET.name, "schema": _SCHEMA})
    if sum(array.nbytes for array in arrays.values()) < SMALL.file // 2:
        write_bytes(file, pack_tensors(arrays, words))


def _flatten(budget: Budget) -> dict[str, Array]:
    """Return the arrays of a budget by their names in a file: `sigmas y`, `scores`."""
    arrays = {f"sigmas {name}": array for name, array in budget.sigmas.items()}
    arrays |= {f"weights {name}": array for name, array in budget.weights.items()}
    arrays |= {f"undecided {n}": mask.astype(np.int32) for n, mask in budget.undecided.items()}
    return arrays if budget.scores is None else arrays | {_SCORES: budget.scores}


def _name(key: object, case: Case) -> str:
    """Return the hash of everything that a budget depends on besides the code and the machine."""
    digest = hashlib.sha256(repr((key, case.name, dataclasses.astuple(case.config))).encode())
    groups = [*map(fields, case.params), arrays_by_name(case.batch)]
    for name, array in [pair for group in groups for pair in group.items()]:
        _update(digest, name, array)
    _update(digest, "y", case.cotangent.y)
    for name, array in case.cotangent.states.items():
        _update(digest, name, array)
    return digest.hexdigest()


def _update(digest: Any, name: str, array: Array) -> None:
    digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array).tobytes())


@functools.cache
def _digest_sources() -> str:
    """Return the hash of gateparity's own code: `core`, `backends` and `conformance`."""
    folders = [Path(errors.__file__).parent, Path(catalogue.__file__).parent]
    folders.append(Path(__file__).parents[1])
    digest = hashlib.sha256()
    for file in sorted({file for folder in folders for file in folder.rglob("*.py")}):
        digest.update(file.read_bytes())
    return digest.hexdigest()
