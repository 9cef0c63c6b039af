"""The kinds of recurrent cell, as data: their gates, their states, and whose equations they are.

The LSTM is the only one so far. What depends on the number of gates, or on their order, reads it
here, through `Config.cell` where a config is at hand.
"""

from __future__ import annotations

import dataclasses
from typing import Final


@dataclasses.dataclass(frozen=True)
class CellKind:
    """A kind of cell. `gates` has a letter for each gate, in the canonical order.

    `states` are the names of what a step hands to the next, the output first. `source` is where
    the equations are written.
    """

    name: str
    gates: str
    states: tuple[str, ...]
    source: str


LSTM: Final = CellKind(
    name="lstm",
    gates="ifgo",  # input, forget, cell candidate, output
    states=("h", "c"),
    source="https://d2l.ai/chapter_recurrent-modern/lstm.html",
)
