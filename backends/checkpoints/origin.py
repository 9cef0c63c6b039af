"""Where an LSTM's numbers probably come from, as its biases show.

Each framework initialises biases in its own way. The two biases of a gate get the same gradient, so
training changes neither their difference nor their equality.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.backends.checkpoints.contents import infer_from_headers
from gateparity.network.config import GATES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateparity.backends.checkpoints.contents import FoundLayer
    from gateparity.network.parameters import Array

NEAR: Final = 0.35  # how far the mean of trained biases may be from the initial one
LEAST: Final = 0.5  # of PyTorch's range, which many numbers fill


def with_origin(layer: FoundLayer) -> FoundLayer:
    """Return a layer with what its biases show of its origin; no other array is read.

    Raise `ValueError` for damaged biases.
    """
    layout = layer.layout
    if layer.origin or layer.refusal or layout is None or layout.vector:
        return layer
    config = infer_from_headers(layout, layer.arrays)
    arrays = [array for array in layout.native_arrays(config) if array.contents.is_bias]
    cells = layout.unpack_biases({a.name: layer.arrays[a.name].load() for a in arrays}, config)
    if len(cells[0]) != 2:
        return layer  # without biases
    single = any(a.contents.join == "sum" and len(a.contents.fields) > 1 for a in arrays)
    with np.errstate(all="ignore"):  # infinities and NaN are no sign
        b_ih, b_hh = (np.stack([cell[field] for cell in cells]) for field in ("b_ih", "b_hh"))
        signs = [*(() if single else _two_biases(b_ih, b_hh)), *_forget_biases(b_ih + b_hh)]
    return dataclasses.replace(layer, origin="; ".join(signs))


def _two_biases(b_ih: Array, b_hh: Array) -> Iterator[str]:
    """Yield what two biases show that are separate in the file, `(cell, gate, hidden)`."""
    difference, bound = float(np.abs(b_ih - b_hh).max()), 2 / math.sqrt(b_ih.shape[-1])
    if not b_ih.any() and not b_hh.any():
        yield "all biases are zero"
    elif not b_ih.any() or not b_hh.any():
        yield f"{'b_hh' if b_ih.any() else 'b_ih'} is zero: from a framework with one bias"
    elif not difference:
        yield "both biases are equal: trained from equal ones, as MXNet's are, or one bias halved"
    elif LEAST * bound < difference <= bound * (1 + 1e-6):
        yield (
            f"b_ih - b_hh is within PyTorch's initial range, {difference:.3g} of {bound:.3g}, "
            "which training doesn't change"
        )


def _forget_biases(bias: Array) -> Iterator[str]:
    """Yield whether the forget gate's biases, and no others, are near 1 on average."""
    means = dict(zip(GATES, bias.mean(axis=(0, 2)), strict=True))
    others = [abs(mean) < NEAR for gate, mean in means.items() if gate != "f"]
    if abs(means["f"] - 1) < NEAR and all(others):
        yield f"forget biases are near 1, {means['f']:.3g} on average: Keras begins with 1"
