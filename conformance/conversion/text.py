"""Lines of generated code, and the loops and blocks that they stand in."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateparity.config import Config


@dataclasses.dataclass
class Text:
    """Code that grows by a line at a time; four spaces a level."""

    lines: list[str] = dataclasses.field(default_factory=list)
    level: int = 0

    def __str__(self) -> str:
        return "\n".join(self.lines) + "\n"

    def add(self, line: str) -> None:
        """One more line, at this level."""
        self.lines.append("    " * self.level + line)

    @contextlib.contextmanager
    def indented(self) -> Iterator[None]:
        """A block."""
        self.level += 1
        yield
        self.level -= 1

    @contextlib.contextmanager
    def loops(self, heads: Iterable[str]) -> Iterator[None]:
        """Loops in each other: none, where there are no heads."""
        with contextlib.ExitStack() as stack:
            for head in heads:
                self.add(f"for {head}:")
                stack.enter_context(self.indented())
            yield

    @contextlib.contextmanager
    def each_layer(self, layers: int, *, suffixed: bool) -> Iterator[None]:
        """A loop over layers, where there are several; `suffix` is empty for the first."""
        with self.loops([f"layer in range({layers})"] if layers > 1 else []):
            if layers > 1 and suffixed:
                self.add('suffix = f"_{layer}" if layer else ""')
            yield


def describe_structure(config: Config) -> str:
    """`2 layers, both directions, with biases`."""
    layers = f"{config.layers} layer{'s' if config.layers > 1 else ''}"
    directions = "both directions" if config.directions == 2 else "1 direction"
    return f"{layers}, {directions}, {'with' if config.biases else 'without'} biases"
