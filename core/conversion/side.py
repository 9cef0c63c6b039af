"""A layout as generated code uses it: names as literals, patterns and loops for one structure."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Final

from gateparity.network.config import GATES
from gateparity.packing.array_spec import CONTENTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateparity.network.config import Config
    from gateparity.packing.array_spec import ArraySpec
    from gateparity.packing.layout import Layout

_SIZES: Final = {
    "gate": str(len(GATES)),
    "hidden": "hidden_size",
    "unit": "hidden_size",
    "input": "size",
}


@dataclasses.dataclass(frozen=True)
class Side:
    """The source or the target of a conversion. With one direction, no array has an axis for it.

    With `layer` it is that layer alone, of a layout that holds several, and the config has one.
    """

    layout: Layout
    config: Config
    layer: int = 0

    @property
    def tensors(self) -> list[ArraySpec]:
        """Return the layout's tensors that an LSTM of this structure has."""
        biased = self.config.biases or self.layout.always_biased
        return [t for t in self.layout.tensors if biased or not CONTENTS[t.contents].is_bias]

    @property
    def contents(self) -> list[str]:
        """Return the contents of the tensors, in their order."""
        return [tensor.contents for tensor in self.tensors]

    @property
    def biases(self) -> list[str]:
        """Return the contents that are biases."""
        return [contents for contents in self.contents if CONTENTS[contents].is_bias]

    @property
    def directed(self) -> list[str]:
        """Return the direction axis in a list, or an empty list if there is one direction."""
        return ["direction"] if self.config.directions == 2 else []

    @property
    def suffixed(self) -> bool:
        """Return whether names count layers from the second on, as `_1`, `_2`."""
        return any("{_layer}" in tensor.name for tensor in self.layout.tensors)

    def named(self, tensor: ArraySpec) -> list[str]:
        """Return the axes, of direction and gate, that the name spells and the pattern lacks."""
        return [axis for axis in (*self.directed, "gate") if axis not in tensor.axes]

    def axes(self, tensor: ArraySpec) -> list[str]:
        """Return the axes of the array of its contents."""
        return [*self.directed, *CONTENTS[tensor.contents].axes.split()]

    def pattern(self, tensor: ArraySpec) -> str:
        """Return the einops pattern; a direction axis becomes 1 if there is one direction."""
        if self.directed:
            return tensor.pattern
        return re.sub(r"\bdirection\b", "1", tensor.pattern)

    def name(self, tensor: ArraySpec) -> str:
        """Return the array's name as a literal, or as an f-string if a loop variable is in it."""
        many, both = self.config.layers > 1, bool(self.directed)
        number = self.layer if self.layout.many_layers else 0
        layer = "{layer}" if many else str(number)
        first = "2 * layer + " if many else f"{2 * number} + " if number else ""
        cell = f"{{{first}d}}" if both else layer
        suffix = "{suffix}" if many else f"_{number}" if number else ""
        name = tensor.name.replace("{_layer}", suffix)
        name = name.replace("{cell}", cell).replace("{layer}", layer)
        name = name if both else name.replace("{direction}", self.layout.directions[0])
        return f'f"{name}"' if "{" in name else f'"{name}"'

    def spelled(self, tensor: ArraySpec, order: str) -> tuple[str, ...]:
        """Return how a tensor's name spells the gates, in the given order."""
        spelled = dict(zip(GATES, self.layout.spelled(tensor), strict=True))
        return tuple(spelled[gate] for gate in order)

    def direction_loop(self, *, counted: bool = False) -> str:
        """Return the head of a loop over directions; with `counted`, `d` counts them."""
        if any("{cell}" in tensor.name for tensor in self.layout.tensors):
            return "d in range(2)"
        names = literals(self.layout.directions)
        return f"d, direction in enumerate({names})" if counted else f"direction in {names}"

    def shape(self, tensor: ArraySpec) -> str:
        """Return the shape of a part of a vector, as code."""
        groups = re.findall(r"\([^)]*\)|\w+", tensor.pattern)
        parts = [" * ".join(_SIZES[axis] for axis in re.findall(r"\w+", g)) for g in groups]
        return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


def literals(items: Iterable[str]) -> str:
    """Return names as the code of a tuple."""
    return "(" + ", ".join(f'"{item}"' for item in items) + ")"
