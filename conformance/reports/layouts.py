"""Facts about layouts in words, shared by reports, diagrams and JSON."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from gateparity.network.config import GATES
from gateparity.packing.array_spec import CONTENTS
from gateparity.packing.origin import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateparity.network.config import Config
    from gateparity.packing.array_spec import ArraySpec
    from gateparity.packing.layout import Layout

HOLDS: Final = {
    "w_ih": "input kernel",
    "w_hh": "recurrent kernel",
    "w": "both kernels, over [x, h]",
    "b_ih": "input bias",
    "b_hh": "recurrent bias",
    "b": "bias, the sum of two",
    "b_pair": "both biases",
}
ARRAYS: Final = ("input kernel", "recurrent kernel", "biases")
_FIELDS: Final = ("w_ih", "w_hh", "b_ih")


def origin_of(layout: Layout) -> Origin:
    """Return the layout's origin, or for a user's own layout an empty, unverified one."""
    return layout.origin or Origin(layout.name, "", "", unverified="nobody has run it")


def order_words(layout: Layout) -> str:
    """Describe the gate order, and whether gates are interleaved."""
    if not any("gate" in tensor.axes for tensor in layout.tensors):
        return "an array each"
    words = ", ".join(layout.order)
    return f"{words}, interleaved" if _interleaved(layout) else words


def bias_words(layout: Layout) -> str:
    """Describe how many biases there are, and whether they can be left out."""
    count = "1" if any(tensor.contents == "b" for tensor in layout.tensors) else "2"
    return f"{count}, always" if layout.always_biased else count


def offset_words(layout: Layout) -> str:
    """Describe what is added to the forget gate at run time: `+1` or `none`."""
    return f"+{layout.forget_offset:g}" if layout.forget_offset else "none"


def size_words(layout: Layout) -> str:
    """Describe how many layers and directions the layout can hold."""
    layers = "any layers" if layout.many_layers else "1 layer"
    return f"{layers}, {'both directions' if layout.both_directions else '1 direction'}"


def checked_words(layout: Layout) -> str:
    """Return the version that the layout was checked against, and whether by running it."""
    origin = origin_of(layout)
    return f"{origin.version}, {'unverified' if origin.unverified else 'verified'}"


def name_words(layout: Layout, tensor: ArraySpec) -> str:
    """Return the array's name, with the gates' spellings in braces if there is one per gate."""
    return tensor.name.replace("{gate}", f"{{{','.join(layout.spelled(tensor))}}}")


def array_words(layout: Layout, tensor: ArraySpec) -> str:
    """Return the array's name and its pattern as one line."""
    return f"{name_words(layout, tensor)}: {tensor.words}"


def limit_words(layout: Layout) -> list[str]:
    """Return a sentence for each feature of the framework that the layout can't hold."""
    arrays = [f"`{part}`: {reason}" for part, reason in layout.refused]
    return arrays + list(origin_of(layout).limits)


def facts(layout: Layout) -> dict[str, str]:
    """Return every property in which two layouts may differ, in words."""
    origin = origin_of(layout)
    parts = dict.fromkeys(ARRAYS, "")
    for part, field in zip(ARRAYS, _FIELDS, strict=True):
        held = [t for t in layout.tensors if field in CONTENTS[t.contents].fields]
        if part == "biases":
            held = [t for t in layout.tensors if CONTENTS[t.contents].is_bias]
        parts[part] = "\n".join(array_words(layout, tensor) for tensor in held)
    return {
        "class": origin.title,
        "gate order": order_words(layout),
        **parts,
        "in one vector": layout.vector or "no",
        "bias count": bias_words(layout),
        "forget offset": offset_words(layout),
        "states": origin.states,
        "holds": size_words(layout),
        "checked against": checked_words(layout),
    }


def patterns(layout: Layout) -> dict[str, str]:
    """Return the facts without array names: what a conversion has to change."""
    found = facts(layout)
    for part in ARRAYS:
        found[part] = "\n".join(line.partition(": ")[2] for line in found[part].splitlines())
    return found


def differences(a: Layout, b: Layout) -> list[str]:
    """Return the properties in which two layouts differ, beyond names."""
    ours, theirs = patterns(a), patterns(b)
    named = ("class", "checked against")
    return [fact for fact in ours if fact not in named and ours[fact] != theirs[fact]]


def losses(source: Layout, target: Layout) -> Iterator[str]:
    """Yield a sentence for each thing that a conversion does not keep."""
    one, other = ("1" in bias_words(layout) for layout in (source, target))
    if other and not one:
        yield f"{target.name} has one bias: it gets the sum, and what each was is lost"
    if one and not other:
        yield f"{target.name} has two biases: the first gets all, the second zeros"
    for layout, verb in ((source, "is added to"), (target, "is taken from")):
        if layout.forget_offset and source.forget_offset != target.forget_offset:
            yield (
                f"{layout.name} adds {layout.forget_offset:g} to the forget gate at run time: it "
                f"{verb} the bias, which rounds"
            )
    for limit in limit_words(source):
        yield f"not converted from {source.name}: {limit}"


def layout_json(layout: Layout) -> dict[str, Any]:
    """Return the layout's spec as plain data."""
    origin = origin_of(layout)
    return {
        "name": layout.name,
        "class": origin.title,
        "source": origin.source,
        "checked_against": origin.version,
        "verified": not origin.unverified,
        "unverified_because": origin.unverified or None,
        "order": layout.order,
        "interleaved": _interleaved(layout),
        "tensors": [
            {
                "name": t.name,
                "holds": t.contents,
                "pattern": t.pattern,
                "block": t.block or None,
                "gates": dict(zip(GATES, layout.spelled(t), strict=True)),
            }
            for t in layout.tensors
        ],
        "files": [dataclasses.asdict(names) for names in layout.files],
        "directions": list(layout.directions),
        "vector": layout.vector or None,
        "biases_always_there": layout.always_biased,
        "forget_offset": layout.forget_offset,
        "states": origin.states,
        "many_layers": layout.many_layers,
        "both_directions": layout.both_directions,
        "refused": [{"name": part, "reason": reason} for part, reason in layout.refused],
        "limits": list(origin.limits),
    }


@dataclasses.dataclass(frozen=True)
class Example:
    """An array of a small LSTM: its name, its contents, its pattern and its shape."""

    name: str
    holds: str
    pattern: str
    shape: tuple[int, ...]


def examples(layout: Layout, config: Config) -> list[Example]:
    """Return every array of an LSTM of this config, or part of its vector.

    Raise `NotRepresentable` if the layout can't hold such an LSTM.
    """
    arrays = layout.in_vector(config) if layout.vector else layout.native_arrays(config)
    names = {id(contents): name for name, contents in CONTENTS.items()}
    return [Example(b.name, HOLDS[names[id(b.contents)]], b.pattern, b.shape) for b in arrays]


def _interleaved(layout: Layout) -> bool:
    return any("hidden gate" in tensor.pattern for tensor in layout.tensors)
