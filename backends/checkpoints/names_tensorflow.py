"""Recurrent layers of TensorFlow besides Keras's names: cells of version 1, and exported lists.

A cell of version 1 has one kernel over `[x, h]`. `model.export` of Keras 3 numbers its variables;
an LSTM is then three in a row whose shapes fit.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gateparity.backends.checkpoints.contents import FoundLayer, found_lstm
from gateparity.layouts.keras import KERAS
from gateparity.layouts.tensorflow import TF1

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateparity.backends.checkpoints.contents import StoredArray

CELL: Final = re.compile(
    r"(?P<path>(?:.*/)?[^/]*(?P<kind>lstm|gru|rnn)_?cell[^/]*)/"
    r"(?P<name>gates/kernel|kernel|bias|w_[fio]_diag|projection/kernel)",
    re.DOTALL | re.IGNORECASE,
)
LISTED: Final = re.compile(r"variables/(?P<number>[0-9]{1,6})")
ASSUMED: Final = "a forget_bias of 1 at run time is assumed"
BY_SHAPE: Final = "found by its shapes alone"


def find(arrays: Mapping[str, StoredArray]) -> list[FoundLayer]:
    """Return cells of version 1, and layers in an exported list of variables."""
    groups: dict[tuple[str, str], dict[str, StoredArray]] = {}
    for whole, array in arrays.items():
        if own := CELL.fullmatch(whole):
            groups.setdefault((own["path"], own["kind"].lower()), {})[own["name"]] = array
    cells = [
        _cell(path, kind, group)
        for (path, kind), group in groups.items()
        if f"{path}/recurrent_kernel" not in arrays and _first(kind) in group
    ]
    numbered = {int(own["number"]): arrays[own[0]] for own in map(LISTED.fullmatch, arrays) if own}
    return [*cells, *_exported(numbered)]


def _first(kind: str) -> str:
    return "gates/kernel" if kind == "gru" else "kernel"


def _cell(path: str, kind: str, group: Mapping[str, StoredArray]) -> FoundLayer:
    if kind == "lstm":
        return found_lstm(path, TF1, group, [ASSUMED])
    rows, columns = (*group[_first(kind)].shape, 0, 0)[:2]
    hidden = columns // 2 if kind == "gru" else columns  # a GRU's two gates; its state is apart
    return FoundLayer(path, kind.upper(), max(rows - hidden, 0), hidden, arrays=group)


def _exported(numbered: Mapping[int, StoredArray]) -> Iterator[FoundLayer]:
    """Yield LSTMs and GRUs of Keras: kernel, recurrent kernel and bias have numbers in a row."""
    for number, kernel in sorted(numbered.items()):
        others = [numbered.get(number + 1), numbered.get(number + 2)]
        three = [kernel, *(array for array in others if array)]
        shapes = [array.shape for array in three]
        if len(three) < 3 or [len(shape) for shape in shapes[:2]] != [2, 2]:
            continue
        (inputs, columns), (hidden, same), bias = shapes
        path = f"variables/{number}"
        if columns == same == 4 * hidden and bias == (4 * hidden,):
            own = [t.name.format(layer=0, direction=KERAS.directions[0]) for t in KERAS.tensors]
            yield found_lstm(path, KERAS, dict(zip(own, three, strict=True)), [BY_SHAPE])
        elif columns == same == 3 * hidden and bias in ((3 * hidden,), (2, 3 * hidden)):
            names = ("kernel", "recurrent_kernel", "bias")
            group = dict(zip(names, three, strict=True))
            yield FoundLayer(path, "GRU", inputs, hidden, arrays=group, oddities=(BY_SHAPE,))
