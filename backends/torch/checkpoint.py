"""A file that torch.save wrote, read by PyTorch itself in its own worker.

Whatever the file holds, no code of it runs: `weights_only` builds arrays and plain containers and
refuses the rest. Arrays come back at dtypes that NumPy has. Files from before 1.6, which are no zip
archives, are accepted too: `legacy` knows their sizes before they are allocated.
"""

from __future__ import annotations

import io
import pickle
import re
from typing import TYPE_CHECKING, Any, Final

import torch

from gateparity.backends.torch.legacy import MAGIC, check_storages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateparity.network.parameters import Array

# float16 and bfloat16 fit into float32 exactly.
DTYPES: Final = {
    torch.float16: torch.float32,
    torch.bfloat16: torch.float32,
    torch.float32: torch.float32,
    torch.float64: torch.float64,
}
ALLOCATES: Final = b"\nbytearray\n"  # as a pickle names it: `weights_only` lets it take any size
COPIES: Final = 64  # how often, all in all, tied weights may stand in a file under other names


def load(data: bytes) -> dict[str, Array]:
    """Return the float arrays in a file of `torch.save`, with nested names joined by dots.

    Integer and non-dense tensors are left out. Raise `ValueError`, in one line, for data that isn't
    such a file, has no arrays, would run code, or holds arrays larger than the file. Source:
    https://docs.pytorch.org/docs/stable/generated/torch.load.html.
    """
    found = _load(data)
    if not isinstance(found, dict):
        raise ValueError(f"holds one {type(found).__name__}, expected a state_dict of named arrays")
    tensors = {name: value.detach() for name, value in _flatten(found) if _fits(value)}
    if not tensors:
        raise ValueError(f"no float arrays among its {len(found)} entries, expected a state_dict")
    _check_sizes(tensors, len(data))
    return {name: _array(tensor) for name, tensor in tensors.items()}


def _load(data: bytes) -> Any:
    if ALLOCATES in data:
        raise ValueError("PyTorch refuses to load: it holds more than arrays (bytearray)")
    if data.startswith(MAGIC):
        check_storages(data)
    try:
        return torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"PyTorch refuses to load: it holds more than arrays ({_culprit(str(error))}); "
            "expected torch.save(model.state_dict(), ...)"
        ) from None
    except Exception as error:  # noqa: BLE001  a damaged file may raise anything
        line = re.sub(r"^\[enforce fail.*?\][ .]*", "", str(error).strip()).partition("\n")[0]
        reason = f"{type(error).__name__}: {line.partition('. ')[0]}".rstrip(": ")
        raise ValueError(f"PyTorch can't load it ({reason})") from None


def _culprit(message: str) -> str:
    """Return the name that `weights_only` refused, found in PyTorch's long message.

    The wording differs by version, so two patterns are tried.
    """
    for pattern in (r"(?:GLOBAL|class) ([\w.]+\w)", r"error: (.{1,100})"):
        if named := re.search(pattern, message):
            return named[1]
    return "unknown"


def _flatten(values: dict[Any, Any]) -> Iterator[tuple[str, Any]]:
    """Yield every value with its dotted name.

    A dict is entered once, since a pickle may contain itself.
    """
    seen, waiting = {id(values)}, [("", values)]
    while waiting:
        prefix, inner = waiting.pop()
        for key, value in inner.items():
            # A pickle may hold half a surrogate pair, which no wire can carry.
            name = f"{prefix}{key}".encode("utf-8", "backslashreplace").decode()
            if not isinstance(value, dict):
                yield name, value
            elif id(value) not in seen:
                seen.add(id(value))
                waiting.append((f"{name}.", value))


def _fits(value: Any) -> bool:
    """Return whether NumPy can hold a value: a dense float tensor on the CPU."""
    return (
        isinstance(value, torch.Tensor)
        and value.dtype in DTYPES
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and not value.is_nested
    )


def _check_sizes(tensors: dict[str, torch.Tensor], size: int) -> None:
    """Raise `ValueError` for views that repeat a few numbers until they fill the memory."""
    total = 0
    for name, tensor in tensors.items():
        found = tensor.numel() * tensor.element_size()
        total += found
        if found > size:
            raise ValueError(f"{name} takes {found} bytes in a file of {size}: a view that repeats")
    if total > COPIES * size:
        raise ValueError(f"its arrays take {total} bytes in a file of {size}: views that repeat")


def _array(tensor: torch.Tensor) -> Array:
    array: Array = tensor.to(DTYPES[tensor.dtype]).resolve_neg().contiguous().numpy()
    return array
