"""The report of two networks: a row for each pair of layers, and a sentence for each difference."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from gateparity.conformance.judgement.confidence import ALLOWED
from gateparity.conformance.networks.difference import name_pair
from gateparity.conformance.networks.matching import describe_sizes
from gateparity.conformance.reports.blocks import Cell, Report, Section, Table, line
from gateparity.conformance.reports.numbers import finite

if TYPE_CHECKING:
    from gateparity.conformance.networks.difference import Difference, LayerPair
    from gateparity.conformance.networks.network import Layer, Refused
    from gateparity.conformance.networks.outputs import SideOutputs
    from gateparity.conformance.reports.blocks import Line, Text, Tone

_WORDS: Final = {
    "identical": "identical",
    "layout": "equal, packed otherwise",
    "precision": "equal but for precision",
    "mistake": "a known mistake",
    "other": "other weights",
    "": "no partner",
}
_SCHEMA: Final = 1


def difference_report(found: Difference) -> Report:
    """Return the report of two networks."""
    counts = Counter(_kind(pair) for pair in found.pairs)
    listed = ", ".join(f"{counts[kind]} {words}" for kind, words in _WORDS.items() if counts[kind])
    several = "s" * (len(found.pairs) > 1)
    return Report(
        "gateparity diff",
        [*_labels(found), _table(found), *_sigma_words(found), _sentences(found), _refused(found)],
        verdict=found.verdict,
        exit_code=found.exit_code,
        counts=f"{len(found.pairs)} layer{several}: {listed}",
    )


def difference_json(found: Difference) -> dict[str, Any]:
    """Return what was found as plain data."""
    return {
        "schema": _SCHEMA,
        "a": found.a.label,
        "b": found.b.label,
        "verdict": found.verdict,
        "pairs": [_pair_json(pair) for pair in found.pairs],
        "not_compared": [
            {"network": name, "path": one.path, "kind": one.kind, "reason": one.reason}
            for name, network in (("a", found.a), ("b", found.b))
            for one in network.refused
            if one in found.not_compared
        ],
    }


def _labels(found: Difference) -> list[Line]:
    return [line(f"A is {found.a.label}, B is {found.b.label}")]


def _table(found: Difference) -> Table:
    ran = any(pair.sigmas is not None for pair in found.pairs)
    head = ["layer of A", "layer of B", "sizes", "B is", "correlation"]
    rows = [_row(pair, ran=ran) for pair in found.pairs]
    return Table(head + ["sigma"] * ran, rows, keys=2, numbers=1 + ran)


def _sigma_words(found: Difference) -> list[Line]:
    if all(pair.sigmas is None for pair in found.pairs):
        return []
    return [
        line(
            f"sigma: outputs of B against A's in exact arithmetic, in standard deviations of "
            f"rounding; up to {ALLOWED:g} is rounding alone"
        ),
        *_places(found),
    ]


def _places(found: Difference) -> list[Line]:
    """Return where the layers of A and B ran, and how exact A's own outputs are."""
    ran = [pair.outputs for pair in found.pairs if pair.outputs]
    lines = []
    for name, sides in zip("AB", zip(*ran, strict=True), strict=True):
        places = "; ".join(dict.fromkeys(side.place for side in sides))
        largest = max(side.sigmas for side in sides)
        own = f"; its outputs are up to {largest:.3g} sigma from exact ones" if name == "A" else ""
        lines.append(line(f"{name} ran in {places}{own}"))
    return lines


def _row(pair: LayerPair, *, ran: bool) -> list[Text]:
    kind = _kind(pair)
    tone: Tone = "pass" if pair.is_same else "known" if kind == "precision" else "fail"
    sizes = pair.a or pair.b
    cells: list[Text] = [_path(pair.a), _path(pair.b), describe_sizes(sizes) if sizes else ""]
    cells += [Cell(_WORDS[kind], tone)]
    cells += [f"{pair.relation.correlation:.5f}" if pair.relation else "-"]
    return cells + (["-" if pair.sigmas is None else f"{pair.sigmas:.3g}"] * ran)


def _path(layer: Layer | None) -> str:
    return "-" if layer is None else layer.path or "(top)"


def _sentences(found: Difference) -> Section:
    lines = [one for pair in found.pairs if _kind(pair) != "identical" for one in _explain(pair)]
    return Section("How they relate", lines)


def _explain(pair: LayerPair) -> list[Line]:
    largest = pair.relation.largest if pair.relation else ""
    more = f". The largest difference: {largest}" if largest else ""
    return [line(f"{name_pair(pair)}: {pair.sentence}{more}", item=True)]


def _refused(found: Difference) -> Section:
    lines = [
        line(
            f"{name}, {one.path or '(top)'}: {one.kind}: {one.reason}{_equal(one, found)}",
            item=True,
        )
        for name, network in (("A", found.a), ("B", found.b))
        for one in network.refused
    ]
    return Section("Not compared as LSTMs", lines)


def _equal(refused: Refused, found: Difference) -> str:
    return "" if refused in found.not_compared else "; its numbers are those of the other file"


def _kind(pair: LayerPair) -> str:
    return pair.relation.kind if pair.relation else ""


def _pair_json(pair: LayerPair) -> dict[str, Any]:
    relation = pair.relation
    return {
        "a": pair.a and pair.a.path,
        "b": pair.b and pair.b.path,
        "relation": _kind(pair) or "no partner",
        "sentence": pair.sentence,
        "largest": relation.largest if relation else "",
        "correlation": relation.correlation if relation else None,
        "sigmas": finite(pair.sigmas),
        "ran": [_side_json(side) for side in pair.outputs or ()],
    }


def _side_json(side: SideOutputs) -> dict[str, Any]:
    return {"place": side.place, "sigmas": finite(side.sigmas)}
