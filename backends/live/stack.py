"""A stack of live layers as one LSTM over canonical parameters: its own."""

from __future__ import annotations

import dataclasses
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from gateparity.errors import InputError, Unsupported
from gateparity.network.batch import Batch, Outputs, join_states, map_states
from gateparity.protocol.validation import check_batch, check_outputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateparity.backends.live.layer import LiveLayer, Pullback
    from gateparity.network.config import Config
    from gateparity.network.parameters import Parameters


@dataclasses.dataclass(frozen=True)
class LiveLstm:
    """Live layers, each on the outputs of the one below, as `protocol.canonical.Lstm` has it.

    The parameters that a call is given are ignored: an object computes with its own.
    """

    layers: tuple[LiveLayer, ...]
    config: Config

    @property
    def kind(self) -> str:
        """Return the names of the objects' classes."""
        kinds = [layer.kind for layer in self.layers]
        if len(kinds) > 1 and len(set(kinds)) == 1:
            return f"{len(kinds)} x {kinds[0]}"
        return " on ".join(reversed(kinds))

    @property
    def engine(self) -> str:
        """Return the shipped framework that computes it, or "" if there are several or none."""
        engines = {layer.engine for layer in self.layers}
        return engines.pop() if len(engines) == 1 else ""

    @property
    def lacks(self) -> frozenset[str]:
        """Return the states that it can't be given, or doesn't return."""
        return frozenset().union(*(layer.lacks for layer in self.layers))

    @property
    def no_lengths(self) -> str:
        """Return why it takes no lengths; empty if it does."""
        found = [f"{layer.kind}: {layer.no_lengths}" for layer in self.layers if layer.no_lengths]
        return found[0] if found else ""

    @property
    def differentiates(self) -> bool:
        """Return whether its framework has gradients; those of ONNX Runtime have none."""
        return all(layer.kind != "ONNX LSTM" for layer in self.layers)

    def read(self) -> Parameters:
        """Return its weights now, as canonical parameters."""
        found = (layer.layout.unpack(layer.read(), layer.config) for layer in self.layers)
        return tuple(cell for cells in found for cell in cells)

    def write(self, params: Parameters) -> list[Any]:
        """Write canonical parameters, and return the object that holds each layer's."""
        parts = self._cells()
        packed = [
            layer.layout.pack(params[cells], layer.config)
            for layer, cells in zip(self.layers, parts, strict=True)
        ]
        return [layer.write(native) for layer, native in zip(self.layers, packed, strict=True)]

    def forward(self, config: Config, params: Parameters, batch: Batch) -> Outputs:
        """Return the outputs of the objects' own calls."""
        del params
        check_batch(batch, config)
        outputs, _ = self._run(batch)
        check_outputs(outputs, config, batch, self.lacks)
        return outputs

    def gates(self, *_: Any) -> Any:
        """Raise `TypeError`: no object returns its gates."""
        raise TypeError("a live layer doesn't return its gates")

    def gradients(
        self, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
    ) -> tuple[Parameters, Batch]:
        """Return the gradients by the objects' own framework, from the top layer down."""
        del config, params
        _, pullbacks = self._run(batch)
        y, cells, states = cotangent.y, [], []
        for layer, pull, own in reversed(
            [*zip(self.layers, pullbacks, self._cells(), strict=True)]
        ):
            here = Outputs(y, map_states(cotangent, itemgetter(own)).states)
            if pull is None:
                raise Unsupported(f"{layer.kind} has no gradients")
            found = pull(here)
            cells.append(layer.layout.pullback(found.params, layer.config))
            states.append(found.batch)
            y = found.batch.x
        params = tuple(cell for own in reversed(cells) for cell in own)
        return params, Batch(y, join_states(states[::-1], np.concatenate))

    def weights(self, config: Config, params: Parameters) -> Parameters:
        """Return the weights that the layers hold, whatever is given."""
        del config, params
        return self.read()

    def guarded(self) -> LiveLstm:
        """Return itself: an object's own state is compared before and after all calls."""
        return self

    @property
    def traces(self) -> bool:
        """Return False: no object returns its gates."""
        return False

    def repeated(self, *_: Any) -> dict[str, Any]:
        """Raise `TypeError`: an object has its own weights, and no question brings others."""
        raise TypeError("a live layer isn't asked with other weights")

    def _run(self, batch: Batch) -> tuple[Outputs, list[Pullback | None]]:
        x, found = batch.x, []
        pullbacks: list[Pullback | None] = []
        for layer, cells in zip(self.layers, self._cells(), strict=True):
            given = dataclasses.replace(map_states(batch, itemgetter(cells)), x=x)
            outputs, pull = layer.run(given)
            found.append(outputs)
            pullbacks.append(pull)
            x = outputs.y
        return Outputs(x, join_states(found, np.concatenate)), pullbacks

    def _cells(self) -> list[slice]:
        ends = np.cumsum([layer.config.cells for layer in self.layers])
        sizes = [layer.config.cells for layer in self.layers]
        return [slice(int(end) - size, int(end)) for end, size in zip(ends, sizes, strict=True)]


def join_layers(layers: Sequence[LiveLayer]) -> LiveLstm:
    """Return layers as one LSTM. Raise `InputError` for layers that don't fit on each other."""
    first, *others = layers
    config = first.config
    for k, layer in enumerate(others, 1):
        found = layer.config
        for name in ("hidden_size", "directions", "biases", "dtype"):
            one, other = getattr(config, name), getattr(found, name)
            if one != other:
                raise InputError(f"layer {k} has {name} {other}, layer 0 has {one}: expected one")
        if found.input_size != config.output_size:
            raise InputError(
                f"layer {k} has input_size {found.input_size}, expected {config.output_size}: "
                "the outputs of the layer below"
            )
    return LiveLstm(
        tuple(layers),
        dataclasses.replace(config, layers=sum(layer.config.layers for layer in layers)),
    )
