"""What a Keras model's config says about its layers, read as data: no class is looked up in it.

Source: `get_config` of the layers, and `keras/src/saving/saving_lib.py` for the paths in a file.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import re
from typing import TYPE_CHECKING, Any, Final

from gateparity.backends.checkpoints.contents import BACKWARDS
from gateparity.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KNOWN: Final = frozenset(
    ("LSTM", "LSTMCell", "CuDNNLSTM", "GRU", "GRUCell", "CuDNNGRU", "SimpleRNN", "SimpleRNNCell")
)
USUAL: Final = {"activation": "tanh", "recurrent_activation": "sigmoid"}
# Options that leave the cell as it is, where they aren't what other frameworks do.
ODD: Final = {
    ("stateful", True): "stateful",
    ("go_backwards", True): BACKWARDS,
    ("return_sequences", False): "returns the last step alone",
    ("unit_forget_bias", False): "unit_forget_bias is off",
    ("time_major", True): "time_major",
    ("unroll", True): "unrolled",
}
MERGE: Final = "concat"  # how the two directions are joined elsewhere
LONGEST: Final = 60  # characters of a name that is shown


@dataclasses.dataclass(frozen=True, eq=False)
class KerasLayer:
    """A layer in a config: its name, its class, its options, and its path in a `.weights.h5`."""

    name: str
    kind: str
    options: Mapping[str, Any]
    key: str

    @property
    def stacks_cells(self) -> bool:
        """Return whether it is an RNN whose cell is a stack of cells."""
        return len(_cells(self.options)) > 1

    def judge(self) -> tuple[tuple[str, ...], str]:
        """Return its oddities, and why it is no LSTM that gateparity holds, or an empty text."""
        oddities, refusal = _judge(self.kind, self.options)
        return tuple(dict.fromkeys(oddities)), refusal


def list_layers(text: str) -> tuple[KerasLayer, ...]:
    """Return the layers of a config in JSON, in its order, those of models in it too.

    Raise `ValueError` for a text that is none.
    """
    try:
        return tuple(_walk(_dict(json.loads(text)), ""))
    except RecursionError:
        raise ValueError("models in models without end") from None


def snake_case(name: str) -> str:
    """Return the name that Keras gives to a layer of a class: "SimpleRNN" is simple_rnn."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _walk(model: Mapping[str, Any], key: str) -> Iterator[KerasLayer]:
    config = model.get("config")
    entries = config if isinstance(config, list) else _dict(config).get("layers")
    counts: collections.Counter[str] = collections.Counter()
    for entry in map(_dict, entries if isinstance(entries, list) else []):
        name = snake_case(_kind(entry))
        below = f"{key}layers/{name}" + (f"_{counts[name]}" if counts[name] else "")
        counts[name] += 1
        yield from _entry(entry, below)


def _entry(entry: Mapping[str, Any], key: str) -> Iterator[KerasLayer]:
    options = _dict(entry.get("config"))
    if isinstance(entry.get("config"), list) or "layers" in options:
        yield from _walk(entry, f"{key}/")
        return
    yield KerasLayer(str(options.get("name", "")), _kind(entry), options, key)
    if "layer" in options and _kind(entry) != "Bidirectional":  # TimeDistributed
        yield from _entry(_dict(options["layer"]), f"{key}/layer")


def _judge(kind: str, options: Mapping[str, Any]) -> tuple[list[str], str]:
    oddities = [words for (name, value), words in ODD.items() if options.get(name) is value]
    if kind == "Bidirectional":
        return _judge_both(options)
    for cell in _cells(options) or [{"class_name": kind, "config": options}]:
        found, refusal = _judge_cell(_kind(cell), _dict(cell.get("config")))
        oddities += found
        if refusal:
            return oddities, refusal
    return oddities, ""


def _judge_both(options: Mapping[str, Any]) -> tuple[list[str], str]:
    oddities, refusal = [], ""
    if (mode := options.get("merge_mode", MERGE)) != MERGE:
        oddities.append(f"merge_mode is {_shown(mode)}, where others concatenate")
    for direction in ("layer", "backward_layer"):
        inner = _dict(options.get(direction))
        turned = {**_dict(inner.get("config")), "go_backwards": False}
        found, why = _judge(_kind(inner), turned) if inner else ([], "")
        oddities, refusal = oddities + found, refusal or why
    return oddities, refusal


def _judge_cell(kind: str, options: Mapping[str, Any]) -> tuple[list[str], str]:
    """Return oddities and a refusal of one cell; a class that isn't Keras's own is an oddity."""
    oddities = [] if kind in KNOWN else [f"its class is {_shown(kind)}, not one of Keras's"]
    if options.get("unit_forget_bias") is False and kind.endswith("Cell"):
        oddities.append(ODD["unit_forget_bias", False])
    if (policy := _named(options.get("dtype"))).startswith("mixed_"):
        oddities.append(f"computes in {policy.removeprefix('mixed_')}")
    if "LSTM" not in kind:
        return oddities, ""
    if "inner_activation" in options:  # Keras 1
        options = {**options, "recurrent_activation": options["inner_activation"]}
    for name, usual in USUAL.items():
        if (found := _named(options.get(name, usual))) != usual:
            return oddities, f"{name} is {found}, expected {usual}"
    return oddities, ""


def _cells(options: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the cells of an RNN, and none for a layer that is its own cell."""
    cell = _dict(options.get("cell"))
    stacked = _dict(cell.get("config")).get("cells")
    found = stacked if isinstance(stacked, list) else [cell]
    return [one for one in map(_dict, found) if one]


def _named(found: Any) -> str:
    """Return the name of an activation or a dtype policy, which newer configs keep in a dict."""
    if isinstance(found, dict):
        inner = found.get("config")
        inner = inner.get("name", found.get("class_name")) if isinstance(inner, dict) else inner
        found = inner
    return _shown("linear" if found is None else found)


def _kind(entry: Mapping[str, Any]) -> str:
    """Return a class's name, without the package that registered it: "mine>LSTM"."""
    return str(entry.get("class_name", "")).rpartition(">")[2]


def _shown(found: Any) -> str:
    return printable(str(found))[:LONGEST]


def _dict(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}
