"""HDF5 files: Keras 2's `.h5` and `.hdf5`, Keras 3's `.weights.h5`, and any other with arrays.

Source: https://keras.io/api/models/model_saving_apis, and for Keras 2
https://www.tensorflow.org/guide/keras/save_and_serialize#h5.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from typing import TYPE_CHECKING, Any, Final

from gateparity.backends.checkpoints import names_keras_1
from gateparity.backends.checkpoints.contents import Contents
from gateparity.backends.checkpoints.format import Format
from gateparity.backends.checkpoints.hdf5 import MAGIC, PLACES, Hdf5, read_hdf5
from gateparity.backends.checkpoints.keras_config import KerasLayer, list_layers
from gateparity.backends.checkpoints.names_keras import Facts, find
from gateparity.layouts.keras import KERAS_CUDNN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gateparity.backends.checkpoints.contents import FoundLayer, StoredArray
    from gateparity.backends.checkpoints.source import Source

HARD_BEFORE: Final = (2, 3)  # Keras's own releases; before, an LSTM had a hard sigmoid by default
UNORDERED: Final = "the file holds no order of layers: they are sorted by name and number"
NO_CONFIG: Final = "it holds weights alone: activations and other options aren't known"


def matches(source: Source) -> bool:
    """Return whether a file is HDF5, whose first bytes may be another's."""
    return any(source.head.startswith(MAGIC, place) for place in PLACES)


def read(source: Source) -> Contents:
    """Return what a file holds, with Keras's layers in it. Raise `ValueError` if it is damaged."""
    found = read_hdf5(source.path, 0, source.size)
    top = _keras(found.attributes)
    notes = list(found.notes)
    if "model_config" in top:
        layers = read_config(str(top["model_config"]), notes)
        return keras_contents(f"Keras {_version(top)}, a whole model", found, layers, notes)
    if "layer_names" in top or "layer_names0" in top:
        contents = keras_contents(f"Keras {_version(top)}, weights alone", found, (), notes)
        more = (NO_CONFIG, *_hard_sigmoid(top, contents))
        return dataclasses.replace(contents, notes=contents.notes + more)
    if any(name.endswith("/vars/0") for name in found.arrays):
        notes += [NO_CONFIG, UNORDERED]
        return keras_contents("Keras 3, .weights.h5", found, (), notes)
    return Contents("HDF5", found.arrays, notes=tuple(notes))


def read_config(text: str, notes: list[str]) -> tuple[KerasLayer, ...]:
    """Return the layers of a model's config; one that can't be read is noted."""
    try:
        return list_layers(text)
    except ValueError as error:
        notes.append(f"its config can't be read: {error}")
        return ()


def keras_contents(
    kind: str, found: Hdf5, layers: Sequence[KerasLayer], notes: Sequence[str]
) -> Contents:
    """Return Keras's arrays and layers, in the order that the file or its config says."""
    names = {
        group.removesuffix("vars").rstrip("/"): str(texts["name"])
        for group, texts in found.attributes.items()
        if "name" in texts
    }
    facts = Facts(tuple(layers), names)
    order = _order(found.attributes)
    places = {layer: place for place, layer in enumerate(layers)}

    def key(name: str) -> tuple[Any, ...]:
        place = order.get(name, len(order))
        return place, places.get(facts.find(name), len(places)), _natural(name)

    arrays = {name: found.arrays[name] for name in sorted(found.arrays, key=key)}
    return Contents(kind, arrays, (*find(arrays, facts), *_keras_1(arrays, facts)), tuple(notes))


def _keras_1(arrays: Mapping[str, StoredArray], facts: Facts) -> Iterator[FoundLayer]:
    """Yield the layers that have Keras 1's names, with the options of a config."""
    for layer in names_keras_1.find(arrays):
        oddities, refusal = facts.find(layer.path).judge()
        refusal = layer.refusal or (refusal if layer.kind == "LSTM" else "")
        yield dataclasses.replace(layer, oddities=oddities, refusal=refusal)


def _keras(attributes: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return what Keras wrote at the top, or in the group of a whole model's weights."""
    return {**attributes.get("model_weights", {}), **attributes.get("", {})}


def _version(top: Mapping[str, Any]) -> str:
    return str(top.get("keras_version", "1"))[:20]


def _hard_sigmoid(top: Mapping[str, Any], contents: Contents) -> tuple[str, ...]:
    """Return a note on an LSTM's default in old releases; cuDNN has no hard sigmoid."""
    release = tuple(map(int, re.findall(r"[0-9]{1,4}", _version(top))[:2]))
    plain = any(layer.layout not in (None, KERAS_CUDNN) for layer in contents.layers)
    if not plain or release >= HARD_BEFORE or "tf" in _version(top):
        return ()
    return (f"an LSTM of Keras {_version(top)} has a hard sigmoid by default",)


def _order(attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Return the place of each array in the lists of names that Keras writes in a `.h5`."""
    found: list[str] = []
    for top in ("", "model_weights"):
        for layer in _listed(attributes.get(top, {}), "layer_names"):
            group = f"{top}/{layer}".lstrip("/")
            weights = _listed(attributes.get(group, {}), "weight_names")
            found += [f"{group}/{weight}" for weight in weights]
    return {name: place for place, name in enumerate(found)}


def _listed(texts: Mapping[str, Any], name: str) -> list[str]:
    """Return a list of names, which is cut into several where it is long."""
    cut = sorted((one for one in texts if one.rstrip("0123456789") == name), key=_natural)
    lists = (texts[one] for one in cut if isinstance(texts[one], list))
    return list(map(str, itertools.chain.from_iterable(lists)))


def _natural(name: str) -> list[tuple[str, int]]:
    """Return a key that sorts lstm_2 before lstm_10."""
    parts = re.findall(r"([^0-9]*)([0-9]{0,18})", name)
    return [(text, int(digits or 0)) for text, digits in parts]


FORMATS: Final = (Format("Keras's HDF5", matches, read, ".h5"),)
