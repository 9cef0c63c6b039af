"""Two networks, of files or live objects: which layers are the same, and how the others differ."""

from __future__ import annotations

import contextlib
import dataclasses
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from gateparity.conformance.networks.matching import describe_sizes, match_layers
from gateparity.conformance.networks.network import open_network
from gateparity.conformance.networks.onnx_runtime import open_onnx_runtime
from gateparity.conformance.networks.outputs import run_pair
from gateparity.conformance.networks.relation import relate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gateparity.conformance.networks.network import Layer, Network, Refused
    from gateparity.conformance.networks.outputs import SideOutputs
    from gateparity.conformance.networks.relation import Relation


@dataclasses.dataclass(frozen=True)
class LayerPair:
    """A layer of each network, and how they relate; None for a layer without a partner.

    `outputs` say where A and B ran on the same random inputs, if they did, and how far off their
    outputs are from the exact ones of A.
    """

    a: Layer | None
    b: Layer | None
    relation: Relation | None = None
    outputs: tuple[SideOutputs, SideOutputs] | None = None

    @property
    def sigmas(self) -> float | None:
        """Return by how many standard deviations of rounding B's outputs differ from A's."""
        return self.outputs[1].sigmas if self.outputs else None

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
    drawn from `seed`: layers of ONNX files in ONNX Runtime where it is installed, others in NumPy.

    Raise `InputError` in one line for what can't be read.

        print(gateparity.diff("model.pt", "model.keras"))
    """
    one, other = open_network(a, "a"), open_network(b, "b")
    matches = match_layers(one, other, by_hand)
    pairs = [LayerPair(x, y, relate(x, y) if x and y else None) for x, y in matches]
    return Difference(one, other, tuple(_run(pairs, seed) if run else pairs))


def name_pair(pair: LayerPair) -> str:
    """Return the paths of both layers, once if they agree."""
    paths = dict.fromkeys((layer.path or "(top)") for layer in (pair.a, pair.b) if layer)
    return " and ".join(paths)


def _run(pairs: Sequence[LayerPair], seed: int) -> Iterator[LayerPair]:
    """Yield the pairs with their outputs; ONNX Runtime starts where a file is one of ONNX."""
    with contextlib.ExitStack() as stack:
        both = [pair for pair in pairs if pair.a and pair.b]
        needed = any(layer and layer.is_onnx for pair in both for layer in (pair.a, pair.b))
        runtime = stack.enter_context(open_onnx_runtime()) if needed else None
        for pair in pairs:
            outputs = run_pair(pair.a, pair.b, seed, runtime) if pair.a and pair.b else None
            yield dataclasses.replace(pair, outputs=outputs)
