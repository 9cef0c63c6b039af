"""One native array of one layer, and the einops patterns that convert it in both directions."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gateparity.network.parameters import Array
    from gateparity.packing.array_spec import Contents


@dataclasses.dataclass(frozen=True)
class NativeArray:
    """A native array: the part `where` (direction, gate) of the array of its contents, rearranged.

    That array is `(direction, gate, ...)`, with gates in the layout's order. A direction or
    gate that is in the native name, and not in the pattern, is an axis of length 1 here.
    """

    name: str
    contents: Contents
    layer: int
    where: tuple[slice, slice]
    pattern: str
    axis_sizes: dict[str, int]
    block: str = ""

    @functools.cached_property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of the native array."""
        sizes = self.axis_sizes | {"1": 1}
        groups = re.findall(r"\([^)]*\)|\w+", self.pattern)
        return tuple(math.prod(sizes[axis] for axis in re.findall(r"\w+", g)) for g in groups)

    def pack(self, whole: Array) -> Array:
        """Return the native array, cut out of the array of its contents and rearranged."""
        import einops

        patterns = f"{self._canonical} -> {self._native}"
        native = einops.rearrange(whole[self.where], patterns)
        return np.ascontiguousarray(self._turn(native, self.block, self._shown))

    def unpack(self, native: Array) -> Array:
        """Return this part of the array of its contents, rearranged from the native one."""
        return self._unpack(self._turn(native, self._shown, self.block), self.axis_sizes)

    def infer_sizes(self, native: Array) -> dict[str, int]:
        """Return the lengths of the axes, from the array's shape and the number of gates.

        Raise `ValueError` if the shape doesn't fit the pattern.
        """
        known = {axis: self.axis_sizes[axis] for axis in ("gate", "side")}
        try:
            shape = self._unpack(native, known).shape
        except RuntimeError:  # what einops raises, einops.EinopsError, is one
            raise ValueError(
                f"{self.name} has shape {native.shape}, expected {self.pattern} "
                f"of {known['gate']} gates"
            ) from None
        return dict(zip(self._canonical.split(), shape, strict=True))

    @property
    def _canonical(self) -> str:
        return "direction " + self.contents.axes

    @functools.cached_property
    def _axes(self) -> tuple[str, ...]:
        return tuple(re.findall(r"\w+", self.pattern))

    @functools.cached_property
    def _native(self) -> str:
        """Return the pattern with the axes that only the name spells.

        They have length 1, and are added to the first group, where they change no shape.
        """
        named = [a for a in ("direction", "gate") if a not in self._axes]
        first, *rest = re.findall(r"\([^)]*\)|\w+", self.pattern)
        return " ".join([f"({' '.join([*named, first.strip('()')])})", *rest])

    @functools.cached_property
    def _shown(self) -> str:
        """Return the axes of one gate's block, in the order of the pattern."""
        return " ".join(axis for axis in self._axes if axis != "gate")

    def _turn(self, native: Array, here: str, there: str) -> Array:
        """Return the array whose numbers of each gate, read in axes `here`, lie in axes `there`."""
        import einops

        if not self.block:
            return native
        sizes = {axis: self.axis_sizes[axis] for axis in ("gate", *self._shown.split())}
        rows = einops.rearrange(native, f"{self.pattern} -> gate ({here})", **sizes)
        turned: Array = einops.rearrange(rows, f"gate ({there}) -> {self.pattern}", **sizes)
        return turned

    def _unpack(self, native: Array, sizes: dict[str, int]) -> Array:
        import einops

        given = {axis: size for axis, size in sizes.items() if axis in self._axes}
        for axis in {"direction", "gate"} - set(self._axes):
            given[axis] = 1
        whole: Array = einops.rearrange(native, f"{self._native} -> {self._canonical}", **given)
        return whole
