"""Which mistake of the catalogue makes one layer's weights of another's."""

from __future__ import annotations

import dataclasses
import itertools
import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.conformance.judgement.divergence import cell_words
from gateparity.conformance.mistakes.cells import CellChange, confine, find_places
from gateparity.conformance.mistakes.directions import DIRECTION_MISTAKES
from gateparity.conformance.mistakes.layers import LAYER_MISTAKES
from gateparity.conformance.mistakes.weights import BIAS_MISTAKES, WEIGHT_MISTAKES
from gateparity.conformance.mistakes.wrappers import Wrapper
from gateparity.conformance.networks.equality import are_equal, find_differing
from gateparity.network.parameters import CellWeights, fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateparity.conformance.mistakes.mistake import Mistake
    from gateparity.network.config import Config
    from gateparity.network.parameters import Parameters

_LARGE: Final = 2**20  # numbers in the kernels; if there are more, a part is searched first
_PART: Final = 8  # units and inputs of the part
_WORDS: Final = {  # of the catalogue: of the one who reads two layers
    "b_hh": "the recurrent bias",
    "b_ih": "the input bias",
    "the recurrent kernels": "W_hh",
    "packed": "in the order",
}


def explain_weights(
    a: Parameters, b: Parameters, cells: tuple[int, ...], config: Config, names: tuple[str, str]
) -> str:
    """Return which mistakes make one of the other, in words, or nothing."""
    one, other = names
    if found := _find_in_part(a, b, cells, config):
        return f"{other} is {one} {_in_words(found)}"
    if found := _find_in_part(b, a, cells, config):
        return f"{one} is {other} {_in_words(found)}"
    parts = {k: _find_in_part((a[k],), (b[k],), (0,), _one_cell(config, k)) for k in cells}
    if not all(parts.values()):
        return ""
    listed = (f"in {cell_words(k, config)}, {_in_words(found)}" for k, found in parts.items())
    return f"{other} is {one} {'; '.join(listed)}"


def _find_in_part(
    a: Parameters, b: Parameters, cells: tuple[int, ...], config: Config
) -> list[Mistake]:
    """Return the mistakes that make b's weights of a's; of large arrays a part is searched first.

    A mistake that exchanges gates, directions or axes does so for a few units alone, too. What is
    found there is confirmed on all. Others are searched where all numbers are the same ones.
    """
    if sum(cell.w_hh.size + cell.w_ih.size for cell in a) <= _LARGE:
        return _find(a, b, cells, config)
    parts = [_cut(params, config) for params in (a, b)]
    small = dataclasses.replace(
        config,
        input_size=min(config.input_size, _PART),
        hidden_size=min(config.hidden_size, _PART),
    )
    found = _find(parts[0], parts[1], cells, small)
    if found and not find_differing(_make_all(found, a, config), b):
        return found
    return _find(a, b, cells, config) if _same_numbers(a, b) else []


def _cut(params: Parameters, config: Config) -> Parameters:
    """Return parameters with the first units and inputs alone."""
    units = np.arange(min(config.hidden_size, _PART))
    below = (np.arange(config.directions)[:, None] * config.hidden_size + units).ravel()
    first = np.arange(min(config.input_size, _PART))
    found = []
    for k, cell in enumerate(params):
        columns = first if k < config.directions else below
        own = CellWeights(**{name: array[:, units] for name, array in fields(cell).items()})
        w_ih, w_hh = own.w_ih[..., columns], own.w_hh[..., units]
        found.append(dataclasses.replace(own, w_ih=w_ih, w_hh=w_hh))
    return tuple(found)


def _make_all(mistakes: list[Mistake], params: Parameters, config: Config) -> Parameters:
    for mistake in mistakes:
        params = _changed(mistake, params, config)
    return params


def _same_numbers(a: Parameters, b: Parameters) -> bool:
    """Return whether both have the same numbers in some order, as far as sums show."""
    sums = [
        [(float(v.sum(dtype=float)), float(abs(v).sum(dtype=float))) for v in (c.w_ih, c.w_hh)]
        for params in (a, b)
        for c in params
    ]
    one, other = sums[: len(a)], sums[len(a) :]
    return bool(np.allclose(one, other, rtol=1e-9, atol=1e-9))


def _find(a: Parameters, b: Parameters, cells: tuple[int, ...], config: Config) -> list[Mistake]:
    """Return the mistake, or the two, that make b's weights of a's."""
    for mistake in (
        *_cell_mistakes(),
        *_confined(cells, config),
        *DIRECTION_MISTAKES,
        *LAYER_MISTAKES,
    ):
        if not find_differing(_changed(mistake, a, config), b):
            return [mistake]
    place = next(_places(cells, config), None)
    for one, other in itertools.permutations(_cell_mistakes(), 2):
        k = cells[0]
        if are_equal(_apply(other, _apply(one, a[k])), b[k]):
            both = [confine(m, place) if place else m for m in (one, other)]
            first = _changed(both[0], a, config) if both[0] and both[1] else a
            if both[1] and not find_differing(_changed(both[1], first, config), b):
                return [m for m in both if m]
    return []


def _cell_mistakes() -> Iterator[Mistake]:
    # Where both biases are equal, as gluon trains them, either may be the one that is missing.
    usual_first = sorted(BIAS_MISTAKES, key=lambda mistake: mistake.name != "no b_hh")
    for mistake in (*WEIGHT_MISTAKES, *usual_first):
        if isinstance(mistake.apply, CellChange):
            yield mistake


def _places(cells: tuple[int, ...], config: Config) -> Iterator[Any]:
    """Yield the layer or direction that holds exactly these cells."""
    for place in find_places([config]):
        if place.cells(config) == frozenset(cells):
            yield place


def _confined(cells: tuple[int, ...], config: Config) -> Iterator[Mistake]:
    for place in _places(cells, config):
        for mistake in _cell_mistakes():
            if confined := confine(mistake, place):
                yield confined


def _changed(mistake: Mistake, params: Parameters, config: Config) -> Parameters:
    """Return the parameters that an LSTM with this mistake computes with."""
    try:
        if isinstance(mistake.apply, CellChange):
            here = mistake.apply.place.cells(config)
            return tuple(_apply(mistake, c) if k in here else c for k, c in enumerate(params))
        if isinstance(mistake.apply, Wrapper):
            seen = _Recorder()
            mistake.apply.forward(seen, config, params, None)
            return seen.params
    except (ValueError, AttributeError, TypeError):  # it is no mistake of weights of this shape
        pass
    return params


def _apply(mistake: Mistake, cell: CellWeights) -> CellWeights:
    change: Any = mistake.apply
    try:
        changed: CellWeights = change.change(cell)
    except ValueError:  # such as a transpose of one that isn't square
        return cell
    return changed


class _Recorder:
    """An LSTM that keeps the parameters that a mistake around it gives it."""

    params: Parameters = ()

    def forward(self, _: Config, params: Parameters, *__: Any) -> None:
        """Keep the parameters of the call, which a mistake may have changed."""
        self.params = params


def _one_cell(config: Config, k: int) -> Config:
    size = config.layer_input_size(k // config.directions)
    return dataclasses.replace(config, input_size=size, layers=1, directions=1)


def _in_words(found: list[Mistake]) -> str:
    return "with " + ", and with ".join(_shorten(mistake.words) for mistake in found)


def _shorten(words: str) -> str:
    """Return a mistake's words as a property: "the biases were left out" as "... left out"."""
    for theirs, ours in _WORDS.items():
        words = re.sub(rf"\b{theirs}\b", ours, words)
    return re.sub(r" (was|were) ", " ", words, count=1)
