"""Mistakes in the biases: how many there are, and what is used instead of their sum."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.mistakes.cells import CellChange
from gateparity.conformance.mistakes.mistake import COMPUTES, alike
from gateparity.conformance.mistakes.weight import BIASES, GATE_NAMES, at, on_fields

if TYPE_CHECKING:
    from gateparity.parameters import Cell


def _weighed(b_ih: float, b_hh: float) -> CellChange:
    """Return a mistake that multiplies each bias by its factor."""

    def change(cell: Cell) -> Cell:
        if cell.b_ih is None or cell.b_hh is None:
            return cell
        return dataclasses.replace(cell, b_ih=cell.b_ih * b_ih, b_hh=cell.b_hh * b_hh)

    return CellChange(change, change)


def _no_bias_at(gate: str) -> CellChange:
    here = at(gate)
    return on_fields(BIASES, lambda b: np.where(here, np.zeros_like(b), b))


BIAS_MISTAKES: Final = alike(
    "biases",
    "every number of an LSTM with biases: all checks that compute",
    COMPUTES,
    ("no biases", "the biases{place} were left out", _weighed(0, 0)),
    ("no b_ih", "b_ih{place} was left out", _weighed(0, 1)),
    ("no b_hh", "b_hh{place} was left out", _weighed(1, 0)),
    ("b_ih twice", "b_ih{place} stood in the place of both biases", _weighed(2, 0)),
    ("b_hh twice", "b_hh{place} stood in the place of both biases", _weighed(0, 2)),
    ("biases doubled", "the sum of both biases{place} stood in the place of each", _weighed(2, 2)),
    (
        "biases halved",
        "the mean of both biases{place} stood in the place of their sum",
        _weighed(0.5, 0.5),
    ),
    *(
        (
            f"no bias at the {words}",
            f"the biases of the {words}{{place}} were left out",
            _no_bias_at(gate),
        )
        for gate, words in GATE_NAMES.items()
    ),
)
