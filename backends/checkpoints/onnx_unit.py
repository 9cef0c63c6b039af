"""One recurrent operator or cell of an ONNX graph, before those that belong together are joined."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from gateparity.backends.checkpoints.contents import REVERSE

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from gateparity.backends.checkpoints.onnx_constants import Constant
    from gateparity.backends.checkpoints.onnx_graph import Value
    from gateparity.packing.layout import Layout


@dataclasses.dataclass(frozen=True)
class Unit:
    """A layer of one or two directions, in one step of time or in all.

    `reads` is what it consists of before anything changes its shape, `writes` its outputs. The
    sizes are 0 where they aren't known.
    """

    path: str
    kind: str
    reads: frozenset[Value]
    writes: frozenset[Value]
    arrays: Mapping[str, Constant] = dataclasses.field(default_factory=dict)
    layout: Layout | None = None
    input_size: int = 0
    hidden_size: int = 0
    directions: int = 1
    oddities: tuple[str, ...] = ()
    refusal: str = ""

    @property
    def key(self) -> Hashable:
        """Return what is equal for units that share their weights."""
        arrays = tuple((name, array.key) for name, array in self.arrays.items())
        return (self.kind, self.layout, self.refusal, arrays or self.path)

    def feeds(self, other: Unit) -> bool:
        """Return whether another unit is the next layer of the LSTM that this one is part of."""
        return (
            self is not other
            and not (self.refusal or other.refusal)
            and (self.kind, self.layout) == (other.kind, other.layout)
            and set(self.arrays) == set(other.arrays)
            and self.hidden_size == other.hidden_size
            and self.directions == other.directions
            and other.input_size == self.directions * self.hidden_size
            and (REVERSE in self.oddities) == (REVERSE in other.oddities)
            and bool(other.reads)
            and other.reads <= self.writes
        )
