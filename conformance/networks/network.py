"""A network as its recurrent layers, each read into canonical cells, whatever held it."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateparity.backends.checkpoints import onnx_file
from gateparity.backends.checkpoints.asking import worker_asker
from gateparity.backends.checkpoints.contents import FoundLayer, StoredArray
from gateparity.backends.checkpoints.registry import open_contents
from gateparity.backends.live.objects import open_live
from gateparity.backends.live.search import find_layers
from gateparity.errors import InputError, printable
from gateparity.packing.infer import infer_config

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateparity.backends.live.layer import LiveLayer
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Parameters


@dataclasses.dataclass(frozen=True, eq=False)
class Layer:
    """One layer of a network, with both directions if it has two.

    `path` is where it lies, with its number behind it where several layers lie there. `cells` are
    canonical, one for each direction. `stored` is what holds it, and how. `is_onnx` says whether
    it lies in an ONNX file.
    """

    path: str
    config: Config
    cells: Parameters
    stored: FoundLayer
    is_onnx: bool = False

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Return input size, hidden size and directions: what two layers must share."""
        return self.config.input_size, self.config.hidden_size, self.config.directions


@dataclasses.dataclass(frozen=True)
class Refused:
    """A recurrent layer that can't be held, and the reason; `digest` is that of all its numbers."""

    path: str
    kind: str
    reason: str
    digest: str


@dataclasses.dataclass(frozen=True)
class Network:
    """The layers of a file or of an object, and those that can't be held."""

    label: str
    layers: tuple[Layer, ...]
    refused: tuple[Refused, ...] = ()


def open_network(target: Any, name: str) -> Network:
    """Return the layers of a file's path, or of a live object.

    `name` is what an object is called. Raise `InputError` if there is no LSTM.
    """
    if isinstance(target, (str, Path)):
        with open_contents(Path(target), worker_asker()) as contents:
            is_onnx = contents.format == onnx_file.NAME
            return _read(str(target), contents.layers, is_onnx=is_onnx)
    if isinstance(target, tuple) or not (found := find_layers(target)):
        return _read(name, _live_layers("", target))
    return _read(name, (layer for path, one in found.items() for layer in _live_layers(path, one)))


def _read(label: str, found: Iterable[FoundLayer], *, is_onnx: bool = False) -> Network:
    layers: list[Layer] = []
    refused = []
    for stored in found:
        try:
            native = stored.native()
            config, cells = stored.unpack(native)
        except ValueError as error:
            refused.append(_refuse(label, stored, str(error)))
        else:
            layers += _split(stored, config, cells, is_onnx=is_onnx)
    if not layers:
        reasons = "".join(f"; {one.path or one.kind}: {one.reason}" for one in refused)
        raise InputError(f"{label} has no LSTM that can be compared{reasons}")
    return Network(label, tuple(layers), tuple(refused))


def _split(stored: FoundLayer, config: Config, cells: Parameters, *, is_onnx: bool) -> list[Layer]:
    """Return each layer of a stack by itself: one framework's stack is another's several layers."""
    size = config.directions
    return [
        Layer(
            f"{stored.path}[{k}]" if config.layers > 1 else stored.path,
            dataclasses.replace(config, input_size=config.layer_input_size(k), layers=1),
            cells[k * size : (k + 1) * size],
            stored,
            is_onnx,
        )
        for k in range(config.layers)
    ]


def _refuse(label: str, stored: FoundLayer, reason: str) -> Refused:
    digest = hashlib.sha256()
    try:
        for name, array in stored.arrays.items():
            values = array.load()
            digest.update(f"{name} {values.dtype} {values.shape}".encode() + values.tobytes())
    except ValueError as error:
        raise InputError(printable(f"{label}, {stored.path or stored.kind}: {error}")) from error
    return Refused(stored.path, stored.kind, reason, digest.hexdigest())


def _live_layers(path: str, target: Any) -> list[FoundLayer]:
    live = open_live(target)
    several = len(live.layers) > 1
    return [
        _describe(f"{path}[{k}]" if several else path, one) for k, one in enumerate(live.layers)
    ]


def _describe(path: str, layer: LiveLayer) -> FoundLayer:
    """Return a live layer as one that was found in a file."""
    native, config = layer.read(), layer.config
    arrays = {name: _stored(native, name) for name in native}
    return FoundLayer(
        path,
        "LSTM",
        config.input_size,
        config.hidden_size,
        layer.layout,
        arrays,
        config.layers,
        config.directions,
        biases=infer_config(layer.layout, native).biases,
    )


def _stored(native: Mapping[str, Array], name: str) -> StoredArray:
    array = native[name]
    return StoredArray(array.shape, str(array.dtype), lambda: array)
