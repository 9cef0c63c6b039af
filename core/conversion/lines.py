"""Lines of generated code, with their loops and blocks."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateparity.network.config import Config


@dataclasses.dataclass
class CodeLines:
    """Code that grows by one line at a time, with four spaces for each level."""

    lines: list[str] = dataclasses.field(default_factory=list)
    level: int = 0

    def __str__(self) -> str:
        return "\n".join(self.lines) + "\n"

    def add(self, line: str) -> None:
        """Add one line at the current level."""
        self.lines.append("    " * self.level + line)

    @contextlib.contextmanager
    def indented(self) -> Iterator[None]:
        """Indent the lines that are added within the `with` statement."""
        self.level += 1
        yield
        self.level -= 1

    @contextlib.contextmanager
    def loops(self, headers: Iterable[str]) -> Iterator[None]:
        """Open nested loops with these headers, and indent what the `with` statement adds."""
        with contextlib.ExitStack() as stack:
            for header in headers:
                self.add(f"for {header}:")
                stack.enter_context(self.indented())
            yield

    @contextlib.contextmanager
    def each_layer(self, layers: int, *, suffixed: bool) -> Iterator[None]:
        """Open a loop over layers if there are several; `suffix` is empty for the first layer."""
        with self.loops([f"layer in range({layers})"] if layers > 1 else []):
            if layers > 1 and suffixed:
                self.add('suffix = f"_{layer}" if layer else ""')
            yield


def describe_structure(config: Config) -> str:
    """Return the structure as text: `2 layers, both directions, with biases`."""
    layers = f"{config.layers} layer{'s' if config.layers > 1 else ''}"
    directions = "both directions" if config.directions == 2 else "1 direction"
    return f"{layers}, {directions}, {'with' if config.biases else 'without'} biases"
