"""Interrupted runs: one safetensors file for each backend, written after every epoch."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.conformance.storage.kinds import CHECKPOINT
from gateparity.conformance.storage.metadata import Metadata
from gateparity.conformance.storage.tensors import (
    check_form,
    pack_tensors,
    seal,
    unpack_tensors,
)
from gateparity.errors import InputError
from gateparity.files import read_bytes, write_bytes
from gateparity.protocol.training import TrainingState

if TYPE_CHECKING:
    from pathlib import Path

    from gateparity.network.config import Config
    from gateparity.network.parameters import Array
    from gateparity.protocol.training import Training

FOLDER: Final = "gateparity-training"
SCHEMA: Final = 2
_LARGEST: Final = 2**26  # bytes
_UNSEALED: Final = "training step compiled"  # the words that gateparity 0.1.0 wrote


class History:
    """The history of one backend's run: losses and norms of all steps, and weights of each epoch.

    The weights after each epoch are `(epochs, n)`, flat: kernels and sums of biases in canonical
    order. A run with a loss above `worst` has diverged. `sealed` is False if the run began with a
    file that has no checksum.
    """

    def __init__(self, state: TrainingState, worst: float) -> None:
        self.state = state
        self.worst = worst
        self.losses: list[Array] = []
        self.norms: list[Array] = []
        self.weights: list[Array] = []
        self.compiled = 0
        self.sealed = True

    @property
    def epochs(self) -> int:
        """Return how many epochs are done."""
        return len(self.weights)

    def add(self, training: Training, weights: dict[str, Array]) -> None:
        """Add one epoch: its losses, its norms and the weights after it."""
        self.state = training.state
        self.losses.append(training.losses)
        self.norms.append(training.norms)
        self.weights.append(np.concatenate([array.ravel() for array in weights.values()]))
        self.compiled += training.compiled

    @property
    def perplexities(self) -> list[float]:
        """Return each epoch's perplexity: the exponential of the mean loss of its batches."""
        with np.errstate(over="ignore"):
            return [float(np.exp(np.mean(losses, dtype="float64"))) for losses in self.losses]

    @property
    def diverged(self) -> int | None:
        """Return the first step whose loss is above `worst`, or whose gradient isn't finite."""
        steps = zip(np.ravel(self.losses), np.ravel(self.norms), strict=True)
        bad = (k for k, (loss, norm) in enumerate(steps, 1) if not self._sound(loss, norm))
        return next(bad, None)

    def _sound(self, loss: float, norm: float) -> bool:
        return bool(loss <= self.worst and np.isfinite(norm))


def checkpoint_path(folder: Path, label: str, dtype: str) -> Path:
    """Return the path of the checkpoint for a label and a dtype."""
    return folder / f"{re.sub(r'[^A-Za-z0-9.]+', '-', label)}-{dtype}.safetensors"


def save_checkpoint(path: Path, history: History, fingerprint: dict[str, Any]) -> None:
    """Replace the file atomically. Raise `InputError` if that fails."""
    state = history.state
    arrays = {f"param {name}": array for name, array in state.params.items()}
    arrays |= {f"slot {name}": array for name, array in state.slots.items()}
    arrays |= {name: np.stack(getattr(history, name)) for name in ("losses", "norms", "weights")}
    words = {
        "kind": CHECKPOINT.name,
        "schema": SCHEMA,
        "training": fingerprint,
        "step": state.step,
        "compiled": history.compiled,
    }
    write_bytes(path, pack_tensors(arrays, seal(arrays, words)))


def load_checkpoint(
    path: Path, start: TrainingState, config: Config, fingerprint: dict[str, Any], worst: float
) -> History:
    """Return the history in a file; `start` is the state that the run began with.

    Raise `InputError` for a file that is damaged or of another run, or whose arrays don't fit.
    """
    data = read_bytes(path, "a checkpoint of gateparity train", _LARGEST)
    try:
        arrays, found = unpack_tensors(data)
        sealed = check_form(arrays, found, CHECKPOINT, SCHEMA, _UNSEALED)
        history = _read(arrays, Metadata(found), start, config, fingerprint, worst)
        history.sealed = sealed
        return history
    except InputError as error:
        raise InputError(f"{path} can't be resumed: {error}") from None


def _read(
    arrays: dict[str, Array],
    words: Metadata,
    start: TrainingState,
    config: Config,
    fingerprint: dict[str, Any],
    worst: float,
) -> History:
    held = _rename(words.mapping("training"))
    for name in fingerprint | held:
        if held.get(name) != fingerprint.get(name):
            raise InputError(
                f"it is of another run: its {name:.40} is {held.get(name)!r:.80}, "
                f"expected {fingerprint.get(name)!r:.80}"
            )
    params = {n.removeprefix("param "): a for n, a in arrays.items() if n.startswith("param ")}
    shapes = {name: (array.shape, array.dtype) for name, array in params.items()}
    if shapes != {name: (array.shape, array.dtype) for name, array in start.params.items()}:
        raise InputError("its weights have other names, shapes or dtypes than this run's")
    slots = {n.removeprefix("slot "): a for n, a in arrays.items() if n.startswith("slot ")}
    history = History(start, worst)
    _fill(history, arrays, config)
    steps = sum(map(len, history.losses))
    if (step := words.count("step")) != steps:
        raise InputError(f"it counts {step!s:.40} steps, and holds {steps} losses")
    history.state = TrainingState(params, slots, steps)
    return history


def _rename(training: dict[str, Any]) -> dict[str, Any]:
    """Return what 0.1.0 called `gauge`, which was tied or native, as `biases`."""
    if "gauge" not in training:
        return training
    biases = "separate" if training["gauge"] == "native" else training["gauge"]
    return {n: v for n, v in training.items() if n != "gauge"} | {"biases": biases}


def _fill(history: History, arrays: dict[str, Array], config: Config) -> None:
    for name in ("losses", "norms", "weights"):
        array = arrays.get(name)
        if array is None or array.ndim != 2 or array.dtype != config.dtype:
            raise InputError(f"it has no {name} of {config.dtype} for each epoch")
        setattr(history, name, list(array))
    if not len(history.losses) == len(history.norms) == len(history.weights) > 0:
        raise InputError("its losses, norms and weights are of different numbers of epochs")
