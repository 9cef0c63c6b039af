"""The config of an LSTM, inferred from native arrays: structure from names, sizes from shapes."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, NoReturn

from gateparity.network.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateparity.network.parameters import Native
    from gateparity.packing.layout import Layout


def infer_config(layout: Layout, native: Native) -> Config:
    """Return the config that has these native arrays in a layout.

    Raise `ValueError` if names or shapes are not those of an LSTM, or if an array has no canonical
    place.
    """
    layout.refuse_names(native)
    if layout.vector:
        raise ValueError(
            f"{layout.name}: the length of one vector doesn't tell the sizes of an LSTM"
            if set(native) == {layout.vector}
            else f"{layout.name}: {sorted(native)} are not the arrays of an LSTM"
        )
    named = list(_named(layout, native))
    if not named:
        _refuse_structure(layout, native)
    found = [config for config in named if _fits(layout, native, config)]
    if len(found) > 1:
        raise ValueError(f"{layout.name}: these may be {named[0].layers} layers or 2 directions")
    return _measure(layout, native, (found or named)[0])


def _refuse_structure(layout: Layout, native: Native) -> NoReturn:
    """Raise `ValueError` that names what is missing from the LSTM whose names come closest."""
    names = set(native)
    closest = min(_similar(layout, len(names)), key=lambda e: (len(names - e), len(e - names)))
    if len(closest & names) < len(closest - names):
        raise ValueError(f"{layout.name}: {sorted(native)} are not the arrays of an LSTM")
    raise ValueError(
        f"{layout.name}: missing arrays {sorted(closest - names)}, "
        f"unknown arrays {sorted(names - closest)}"
    )


def _similar(layout: Layout, count: int) -> Iterator[set[str]]:
    """Yield the names of each structure of about as many arrays, give or take a layer."""
    for layer in _structures(layout):
        each = sum(1 for _ in layout.native_arrays(layer))
        most = -(-count // each) + 1 if layout.many_layers else 1
        for layers in range(max(1, most - 2), most + 1):
            config = dataclasses.replace(layer, layers=layers)
            yield {array.name for array in layout.native_arrays(config)}


def _structures(layout: Layout) -> Iterator[Config]:
    """Yield one layer of each structure that names tell apart."""
    directions = (1, 2) if any(tensor.tells_directions for tensor in layout.tensors) else (1,)
    biased = (True,) if layout.always_biased else (True, False)
    for direction_count, biases in itertools.product(directions, biased):
        yield Config(1, 1, 1, direction_count, biases)


def _named(layout: Layout, native: Native) -> Iterator[Config]:
    """Yield every structure with these names.

    There may be two, where names count cells without a direction.
    """
    for layer in _structures(layout):
        layers, rest = divmod(len(native), sum(1 for _ in layout.native_arrays(layer)))
        if rest or not layers or (layers > 1 and not layout.many_layers):
            continue
        config = dataclasses.replace(layer, layers=layers)
        if {array.name for array in layout.native_arrays(config)} == set(native):
            yield config


def _fits(layout: Layout, native: Native, named: Config) -> bool:
    try:
        _measure(layout, native, named)
    except (TypeError, ValueError):
        return False
    return True


def _measure(layout: Layout, native: Native, named: Config) -> Config:
    """Return the structure completed by what only the arrays show: dtype and sizes."""
    dtypes = sorted({str(array.dtype) for array in native.values()})
    if len(dtypes) != 1:
        raise ValueError(f"{layout.name}: dtypes are {dtypes}, expected one for all arrays")
    sizes: dict[str, int] = {}
    for array in layout.native_arrays(named):
        if array.layer == 0:
            sizes |= array.infer_sizes(native[array.name])
    hidden = sizes["hidden"]
    config = dataclasses.replace(
        named,
        input_size=sizes["input"] if "input" in sizes else sizes["feature"] - hidden,
        hidden_size=hidden,
        directions=max(named.directions, sizes["direction"]),
        dtype=dtypes[0],
    )
    layout.check_native(native, config)
    return config
