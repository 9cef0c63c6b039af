"""What torch.save wrote before PyTorch 1.6: pickles in a row, and the numbers of the arrays.

PyTorch's worker checks the sizes that a file declares, and then unpacks it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateparity.backends.checkpoints.contents import Contents, StoredArray
from gateparity.backends.checkpoints.format import Format
from gateparity.backends.torch.legacy import MAGIC

if TYPE_CHECKING:
    from gateparity.backends.checkpoints.source import Source

NAME: Final = "a state_dict that torch.save wrote"
SUFFIX: Final = ".pt"


def ask_pytorch(source: Source) -> Contents:
    """Return the arrays that PyTorch's worker unpacks."""
    data = source.part(0, source.size)
    arrays = source.ask("torch", "gateparity.backends.torch.checkpoint:load", data)
    return Contents(
        NAME,
        {
            name: StoredArray(array.shape, str(array.dtype), lambda array=array: array)  # type: ignore[misc]
            for name, array in arrays.items()
        },
    )


FORMATS: Final = (Format(NAME, lambda source: source.head.startswith(MAGIC), ask_pytorch, SUFFIX),)
