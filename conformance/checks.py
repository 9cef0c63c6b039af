"""The checks: plain functions from an LSTM and a case to named arrays.

A check runs once on the truth and once on every backend; the arrays of one are judged against
those of the other, and every two backends against each other.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from gateparity.parameters import fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.adapter import Batch, Outputs
    from gateparity.canonical import Lstm
    from gateparity.conformance.cases import Case
    from gateparity.parameters import Array, Parameters

Results = dict[str, "Array"]  # an array's name, with its layer and direction: the array


@dataclasses.dataclass(frozen=True)
class Check:
    """A requirement, the cases that show it, and what an adapter may declare unsupported."""

    name: str
    run: Callable[[Lstm, Case], Results]
    cases: tuple[str, ...]
    needs: tuple[str, ...] = ()


def forward(lstm: Lstm, case: Case) -> Results:
    """1. Same weights, same inputs: same outputs and same final states."""
    return _name_outputs(lstm.forward(case.config, case.params, case.batch))


def gates(lstm: Lstm, case: Case) -> Results:
    """2. Every pre-activation, every gate and both states of every step are the same."""
    return dict(vars(lstm.gates(case.config, case.params, case.batch)))


def gradients(lstm: Lstm, case: Case) -> Results:
    """3. Same cotangent: same gradients of every parameter, the inputs and the initial states."""
    found = lstm.gradients(case.config, case.params, case.batch, case.cotangent)
    return _name_gradients(*found, case.config.directions)


def lengths(lstm: Lstm, case: Case) -> Results:
    """4. A sequence that ends early yields zeros past its end, and the states of its last step."""
    return forward(lstm, case) | gradients(lstm, case)


def layers(lstm: Lstm, case: Case) -> Results:
    """5. A layer reads what the layer below it put out, forward and backward."""
    return forward(lstm, case) | gradients(lstm, case)


def directions(lstm: Lstm, case: Case) -> Results:
    """6. The reverse direction runs from the last step, and its outputs stand in time order."""
    return forward(lstm, case) | gradients(lstm, case)


CHECKS: Final = {
    check.name: check
    for check in (
        Check("forward", forward, ("sequence", "unit", "plain")),
        Check("gates", gates, ("sequence", "deep"), needs=("gates",)),
        Check("gradients", gradients, ("sequence", "unit", "plain"), needs=("gradients",)),
        Check("lengths", lengths, ("ragged",), needs=("gradients", "lengths")),
        Check("layers", layers, ("stacked",), needs=("gradients",)),
        Check("directions", directions, ("deep",), needs=("gradients",)),
    )
}


def _name_outputs(outputs: Outputs) -> Results:
    return dict(vars(outputs))


def _name_gradients(params: Parameters, batch: Batch, directions: int) -> Results:
    found = {
        f"d_{name} of {_cell_name(k, directions)}": array
        for k, cell in enumerate(params)
        for name, array in fields(cell).items()
    }
    states = {name: getattr(batch, name) for name in ("x", "h_0", "c_0")}
    return found | {f"d_{name}": array for name, array in states.items()}


def _cell_name(k: int, directions: int) -> str:
    layer, reverse = divmod(k, directions)
    return f"layer {layer}{', reverse' if reverse else ''}"
