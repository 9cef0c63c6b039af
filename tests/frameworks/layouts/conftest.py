"""How a layout is verified: weights packed for the framework's own class, and its answer judged.

A module here is named like the layout that it verifies, and is skipped where the framework isn't
installed. What may differ is what rounding explains, as in every check.
"""

from __future__ import annotations

import dataclasses
import importlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from gateparity.conformance.judgement.verdict import Mismatch, judge
from gateparity.conformance.problems.cases import Recipe
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.truths import Truths
from gateparity.layouts import LAYOUTS
from gateparity.network.batch import Outputs
from gateparity.network.parameters import CellWeights, fields
from gateparity.protocol.canonical import Canonical

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.packing.layout import Layout

FORWARD = CHECKS["forward"]


@dataclasses.dataclass(frozen=True)
class Framework:
    """An adapter of one function: `run(config, params, batch)` returns y, h_n and c_n."""

    layout: Layout
    run: Callable[..., Any]

    def forward(self, config, params, batch):
        y, h_n, c_n = map(np.asarray, self.run(config, params, batch))
        return Outputs(y, {"h": h_n, "c": c_n})


@pytest.fixture
def verify():
    """`verify(name, run)`: at each dtype; in as many layers and directions as the layout holds.

    `backend` is the adapter of ours that has the same exp and tanh, and declares their bias.
    """
    return _verify


@pytest.fixture
def verify_cell():
    """`verify_cell(name, make)`: `make(config, params)` returns `step(x, h, c)`: the next h, c."""

    def verify(name, make, **options):
        def run(config, params, batch):
            step = make(config, params)
            h, c, y = batch.states["h"][0], batch.states["c"][0], []
            for x in batch.x:
                h, c = (np.asarray(state) for state in step(x, h, c))
                y.append(h)
            return np.stack(y), h[None], c[None]

        _verify(name, run, **options)

    return verify


def _verify(name, run, dtypes=("float32", "float64"), backend="numpy"):
    layout = LAYOUTS[name]
    assert layout.origin is not None
    assert not layout.origin.unverified
    recipe = Recipe(
        "layout",
        layers=2 if layout.many_layers else 1,
        directions=2 if layout.both_directions else 1,
    )
    adapter = importlib.import_module(f"gateparity.backends.{backend}.scratch").Scratch()
    rounding_model = getattr(adapter, "rounding_model", {})
    for dtype in dtypes:
        case = recipe.build(dtype, 0)
        expected = Truths().of(FORWARD, case, rounding_model)
        lstm = Canonical(Framework(layout, run))
        judge(FORWARD.run(lstm, case), expected)
        with pytest.raises(Mismatch):
            judge(FORWARD.run(lstm, in_another_order(case)), expected)


def in_another_order(case):
    """With the weights of i, f, g, o as those of o, g, f, i."""
    params = tuple(CellWeights(**{n: a[::-1] for n, a in fields(c).items()}) for c in case.params)
    return dataclasses.replace(case, params=params)
