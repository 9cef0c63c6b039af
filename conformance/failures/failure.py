"""A failure in one file: one case, what was found and what was expected.

The file names no code: a check is found by its name in gateparity, and the backend's label is there
for a person to read. A file may come from anyone, so all of it is checked before use.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.problems.arrays import join_arrays, name_arrays
from gateparity.conformance.requirements.checks import choose_checks
from gateparity.conformance.storage.kinds import FAILURE
from gateparity.conformance.storage.limits import check_case, make_config, plain
from gateparity.conformance.storage.metadata import Metadata, writable, writable_texts
from gateparity.conformance.storage.tensors import (
    SMALL,
    check_form,
    pack_tensors,
    seal,
    take_floats,
    unpack_tensors,
)
from gateparity.errors import InputError, printable
from gateparity.files import read_bytes, write_bytes
from gateparity.network.config import Config

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.results import Results
    from gateparity.network.parameters import Array

SCHEMA: Final = 2
# All words of schema 1, which gateparity 0.1.0 wrote.
_UNSEALED: Final = "schema check case seed backend message config manifest found truth"
_SHOWN: Final = 500  # characters of an error


@dataclasses.dataclass(frozen=True)
class Failure:
    """A check that failed on a case, and where.

    `backend` is a label; `found` are its results. `truth` are the right results and `sigmas` the
    standard deviations of rounding, both in float64. `message` is the verdict's text. `manifest`
    names versions, the processor and flags. `seed` drew the numbers, before they were simplified.
    `sealed` is False for a file of gateparity 0.1.0, which has no checksum.
    """

    check: str
    case: Case
    backend: str
    found: Results
    truth: Results
    sigmas: Results
    message: str
    manifest: Mapping[str, str]
    seed: int
    sealed: bool = True

    @property
    def dtype(self) -> str:
        """Return the dtype of the case."""
        return self.case.config.dtype


def save_failure(failure: Failure, path: Path) -> None:
    """Write the file atomically. Raise `InputError` if that fails, or it is too large to read."""
    case = failure.case
    check_case(case)
    words = {
        "kind": FAILURE.name,
        "schema": SCHEMA,
        "check": failure.check,
        "case": writable(case.name),
        "seed": failure.seed,
        "backend": writable(failure.backend),
        "message": writable(failure.message),
        "config": dataclasses.asdict(case.config),
        "manifest": writable_texts(failure.manifest),
        "found": list(failure.found),
        "truth": list(failure.truth),
    }
    arrays = name_arrays(case)
    arrays |= {f"found.{name}": plain(array) for name, array in failure.found.items()}
    arrays |= {f"truth.{name}": array.astype("float64") for name, array in failure.truth.items()}
    arrays |= {f"sigmas.{name}": failure.sigmas[name] for name in failure.truth}
    write_bytes(path, pack_tensors(arrays, seal(arrays, words)))


def load_failure(path: Path) -> Failure:
    """Read a file of `save_failure`. Raise `InputError`, in one line, for anything else."""
    data = read_bytes(path, "a saved failure", SMALL.file)
    try:
        arrays, found = unpack_tensors(data)
        sealed = check_form(arrays, found, FAILURE, SCHEMA, _UNSEALED)
        return dataclasses.replace(_read(arrays, Metadata(found)), sealed=sealed)
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}: {printable(str(error))[:_SHOWN]}") from None


def _read(arrays: dict[str, Array], words: Metadata) -> Failure:
    config = make_config(words.fields("config", Config))
    found = {name: take_floats(arrays, f"found.{name}") for name in words.names("found")}
    truth = {name: take_floats(arrays, f"truth.{name}") for name in words.names("truth")}
    sigmas = {name: take_floats(arrays, f"sigmas.{name}") for name in truth}
    _check_results(truth, sigmas)
    case = join_arrays(words.text("case"), config, arrays)
    check_case(case)
    return Failure(
        check=choose_checks([words.text("check")])[0].name,
        case=case,
        backend=words.text("backend"),
        found=found,
        truth=truth,
        sigmas=sigmas,
        message=words.text("message"),
        manifest=words.texts("manifest"),
        seed=words.count("seed"),
    )


def _check_results(truth: Results, sigmas: Results) -> None:
    for name, array in truth.items():
        sigma = sigmas[name]
        if array.dtype != np.float64 or sigma.dtype != np.float64:
            raise InputError(
                f"truth.{name} and its sigmas are {array.dtype} and {sigma.dtype}, expected float64"
            )
        if sigma.shape != array.shape or not (sigma >= 0).all():
            raise InputError(
                f"sigmas.{name} has shape {sigma.shape}, expected {array.shape}, none below 0"
            )
