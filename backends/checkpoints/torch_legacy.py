"""What torch.save wrote before PyTorch 1.6: pickles in a row, and the numbers of the arrays.

PyTorch's worker checks the sizes that a file declares, and then unpacks it.
"""

from __future__ import annotations

from typing import Final

from gateparity.backends.checkpoints.format import Format
from gateparity.backends.checkpoints.torch_zip import NAME, SUFFIX
from gateparity.backends.torch.legacy import MAGIC

FORMATS: Final = (
    Format(NAME, lambda data: data.startswith(MAGIC), lambda data, load: load(data), SUFFIX),
)
