"""The LSTMs that are timed: three sizes, and a small one whose sizes are doubled one at a time."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from gateparity.conformance.bench.targets import OPERATIONS, TRAIN
from gateparity.conformance.problems.case import build_case, draw_for
from gateparity.errors import refuse_unknown
from gateparity.network.config import Config

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateparity.conformance.problems.case import Case

DTYPE: Final = "float32"


@dataclasses.dataclass(frozen=True)
class Size:
    """Steps, sequences, input features and hidden units; `trains` if training is timed as well."""

    name: str
    steps: int
    batch: int
    inputs: int
    hidden: int
    trains: bool = False

    @property
    def operations(self) -> tuple[str, ...]:
        """Return the operations that are timed at this size."""
        return OPERATIONS if self.trains else tuple(name for name in OPERATIONS if name != TRAIN)

    @property
    def words(self) -> str:
        """Return the sizes as they are printed: `T 10 B 1 I 8 H 8`."""
        return f"T {self.steps} B {self.batch} I {self.inputs} H {self.hidden}"

    def build(self, seed: int) -> Case:
        """Build a case with an LSTM of one layer at this size: full sequences, float32."""
        draw = draw_for(self.name, seed, DTYPE)
        x = draw((self.steps, self.batch, self.inputs), 1.0)
        return build_case(self.name, Config(self.inputs, self.hidden, dtype=DTYPE), x, draw)


SIZES: Final = {
    size.name: size
    for size in (
        Size("small", 50, 128, 20, 100),
        Size("wide", 32, 1024, 28, 32, trains=True),  # d2l's own
        Size("large", 100, 32, 256, 512),
    )
}
# Large enough that calls aren't most of it; four times as large, what is kept still fits a cache.
_BASE: Final = Size("growth", 32, 64, 32, 64)
_FACTORS: Final = (1, 2, 4)
GROWING: Final = {"T": "steps", "B": "batch", "H": "hidden"}


def choose_sizes(names: Sequence[str]) -> list[Size]:
    """Return the sizes with these names, or all without names. Raise `InputError` if unknown."""
    refuse_unknown("size", names, SIZES)
    return [size for name, size in SIZES.items() if not names or name in names]


def growing_sizes() -> dict[tuple[str, int], Size]:
    """Return the sizes for the growth of time, by (letter, factor).

    One dimension at a time is multiplied by each factor; the base itself is there once.
    """
    return {
        (letter, factor): dataclasses.replace(_BASE, **{field: getattr(_BASE, field) * factor})
        for letter, field in GROWING.items()
        for factor in _FACTORS
        if factor > 1 or letter == "T"  # the base itself once
    }
