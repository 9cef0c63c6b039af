"""PyTorch's own files, unpacked by PyTorch in a worker; only arrays come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateparity.backends.spec import parse_backends
from gateparity.backends.workers.remote import BackendError, WorkerLost, open_worker
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateparity.backends.backend import Backend
    from gateparity.backends.workers.remote import Worker
    from gateparity.network.parameters import Array


def torch_loader(rows: Sequence[Backend]) -> Callable[[bytes], dict[str, Array]]:
    """Return a function that unpacks a .pt file's bytes, in the first PyTorch among the backends.

    If there is none, the installed PyTorch is used. The function raises `InputError` without
    PyTorch, and `ValueError` that says what is wrong with the file.
    """

    def load(data: bytes) -> dict[str, Array]:
        candidates = [*rows, *parse_backends(["torch"])]
        found = [row for row in candidates if row.framework == "torch" and row.python]
        if not found:
            raise InputError(
                "a .pt file is read by PyTorch, which isn't found: gateparity env create torch, "
                "or save the weights as .safetensors"
            )
        with open_worker(found[0]) as worker:
            return load_in(worker, data)

    return load


def load_in(worker: Worker, data: bytes) -> dict[str, Array]:
    """Return the arrays of a .pt file's bytes, unpacked in a worker that has PyTorch."""
    try:
        found: dict[str, Array] = worker.call(
            "apply", "gateparity.backends.torch.checkpoint:load", data
        )
    except WorkerLost as lost:
        raise InputError(f"PyTorch's worker can't read a checkpoint: {lost}") from None
    except BackendError as error:  # the reader's own sentence about the file
        raise ValueError(str(error).removeprefix("ValueError: ")) from None
    return found
