"""Which layer of one network is which of another: by hand, by name, or by shape and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateparity.conformance.networks.relation import KINDS, correlate, relate
from gateparity.errors import InputError, suggest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateparity.conformance.networks.network import Layer, Network

    Match = tuple[Layer | None, Layer | None]

_RELATED: Final = 64  # pairs whose relation is found; among more, the correlation decides


def match_layers(a: Network, b: Network, by_hand: Mapping[str, str]) -> list[Match]:
    """Return pairs of layers, in the order of `a`; then those of `b` without a partner.

    Layers with one path and one size are matched first. The others are matched to the nearest layer
    of their size: one that is equal, then one that a known change makes equal, then the one with
    the best correlation. `by_hand` has paths of `a` and of `b`; raise `InputError` for an unknown
    one.
    """
    chosen = {one: other for pair in by_hand.items() for one, other in _at_hand(a, b, *pair)}
    named = {layer.path: layer for layer in b.layers if layer not in chosen.values()}
    for layer in a.layers:
        partner = named.get(layer.path)
        if layer not in chosen and partner and partner.sizes == layer.sizes:
            chosen[layer] = partner
    for one, other in _rank_pairs(a, b, chosen):
        if one not in chosen and other not in chosen.values():
            chosen[one] = other
    pairs: list[Match] = [(layer, chosen.get(layer)) for layer in a.layers]
    return pairs + [(None, layer) for layer in b.layers if layer not in chosen.values()]


def _rank_pairs(a: Network, b: Network, chosen: Mapping[Layer, Layer]) -> list[tuple[Layer, Layer]]:
    """Return the pairs that are free and have the same sizes, the nearest first."""
    free = [layer for layer in b.layers if layer not in chosen.values()]
    pairs = [
        (one, other)
        for one in a.layers
        if one not in chosen
        for other in free
        if one.sizes == other.sizes
    ]
    if len(pairs) <= 1:
        return pairs
    related = len(pairs) <= _RELATED
    return sorted(pairs, key=lambda pair: _distance(*pair, related=related))


def _distance(a: Layer, b: Layer, *, related: bool) -> tuple[int, float]:
    if not related:
        return 0, -abs(correlate(a, b))
    found = relate(a, b)
    return KINDS.index(found.kind), -abs(found.correlation)


def _at_hand(a: Network, b: Network, one: str, other: str) -> Iterator[tuple[Layer, Layer]]:
    first, second = _at(a, one), _at(b, other)
    if [layer.sizes for layer in first] != [layer.sizes for layer in second]:
        found = (", ".join(map(describe_sizes, layers)) for layers in (first, second))
        raise InputError(f"--map {one}={other} has other sizes: {' against '.join(found)}")
    return zip(first, second, strict=True)


def _at(network: Network, path: str) -> list[Layer]:
    """Return the layers at a path: all of a stack's, or one of them."""
    found = [layer for layer in network.layers if path in (layer.path, layer.stored.path)]
    if not found:
        known = [layer.path for layer in network.layers]
        raise InputError(
            f"--map: {network.label} has no layer at {path!r}{suggest(path, known)}, "
            f"expected one of {', '.join(known)}"
        )
    return found


def describe_sizes(layer: Layer) -> str:
    """Return the sizes of a layer in words: what two layers must share."""
    both = ", both directions" if layer.config.directions == 2 else ""
    return f"input {layer.config.input_size}, hidden {layer.config.hidden_size}{both}"
