"""A change of the parameters, cell by cell, which a mistake makes in all cells or in some of them.

A port that loads one layer by another rule than the others is wrong in that layer alone, and one
that forgets the reverse direction in that direction alone. So a mistake of the weights can be
confined to a `Place`: a layer, a direction, or one direction of a layer.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from gateparity.conformance.mistakes.wrappers import on_params

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gateparity.conformance.mistakes.mistake import Mistake
    from gateparity.conformance.mistakes.wrappers import Wrappable, Wrapped, Wrapper
    from gateparity.network.config import Config
    from gateparity.network.parameters import CellWeights, Parameters

_DIRECTIONS: Final = ("forward", "reverse")


@dataclasses.dataclass(frozen=True)
class Place:
    """The cells of one layer, of one direction, or of both; None is every layer or direction."""

    layer: int | None = None
    direction: int | None = None

    def cells(self, config: Config) -> frozenset[int]:
        """Return the indices of the cells that lie here, in an LSTM of this config."""
        return frozenset(k for k in range(config.cells) if self._holds(k, config))

    @property
    def words(self) -> str:
        """Return `layer 1`, `layer 0, reverse` or `the reverse direction`; nothing for all."""
        if self.layer is None:
            named = self.direction is not None
            return f"the {_DIRECTIONS[self.direction or 0]} direction" if named else ""
        direction = "" if self.direction is None else f", {_DIRECTIONS[self.direction]}"
        return f"layer {self.layer}{direction}"

    def _holds(self, k: int, config: Config) -> bool:
        layer, direction = divmod(k, config.directions)
        return self.layer in (None, layer) and self.direction in (None, direction)


@dataclasses.dataclass(frozen=True)
class CellChange:
    """Make a mistake in the parameters of each cell of `place`.

    `transpose` takes the gradients of the changed parameters to those of the given ones, where the
    change does more than move numbers. Neither function looks at another cell.
    """

    change: Callable[[CellWeights], CellWeights]
    transpose: Callable[[CellWeights], CellWeights] | None = None
    place: Place = Place()

    def __call__(self, lstm: Wrappable) -> Wrapped:
        """Return the LSTM with this mistake in the cells of `place`."""
        return self.wrapper(lstm)

    @property
    def wrapper(self) -> Wrapper:
        """Return what is done instead of each method."""
        return on_params(self._map(self.change), self.transpose and self._map(self.transpose))

    def _map(
        self, change: Callable[[CellWeights], CellWeights]
    ) -> Callable[[Parameters, Config], Parameters]:
        def changed(params: Parameters, config: Config) -> Parameters:
            here = self.place.cells(config)
            return tuple(change(cell) if k in here else cell for k, cell in enumerate(params))

        return changed


def find_places(configs: Iterable[Config]) -> list[Place]:
    """Return the places that LSTMs of these configs tell apart: none that holds all their cells.

    Of places with the same cells the one with the fewest words comes first, and stands for them.
    """
    configs = tuple(dict.fromkeys(configs))
    everywhere = _cells(Place(), configs)
    found: dict[tuple[frozenset[int], ...], Place] = {}
    for place in _all_places(configs):
        found.setdefault(_cells(place, configs), place)
    return [place for cells, place in found.items() if any(cells) and cells != everywhere]


def confine(mistake: Mistake, place: Place) -> Mistake | None:
    """Return the same mistake in one place alone, or None where it isn't one of single cells."""
    if not mistake.words_in_place or not isinstance(mistake.apply, CellChange):
        return None
    return dataclasses.replace(
        mistake,
        name=f"{mistake.name}, in {place.words}",
        words=mistake.words_in_place.format(place=_of(place)),
        apply=dataclasses.replace(mistake.apply, place=place),
    )


def _all_places(configs: tuple[Config, ...]) -> Iterator[Place]:
    """Yield layers, then directions, then one direction of a layer."""
    layers = range(max((config.layers for config in configs), default=0))
    yield from (Place(layer) for layer in layers)
    yield from (Place(None, direction) for direction in range(2))
    yield from (Place(layer, direction) for layer in layers for direction in range(2))


def _cells(place: Place, configs: tuple[Config, ...]) -> tuple[frozenset[int], ...]:
    return tuple(place.cells(config) for config in configs)


def _of(place: Place) -> str:
    """Return ` of layer 1`; what has a comma in it ends with one."""
    return f" of {place.words}{',' if ',' in place.words else ''}"
