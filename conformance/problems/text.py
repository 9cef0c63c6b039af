"""A text as one-hot windows of characters, cut as d2l cuts The Time Machine.

These are real inputs: one symbol in 28 is set, a few symbols repeat often, and neighbouring windows
differ by one step. Random numbers have none of that.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.errors import InputError
from gateparity.files import read_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from gateparity.network.parameters import Array


UNKNOWN: Final = "<unk>"  # d2l's symbol for what isn't in the vocabulary; it comes first here


@dataclasses.dataclass(frozen=True)
class Text:
    """A text as numbers: `codes (n,)` are indices into `symbols`; `where` names it in errors."""

    symbols: tuple[str, ...]
    codes: Array
    where: str = "the text"


def read_text(path: Path) -> Text:
    """Return the letters of a UTF-8 file in lower case, everything between them as one space.

    The symbols are `<unk>` and then the characters that occur, sorted: 28 for The Time Machine.
    Raise `InputError` for a file that isn't readable, isn't UTF-8 or has no letters A to Z. Source:
    https://d2l.ai/chapter_recurrent-neural-networks/text-sequence.html.
    """
    data = read_bytes(path, "a text")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8: {error.reason} at byte {error.start}") from None
    return encode_text(text, str(path))


def encode_text(text: str, where: str) -> Text:
    """Return a text as numbers. Raise `InputError` if it has no letters A to Z."""
    letters = re.sub("[^A-Za-z]+", " ", text).lower()
    if not letters.strip():
        raise InputError(f"{where} has no letters, expected a text with some of A to Z")
    found, codes = np.unique(np.frombuffer(letters.encode(), np.uint8), return_inverse=True)
    return Text((UNKNOWN, *map(chr, found)), codes + 1, where)


def windows(text: Text, steps: int = 32, batch: int = 256) -> Array:
    """Return the first `batch` windows, each starting one character later, as codes `(T, B)`.

    There are fewer if the text ends sooner. As in d2l, a window needs one character more than it
    has steps: the label of the last step. Raise `InputError` if the text is shorter than that.
    """
    if len(text.codes) <= steps:
        raise InputError(
            f"{text.where} has {len(text.codes)} letters and spaces, "
            f"expected at least {steps + 1}: {steps} steps and the label of the last"
        )
    cut = np.lib.stride_tricks.sliding_window_view(text.codes, steps + 1)
    return np.ascontiguousarray(cut[:batch, :-1].T)
