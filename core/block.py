"""One native array of one layer, and the einops patterns that take it there and back."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gateparity.parameters import Array
    from gateparity.role import Role


@dataclasses.dataclass(frozen=True)
class Block:
    """A native array: the part `where` (direction, gate) of a role's array, rearranged.

    The role's array is `(direction, gate, ...)`, gates in the layout's order. A direction or gate
    that the native name says, and the pattern doesn't, is an axis of length 1 here.
    """

    name: str
    role: Role
    layer: int
    where: tuple[slice, slice]
    pattern: str
    axis_sizes: dict[str, int]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the native array."""
        sizes = self.axis_sizes | {"1": 1}
        groups = re.findall(r"\([^)]*\)|\w+", self.pattern)
        return tuple(math.prod(sizes[axis] for axis in re.findall(r"\w+", g)) for g in groups)

    def pack(self, whole: Array) -> Array:
        """The native array from the role's."""
        import einops

        patterns = f"{self._canonical} -> {self._native}"
        return np.ascontiguousarray(einops.rearrange(whole[self.where], patterns))

    def unpack(self, native: Array) -> Array:
        """This part of the role's array from the native one."""
        return self._unpack(native, self.axis_sizes)

    def infer_sizes(self, native: Array) -> dict[str, int]:
        """The lengths of the axes, from an array alone: only gates and sides are known."""
        known = {axis: self.axis_sizes[axis] for axis in ("gate", "side")}
        try:
            shape = self._unpack(native, known).shape
        except RuntimeError:  # what einops raises, einops.EinopsError, is one
            raise ValueError(
                f"{self.name} has shape {native.shape}, expected {self.pattern} of 4 gates"
            ) from None
        return dict(zip(self._canonical.split(), shape, strict=True))

    @property
    def _canonical(self) -> str:
        return "direction " + self.role.axes

    @property
    def _native(self) -> str:
        """The pattern with the axes of length 1 that only the name tells put in, where they
        change no shape: into the first group.
        """
        named = [a for a in ("direction", "gate") if a not in re.findall(r"\w+", self.pattern)]
        first, *rest = re.findall(r"\([^)]*\)|\w+", self.pattern)
        return " ".join([f"({' '.join([*named, first.strip('()')])})", *rest])

    def _unpack(self, native: Array, sizes: dict[str, int]) -> Array:
        import einops

        axes = re.findall(r"\w+", self.pattern)
        given = {axis: size for axis, size in sizes.items() if axis in axes}
        for axis in {"direction", "gate"} - set(axes):
            given[axis] = 1
        whole: Array = einops.rearrange(native, f"{self._native} -> {self._canonical}", **given)
        return whole
