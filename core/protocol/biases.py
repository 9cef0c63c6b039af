"""Biases in training: what makes a framework that trains two equal to one that trains one.

Both biases get the same gradient, so their sum moves twice as far as one bias would, and a norm
over all arrays counts that gradient twice. The functions are equal and the training differs, only
because of the choice of coordinates. If the biases are tied, the first one holds the sum and the
second stays zero.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from gateparity.errors import Unsupported, assert_never

if TYPE_CHECKING:
    from gateparity.network.config import Config
    from gateparity.network.parameters import Parameters
    from gateparity.packing.layout import Layout
    from gateparity.protocol.training import Biases


def tie_biases(params: Parameters) -> Parameters:
    """Return parameters of the same function, with the sum of the biases in `b_ih`."""
    return tuple(
        cell
        if cell.b_ih is None or cell.b_hh is None
        else dataclasses.replace(cell, b_ih=cell.b_ih + cell.b_hh, b_hh=np.zeros_like(cell.b_hh))
        for cell in params
    )


def frozen_names(layout: Layout, config: Config, biases: Biases) -> frozenset[str]:
    """Return the names of native arrays that aren't trained.

    They are the second bias where biases are tied, and all biases if the LSTM has none but the
    framework does. Raise `Unsupported` for a layout that keeps both biases in one array.
    """
    native_arrays = list(layout.native_arrays(config))
    if not config.biases:
        return frozenset(array.name for array in native_arrays if array.contents.is_bias)
    if biases == "separate":
        return frozenset()
    if biases == "tied":
        if any(array.contents.join == "stack" for array in native_arrays):
            raise Unsupported(f"{layout.name} keeps two biases in one array, which can't be tied")
        return frozenset(
            array.name for array in native_arrays if array.contents.fields == ("b_hh",)
        )
    assert_never(biases)


def counts_biases_twice(layout: Layout, config: Config) -> bool:
    """Return whether the layout has two biases that a framework trains."""
    return (
        any(array.contents.fields == ("b_hh",) for array in layout.native_arrays(config))
        and config.biases
    )
