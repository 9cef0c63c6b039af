"""Two networks, of files or live objects: which layers are the same, and how the others differ."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from gateparity.backends.live.objects import Weights, open_live
from gateparity.conformance.judgement.verdict import Mismatch, judge
from gateparity.conformance.networks.matching import describe_sizes, match_layers
from gateparity.conformance.networks.network import open_network
from gateparity.conformance.networks.relation import relate
from gateparity.conformance.problems.case import build_case, draw_for
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.truths import Truths
from gateparity.network.parameters import cast_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.conformance.networks.network import Layer, Network, Refused
    from gateparity.conformance.networks.relation import Relation

_STEPS, _SIZE = 20, 4  # of the inputs on which two layers run


@dataclasses.dataclass(frozen=True)
class LayerPair:
    """A layer of each network, and how they relate; None for a layer without a partner.

    `sigmas` is by how many standard deviations of rounding the outputs of B differ from those of A
    on the same random inputs, if they were run.
    """

    a: Layer | None
    b: Layer | None
    relation: Relation | None = None
    sigmas: float | None = None

    @property
    def is_same(self) -> bool:
        """Return whether both are one layer, but for the order in which its numbers are held."""
        return self.relation is not None and self.relation.is_same

    @property
    def sentence(self) -> str:
        """Return how the two relate, or which one has no partner."""
        if self.relation:
            return self.relation.sentence
        only, layer = ("A", self.a) if self.a else ("B", self.b)
        return f"only in {only}: {describe_sizes(layer)}" if layer else ""


@dataclasses.dataclass(frozen=True)
class Difference:
    """All pairs of layers of two networks."""

    a: Network
    b: Network
    pairs: tuple[LayerPair, ...]

    @property
    def not_compared(self) -> tuple[Refused, ...]:
        """Return the layers that can't be held, but for those with the same numbers in both."""
        one, other = ({layer.digest for layer in n.refused} for n in (self.a, self.b))
        both = one & other
        return tuple(r for n in (self.a, self.b) for r in n.refused if r.digest not in both)

    @property
    def verdict(self) -> str:
        """Return "same", "different", or "incomplete" if layers could not be compared."""
        if not all(pair.is_same for pair in self.pairs):
            return "different"
        return "incomplete" if self.not_compared else "same"

    @property
    def exit_code(self) -> int:
        """Return 0 for the same layers, 1 for different ones, 2 for trouble, as `diff` does."""
        return ("same", "different", "incomplete").index(self.verdict)

    def __str__(self) -> str:
        """Return a line for each pair."""
        return "\n".join(f"{name_pair(pair)}: {pair.sentence}" for pair in self.pairs)


def diff(
    a: Any,
    b: Any,
    *,
    by_hand: Mapping[str, str] = MappingProxyType({}),
    run: bool = False,
    seed: int = 0,
) -> Difference:
    """Compare the recurrent layers of two networks, by their numbers alone.

    `a` and `b` are paths of files, or live objects: layers, tuples of layers, models, in any
    framework. Layers are matched by path where paths agree, else by sizes and numbers; `by_hand`
    maps paths of `a` to paths of `b`. With `run`, both compute outputs on the same random inputs,
    drawn from `seed`.

    Raise `InputError` in one line for what can't be read.

        print(gateparity.diff("model.pt", "model.keras"))
    """
    one, other = open_network(a, "a"), open_network(b, "b")
    pairs = tuple(
        LayerPair(
            first,
            second,
            relate(first, second) if first and second else None,
            _run(first, second, seed) if run and first and second else None,
        )
        for first, second in match_layers(one, other, by_hand)
    )
    return Difference(one, other, pairs)


def name_pair(pair: LayerPair) -> str:
    """Return the paths of both layers, once if they agree."""
    paths = dict.fromkeys((layer.path or "(top)") for layer in (pair.a, pair.b) if layer)
    return " and ".join(paths)


def _run(a: Layer, b: Layer, seed: int) -> float | None:
    """Return by how many standard deviations B's outputs differ from A's on random inputs.

    There is no number for a layer that reads its steps in another order: NumPy runs it onward.
    """
    if a.stored.reads != b.stored.reads:
        return None
    config = a.config
    params = cast_parameters(b.cells, config.dtype)
    draw = draw_for("networks", seed, config.dtype)
    x = draw((_STEPS, _SIZE, config.input_size), 1.0)
    case = build_case("networks", config, x, draw, params=a.cells)
    lstm = open_live(Weights(dataclasses.replace(config, biases=b.config.biases), params))
    check = CHECKS["forward"]
    try:
        return judge(check.run(lstm, case), Truths().of(check, case)).sigmas
    except Mismatch as mismatch:
        return mismatch.score.sigmas
