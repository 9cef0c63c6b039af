"""The LSTMs that are timed: three sizes, and a small one that is doubled in each of its sizes."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from gateparity.config import Config
from gateparity.conformance.bench.targets import OPERATIONS, TRAIN
from gateparity.conformance.cases import build_case, draw_for
from gateparity.errors import InputError, suggest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateparity.conformance.cases import Case

DTYPE: Final = "float32"


@dataclasses.dataclass(frozen=True)
class Size:
    """Steps, sequences, input features and hidden units; and whether it is trained as well."""

    name: str
    steps: int
    batch: int
    inputs: int
    hidden: int
    trains: bool = False

    @property
    def operations(self) -> tuple[str, ...]:
        """What is timed at this size."""
        return OPERATIONS if self.trains else tuple(name for name in OPERATIONS if name != TRAIN)

    @property
    def words(self) -> str:
        """As they are printed."""
        return f"T {self.steps} B {self.batch} I {self.inputs} H {self.hidden}"

    def build(self, seed: int) -> Case:
        """An LSTM of one layer at this size, and what it is fed: full sequences, float32."""
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
    """The sizes of these names; all for none. Raises `InputError` for an unknown one."""
    for name in names:
        if name not in SIZES:
            hint = suggest(name, SIZES)
            raise InputError(f"unknown size {name!r}{hint}: expected one of {', '.join(SIZES)}")
    return [size for name, size in SIZES.items() if not names or name in names]


def growing_sizes() -> dict[tuple[str, int], Size]:
    """What is timed to see how time grows: a letter and a factor, and that size."""
    return {
        (letter, factor): dataclasses.replace(_BASE, **{field: getattr(_BASE, field) * factor})
        for letter, field in GROWING.items()
        for factor in _FACTORS
        if factor > 1 or letter == "T"  # the base itself once
    }
