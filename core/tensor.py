"""One line of a layout: an array's name, what it holds, and how its axes lie."""

from __future__ import annotations

import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Tensor:
    """One native array, or several that differ in the name: what it is called and how it lies.

    `name` may hold `{layer}`, `{direction}` and `{gate}`, or `{cell}`, which counts layers and
    directions together; `{_layer}` is empty for the first layer, then `_1`, `_2`. `role` is a key
    of `ROLES`; `pattern` is the native side of an einops pattern over the role's axes. A direction
    or gate that is not in the name is an axis of the pattern. `gates` is how this name spells them,
    where it differs from the layout's others.
    """

    name: str
    role: str
    pattern: str
    gates: tuple[str, ...] = ()

    @property
    def axes(self) -> list[str]:
        """The axes that the pattern names."""
        return re.findall(r"\w+", self.pattern)

    @property
    def tells_layers(self) -> bool:
        """Whether layers have names of their own."""
        return any(part in self.name for part in ("{layer}", "{_layer}", "{cell}"))

    @property
    def tells_directions(self) -> bool:
        """Whether directions have names of their own."""
        return "{direction}" in self.name or "{cell}" in self.name
