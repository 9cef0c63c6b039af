"""One entry of a layout: an array's name, its role, and the order of its axes."""

from __future__ import annotations

import dataclasses
import re
from string import Formatter
from typing import Final

from gateparity.role import ROLES

_PARTS: Final = ("layer", "_layer", "direction", "cell", "gate")  # that a name may hold


@dataclasses.dataclass(frozen=True)
class Tensor:
    """One native array, or several that differ in the name.

    `name` may hold `{layer}`, `{direction}` and `{gate}`, or `{cell}`, which counts layers and
    directions together; `{_layer}` is empty for the first layer, then `_1`, `_2`. `role` is a key
    of `ROLES`. `pattern` is the native side of an einops pattern over the role's axes. A direction
    or gate that is not in the name is an axis of the pattern. `gates` is how this name spells them,
    if it differs from the layout's others.

    The constructor raises `ValueError` for an invalid entry, so that calls need no checks.
    """

    name: str
    role: str
    pattern: str
    gates: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ValueError(
                f"Tensor {self.name!r}: role {self.role!r}, expected one of {', '.join(ROLES)}"
            )
        for _, part, _, _ in Formatter().parse(self.name):
            if part is not None and part not in _PARTS:
                expected = ", ".join(f"{{{name}}}" for name in _PARTS)
                raise ValueError(f"Tensor {self.name!r}: {{{part}}}, expected one of {expected}")
        self._check_axes()

    def _check_axes(self) -> None:
        """Raise `ValueError` unless the pattern has each of the role's axes once.

        A gate that the name spells is left out, and the direction is optional.
        """
        axes = ROLES[self.role].axes.split()
        expected = [axis for axis in axes if axis != "gate" or "{gate}" not in self.name]
        found = re.sub(r"\(([^()]*)\)", r" \1 ", self.pattern).split()
        if sorted(found) not in (sorted(expected), sorted([*expected, "direction"])):
            raise ValueError(
                f"Tensor {self.name!r}: axes {' '.join(found)!r}, expected {' '.join(expected)!r} "
                "in some order, and 'direction' where the name doesn't tell it"
            )

    @property
    def axes(self) -> list[str]:
        """Return the axes that the pattern names."""
        return re.findall(r"\w+", self.pattern)

    @property
    def tells_layers(self) -> bool:
        """Return whether the name differs by layer."""
        return any(part in self.name for part in ("{layer}", "{_layer}", "{cell}"))

    @property
    def tells_directions(self) -> bool:
        """Return whether the name differs by direction."""
        return "{direction}" in self.name or "{cell}" in self.name
