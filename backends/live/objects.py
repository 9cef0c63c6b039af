"""Objects recognised by their class's module, so that no framework is imported that isn't there."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gateparity.backends.live.kinds import recognise
from gateparity.backends.live.search import find_layers, follow_path
from gateparity.backends.live.stack import join_layers
from gateparity.errors import InputError, explain_import
from gateparity.network.config import Config
from gateparity.network.parameters import CellWeights

if TYPE_CHECKING:
    from gateparity.backends.live.layer import LiveLayer
    from gateparity.backends.live.stack import LiveLstm
    from gateparity.network.parameters import Parameters

_WIDTH: Final = 300  # of a framework's own words


class Weights(NamedTuple):
    """The config and the canonical parameters of a layer, as `read` returns them.

    `params` has a `CellWeights` for each layer and direction: layer by layer, forward before
    reverse. It is an LSTM too: `assert_parity` runs it by NumPy's equations.
    """

    config: Config
    params: Parameters


def read(layer: Any) -> Weights:
    """Return the config and the canonical parameters of a live layer, or of a stack of layers.

    `layer` is a PyTorch, Keras, Flax, Equinox or gluon layer, an ONNX Runtime session, a model that
    holds exactly one of them, `(model, "path.to.layer")`, or a tuple of layers. The arrays are
    copies of the layer's own, bit for bit. Where a framework has one bias, `b_hh` is zero.

    Raise `InputError` in one line for anything else, and for options that no other framework has.

        config, params = gateparity.read(torch_lstm)
        params[0].w_ih  # (gate, hidden, input), gates in the order i, f, g, o
    """
    live = open_live(layer)
    return Weights(live.config, live.read())


def load(weights: Any, *, into: Any) -> Any:
    """Write what `read` returned into a layer, and return the layer that holds it.

    `weights` are of `Weights`, or its `params` alone. The layer is the same object; Equinox, Flax
    linen and ONNX Runtime have objects that never change, so for these it is a new one. All
    frameworks' arrays are equal bit for bit to those read, except that a framework with one bias
    gets the sum of both, rounded once.

    Raise `InputError` where sizes, biases or dtype are not those of the layer; nothing is written
    then.

        gateparity.load(gateparity.read(torch_lstm), into=keras_lstm)
    """
    live = open_live(into)
    params = weights.params if isinstance(weights, Weights) else weights
    if isinstance(weights, Weights):
        refuse_other_sizes("the weights", weights.config, "the layer", live.config)
    if not isinstance(params, tuple) or not all(isinstance(c, CellWeights) for c in params):
        raise InputError(f"weights are {_describe(weights)}, expected what gateparity.read returns")
    try:
        written = live.write(params)
    except Exception as error:
        raise InputError(f"{live.kind}: {' '.join(str(error).split())[:_WIDTH]}") from error
    return written[0] if len(written) == 1 else tuple(written)


def open_live(target: Any) -> LiveLstm:
    """Return a live object, or a tuple of layers, as one LSTM. Raise `InputError` in one line."""
    if isinstance(target, Weights):
        return join_layers([_open_weights(target)])
    if isinstance(target, tuple) and len(target) == 2:
        model, second = target
        if isinstance(model, Config):
            return join_layers([_open_weights(Weights(model, second))])
        if isinstance(second, str):
            return open_live(follow_path(model, second))
        if isinstance(second, Mapping):
            return join_layers([_open_one(model, second)])
    if isinstance(target, (tuple, list)):
        if not target:
            raise InputError("a stack of no layers, expected a tuple of layers")
        return join_layers([_open_one(layer) for layer in target])
    return join_layers([_open_one(target)])


def refuse_other_sizes(one: str, a: Config, other: str, b: Config) -> None:
    """Raise `InputError` that names the first size in which two configs differ."""
    for name in ("input_size", "hidden_size", "layers", "directions", "dtype"):
        found, expected = getattr(a, name), getattr(b, name)
        if found != expected:
            raise InputError(f"{one} has {name} {found}, {other} has {expected}: expected one")


def _open_one(target: Any, *variables: Any) -> LiveLayer:
    if isinstance(target, (str, Path)):
        return _open_path(Path(target))
    if isinstance(target, type):
        name = f"{target.__module__}.{target.__qualname__}"
        raise InputError(f"{name} is a class, expected an object of it")
    kind = recognise(target)
    if kind is None:
        return _open_only(target)
    module = importlib.import_module(f"gateparity.backends.live.{kind[0]}")
    try:
        opened: LiveLayer = module.OPEN[kind[1]](target, *variables)
    except InputError:
        raise
    except Exception as error:
        words = f"{type(error).__name__}: {' '.join(str(error).split())[:_WIDTH]}"
        raise InputError(f"{_describe(target)} can't be read, {words}") from error
    return opened


def _open_only(model: Any) -> LiveLayer:
    """Open the only recurrent layer that a model holds."""
    found = find_layers(model)
    if len(found) == 1:
        return _open_one(next(iter(found.values())))
    if found:
        listed = ", ".join(found)
        raise InputError(
            f"{_describe(model)} holds {len(found)} recurrent layers, expected one: name it, "
            f'(model, "{next(iter(found))}"), one of {listed}'
        )
    raise InputError(
        f"{_describe(model)} is no recurrent layer and holds none, expected a layer of PyTorch, "
        f"Keras, Flax, Equinox or gluon, or a session of ONNX Runtime{_hint(model)}"
    )


def _hint(model: Any) -> str:
    """Return what to do where a model makes its layers only when it is called."""
    compact = any(cls.__module__.startswith("flax.linen") for cls in type(model).__mro__)
    return "; a compact module's layer is given with its variables" if compact else ""


def _open_path(path: Path) -> LiveLayer:
    if not path.is_file():
        raise InputError(
            f"{str(path)!r} is no file, expected a layer or an ONNX file; backends by their names "
            'are one list: assert_parity(["numpy", "torch"])'
        )
    try:
        from gateparity.backends.live import onnx
    except ImportError as error:
        raise InputError(f"{path} {explain_import(error)}") from error
    return onnx.open_file(path)


def _open_weights(weights: Weights) -> LiveLayer:
    from gateparity.backends.live.given import open_weights

    return open_weights(*weights)


def _describe(target: Any) -> str:
    cls = type(target)
    return cls.__name__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__name__}"
