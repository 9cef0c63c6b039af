"""Code that variants share: cells by number, stacked layers, and the trace.

A cell is one layer in one direction; cell `k` is in layer `k // directions`. The framework's part
is passed in as functions, so this file imports no framework.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gateparity.network.batch import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gateparity.network.batch import Batch
    from gateparity.network.config import Config


def is_reverse(config: Config, k: int) -> bool:
    """Return whether cell `k` runs from the last step to the first."""
    return k % config.directions == 1


def cell_name(config: Config, k: int) -> str:
    """Return the part of native names that identifies a cell: `0`, `0_reverse`, `1`..."""
    return f"{k // config.directions}{'_reverse' if is_reverse(config, k) else ''}"


def cell_params(params: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return the arrays whose names begin with `prefix`, without the prefix."""
    return {n.removeprefix(prefix): array for n, array in params.items() if n.startswith(prefix)}


def run_layers(
    config: Config,
    X: Any,
    run_cell: Callable[[int, Any], tuple[Any, ...]],
    concat: Callable[[list[Any], int], Any],
) -> tuple[Any, ...]:
    """Run all layers, each on the outputs of the layer below.

    `run_cell(k, X)` returns `Y (T, B, hidden)` in time order, then values to be collected over
    cells, such as the last H and C. Return the top layer's Y, directions side by side, then a list
    over cells for each of the values.
    """
    collected = []
    for layer in range(config.layers):
        cells = range(layer * config.directions, (layer + 1) * config.directions)
        results = [run_cell(k, X) for k in cells]
        X = concat([Y for Y, *_ in results], -1)
        collected += [rest for _, *rest in results]
    return X, *map(list, zip(*collected, strict=True))


def build_trace(config: Config, batch: Batch, cells: Sequence[Sequence[Any]]) -> Trace:
    """Join every cell's Z and gates `(T, B, gates hidden)`, in canonical order, and its C and H."""
    z, gates, c, h = (np.stack(arrays) for arrays in zip(*cells, strict=True))
    z, gates = (np.stack(np.split(a, len(config.cell.gates), axis=-1), axis=2) for a in (z, gates))
    if batch.lengths is not None:
        mask = (np.arange(len(batch.x))[:, None] < batch.lengths)[..., None]
        z, gates = (np.where(mask[:, None], a, 0) for a in (z, gates))
        c, h = (np.where(mask, a, 0) for a in (c, h))
    return Trace(z, gates, c, h)
