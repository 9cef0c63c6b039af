"""The gate-split spec: how a framework names, orders, transposes, fuses and offsets its arrays.

A layout is data in einops notation, so that the spec documents itself. It is affine and has three
maps. `pack` maps canonical parameters to native arrays. `unpack` is a right inverse of it,
bit-exact wherever the layout can hold the parameters. `pullback` maps native gradients to canonical
ones. It is the transpose of the linear part: a shared bias gives its gradient to both biases, and
an offset drops out.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.errors import Unsupported
from gateparity.network.config import GATES, Config
from gateparity.network.parameters import CellWeights, check_array, check_parameters, fields
from gateparity.packing.array_spec import CONTENTS, axis_sizes
from gateparity.packing.native_array import NativeArray

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gateparity.network.parameters import Array, Native, Parameters
    from gateparity.packing.array_spec import ArraySpec, Contents
    from gateparity.packing.file_names import FileNames
    from gateparity.packing.origin import Origin

    Group = tuple[Contents, int, list[NativeArray]]  # of one layer

_KEPT: Final = 64  # configs for which a layout keeps its native arrays


class NotRepresentable(Unsupported, ValueError):
    """Raised by a layout for parameters that it has no place for.

    It counts as unsupported in a check, and as bad input elsewhere.
    """


@dataclasses.dataclass(frozen=True)
class Layout:
    """A framework's parameters, as data.

    `order` is the order of the gates along a gate axis, `gates` how names spell i, f, g and o, and
    `directions` the texts for `{direction}`. With `always_biased` bias arrays exist, as zeros, in
    an LSTM without biases too. `forget_offset` is what the framework adds to the forget gate's
    pre-activation at run time.

    With `vector` all arrays lie end to end in one array of that name, first the kernels, cell by
    cell, then the biases; `tensors` are its parts. `refused` are parts of native names, each with
    the reason why canonical parameters can't hold such an array. `files` are the names that the
    framework's own models and files have, where they differ from those of `tensors`.
    """

    name: str
    tensors: tuple[ArraySpec, ...]
    order: str = GATES
    gates: tuple[str, ...] = tuple(GATES)
    directions: tuple[str, ...] = ("", "_reverse")
    always_biased: bool = False
    forget_offset: float = 0.0
    vector: str = ""
    refused: tuple[tuple[str, str], ...] = ()
    origin: Origin | None = dataclasses.field(default=None, repr=False, compare=False)
    files: tuple[FileNames, ...] = dataclasses.field(default=(), repr=False, compare=False)

    def __post_init__(self) -> None:
        if sorted(self.order) != sorted(GATES):
            raise ValueError(
                f"{self.name}: order is {self.order!r}, expected {GATES!r} in some order"
            )

    @property
    def many_layers(self) -> bool:
        """Return whether the layout can hold more than one layer."""
        return all(tensor.tells_layers for tensor in self.tensors)

    @property
    def both_directions(self) -> bool:
        """Return whether the layout can hold the reverse direction too."""
        return all(t.tells_directions or "direction" in t.axes for t in self.tensors)

    def named(self, config: Config, key: str = "") -> Layout:
        """Return the layout with the names in the framework's own files, the first or `key`'s.

        It is for LSTMs of the config's directions. A layout without such names is itself. Raise
        `ValueError` for a key that it doesn't have.
        """
        found = [files for files in self.files if key in ("", files.key)]
        if not found:
            if key:
                known = ", ".join(files.key for files in self.files) or "none"
                raise ValueError(f"{self.name} has no names {key!r}, expected one of: {known}")
            return self
        names = found[0].both if config.directions == 2 else found[0].one
        pairs = zip(self.tensors, names, strict=True)
        tensors = tuple(dataclasses.replace(tensor, name=name) for tensor, name in pairs)
        return dataclasses.replace(self, tensors=tensors, directions=found[0].directions, files=())

    def pack(self, params: Parameters, config: Config) -> dict[str, Array]:
        """Return canonical parameters as native arrays by name, contiguous, dtype kept.

        Raise `ValueError` or `TypeError` if they don't fit the config, and `NotRepresentable`
        with a reason if this layout can't hold them.
        """
        check_parameters(params, config)
        cells = [self._shift(self._biased(cell, config), -self.forget_offset) for cell in params]
        native: dict[str, Array] = {}
        for contents, layer, native_arrays in self._groups(config):
            both = cells[layer * config.directions :][: config.directions]
            whole = np.stack([contents.of(cell) for cell in both])[:, _gates(GATES, self.order)]
            native |= {array.name: array.pack(whole) for array in native_arrays}
        return self._join(native, config) if self.vector else native

    def unpack(self, native: Native, config: Config) -> Parameters:
        """Return the framework's own arrays as canonical parameters; a single bias goes to `b_ih`.

        Raise `ValueError` or `TypeError` that names an array which is missing, unknown, of a wrong
        shape or dtype, or which canonical parameters can't hold.
        """
        found = self._gather(native, config, adjoint=False)
        cells = tuple(self._shift(cell, self.forget_offset) for cell in found)
        if config.biases:
            return cells
        for name, array in itertools.chain(*(fields(cell).items() for cell in cells)):
            if name.startswith("b_") and array.any():
                raise ValueError(
                    f"{self.name}: {name} is up to {np.abs(array).max()}, "
                    "expected zeros, as the config has no biases"
                )
        return _without_biases(cells)

    def unpack_biases(self, native: Native, config: Config) -> list[dict[str, Array]]:
        """Return the biases of each cell by field, from arrays that need to hold nothing else."""
        groups = [group for group in self._groups(config) if group[0].is_bias]
        return self._split(native, config, groups, adjoint=False)

    def pullback(self, gradients: Native, config: Config) -> Parameters:
        """Return gradients of the native arrays as gradients of the canonical parameters."""
        cells = self._gather(gradients, config, adjoint=True)
        return cells if config.biases else _without_biases(cells)

    def shapes(self, config: Config) -> dict[str, tuple[int, ...]]:
        """Return the shape of every native array of an LSTM, by name."""
        shapes = {array.name: array.shape for array in self.native_arrays(config)}
        return {self.vector: (sum(map(math.prod, shapes.values())),)} if self.vector else shapes

    def native_arrays(self, config: Config) -> tuple[NativeArray, ...]:
        """Return every native array of an LSTM, or part of its vector, in the order of `tensors`.

        They are kept for the last configs, since to make them takes longer than to pack.
        """
        self._refuse_unnamed(config)
        return self._make_native_arrays(config)

    @functools.cached_property
    def _make_native_arrays(self) -> Callable[[Config], tuple[NativeArray, ...]]:
        make = functools.lru_cache(_KEPT)
        return make(lambda config: tuple(self._yield_native_arrays(config)))

    def _yield_native_arrays(self, config: Config) -> Iterator[NativeArray]:
        for tensor, layer in itertools.product(self.tensors, range(config.layers)):
            contents, axes = CONTENTS[tensor.contents], tensor.axes
            if contents.is_bias and not (config.biases or self.always_biased):
                continue
            for d, g in itertools.product(
                [slice(None)] if "direction" in axes else _each(config.directions),
                [slice(None)] if "gate" in axes else _each(len(config.cell.gates)),
            ):
                name = tensor.name.format(
                    layer=layer,
                    _layer=f"_{layer}" if layer else "",
                    direction=self.directions[d.start or 0],
                    cell=layer * config.directions + (d.start or 0),
                    gate=self.spelled(tensor)[GATES.index(self.order[g.start or 0])],
                )
                yield NativeArray(
                    *(name, contents, layer, (d, g)),
                    *(tensor.pattern, axis_sizes(config, layer), tensor.block),
                )

    def in_vector(self, config: Config) -> list[NativeArray]:
        """Return the parts of the vector in order: kernels, then biases, each cell by cell."""
        return sorted(
            self.native_arrays(config),
            key=lambda b: (b.contents.is_bias, b.layer, b.where[0].start or 0),
        )

    def spelled(self, tensor: ArraySpec) -> tuple[str, ...]:
        """Return how the name of a tensor spells i, f, g and o."""
        return tensor.gates or self.gates

    def check_native(self, native: Native, config: Config) -> None:
        """Raise `ValueError` or `TypeError` at the first array that the config doesn't describe."""
        self.refuse_names(native)
        shapes = self.shapes(config)
        if set(native) != set(shapes):
            missing, unknown = sorted(set(shapes) - set(native)), sorted(set(native) - set(shapes))
            raise ValueError(f"{self.name}: missing arrays {missing}, unknown arrays {unknown}")
        for name, shape in shapes.items():
            check_array(f"{self.name}: {name}", native[name], shape, config.dtype)

    def refuse_names(self, native: Native) -> None:
        """Raise `ValueError` at the first array that canonical parameters have no place for."""
        for name, (part, reason) in itertools.product(native, self.refused):
            if part in name:
                raise ValueError(f"{self.name}: {name} has no canonical place: {reason}")

    def _groups(self, config: Config) -> Iterator[Group]:
        """Yield the contents of each layer with the native arrays that they are cut into."""
        for (contents, layer), native_arrays in itertools.groupby(
            self.native_arrays(config), lambda array: (array.contents, array.layer)
        ):
            yield contents, layer, list(native_arrays)

    def _gather(self, native: Native, config: Config, *, adjoint: bool) -> Parameters:
        self.check_native(native, config)
        native = self._cut(native, config) if self.vector else native
        found = self._split(native, config, self._groups(config), adjoint=adjoint)
        return tuple(CellWeights(**arrays) for arrays in found)

    def _split(
        self, native: Native, config: Config, groups: Iterable[Group], *, adjoint: bool
    ) -> list[dict[str, Array]]:
        """Return the canonical arrays that groups of native ones hold, by field, for each cell."""
        found: list[dict[str, Array]] = [{} for _ in range(config.cells)]
        for contents, layer, native_arrays in groups:
            sizes = axis_sizes(config, layer)
            shape = [sizes[axis] for axis in ("direction " + contents.axes).split()]
            whole = np.empty(shape, config.dtype)
            for array in native_arrays:
                whole[array.where] = array.unpack(native[array.name])
            for d, array in enumerate(whole[:, _gates(self.order, GATES)]):
                parts = contents.split(array, sizes, adjoint=adjoint)
                found[layer * config.directions + d].update(parts)
        return found

    def _join(self, native: Native, config: Config) -> dict[str, Array]:
        parts = [native[array.name].ravel() for array in self.in_vector(config)]
        return {self.vector: np.concatenate(parts)}

    def _cut(self, native: Native, config: Config) -> dict[str, Array]:
        native_arrays = self.in_vector(config)
        ends = np.cumsum([math.prod(array.shape) for array in native_arrays])
        parts = np.split(native[self.vector], ends[:-1])
        return {b.name: part.reshape(b.shape) for b, part in zip(native_arrays, parts, strict=True)}

    def _biased(self, cell: CellWeights, config: Config) -> CellWeights:
        if config.biases or not self.always_biased:
            return cell
        zeros = np.zeros((len(config.cell.gates), config.hidden_size), config.dtype)
        return dataclasses.replace(cell, b_ih=zeros, b_hh=zeros)

    def _shift(self, cell: CellWeights, offset: float) -> CellWeights:
        """Add to the forget gate's bias, to make up for the framework's own offset."""
        if not offset:
            return cell
        if cell.b_ih is None:
            raise NotRepresentable(
                f"{self.name} adds {self.forget_offset} to the forget gate, "
                "and an LSTM without biases has nothing to take it back with"
            )
        b_ih = cell.b_ih.copy()
        b_ih[GATES.index("f")] += np.asarray(offset, b_ih.dtype)
        return dataclasses.replace(cell, b_ih=b_ih)

    def _refuse_unnamed(self, config: Config) -> None:
        if config.layers > 1 and not self.many_layers:
            raise NotRepresentable(f"{self.name} holds 1 layer, found {config.layers}")
        if config.directions > 1 and not self.both_directions:
            raise NotRepresentable(f"{self.name} holds 1 direction, found {config.directions}")


def _gates(source: str, target: str) -> list[int]:
    """Return the index in `source` of each gate of `target`."""
    return [source.index(gate) for gate in target]


def _each(count: int) -> list[slice]:
    return [slice(k, k + 1) for k in range(count)]


def _without_biases(cells: Parameters) -> Parameters:
    return tuple(dataclasses.replace(cell, b_ih=None, b_hh=None) for cell in cells)
