"""The checks that compare one answer as it is: outputs, gates, gradients, the weights it holds.

Other checks are made of these, and name their arrays like these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateparity.adapter import STATES
from gateparity.parameters import fields

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from gateparity.adapter import Batch, Outputs
    from gateparity.canonical import Lstm
    from gateparity.conformance.cases import Case
    from gateparity.conformance.requirements.checks import Results
    from gateparity.parameters import Array, Cell, Parameters

_OF_Y: Final = "of y alone"  # after the name of a gradient
_ARRAYS: Final = {"initial_states": ("d_h_0", "d_c_0"), "final_states": ("h_n", "c_n")}


def forward(lstm: Lstm, case: Case) -> Results:
    """1. Same weights, same inputs: same outputs and same final states."""
    return name_outputs(lstm.forward(case.config, case.params, case.batch))


def gates(lstm: Lstm, case: Case) -> Results:
    """2. Every pre-activation, every gate and both states of every step are the same."""
    return dict(vars(lstm.gates(case.config, case.params, case.batch)))


def gradients(lstm: Lstm, case: Case) -> Results:
    """3. Same cotangent: same gradients of every parameter, the inputs and the initial states."""
    found = lstm.gradients(case.config, case.params, case.batch, case.cotangent)
    return name_gradients(*found, case.config.directions)


def layout(lstm: Lstm, case: Case) -> Results:
    """4. Weights go into the framework's own and come back, whatever is computed with them."""
    found = lstm.weights(case.config, case.params)
    return _name_parameters([_kernels_and_bias(cell) for cell in found], case.config.directions)


def variants(lstm: Lstm, case: Case) -> Results:
    """10. A framework's own layer gives what the equations written out in it give."""
    return answer(lstm, case)


def answer(lstm: Lstm, case: Case) -> Results:
    """Outputs, and gradients where there are any."""
    return forward(lstm, case) | (gradients(lstm, case) if lstm.differentiates else {})


def name_outputs(outputs: Outputs) -> Results:
    """`y`, `h_n` and `c_n`."""
    return dict(vars(outputs))


def name_gradients(params: Parameters, batch: Batch, directions: int) -> Results:
    """`d_w_ih of layer 0, reverse`..., `d_x`, `d_h_0` and `d_c_0`."""
    found = _name_parameters([fields(cell) for cell in params], directions)
    states = {name: getattr(batch, name) for name in ("x", "h_0", "c_0")}
    return {f"d_{name}": array for name, array in (found | states).items()}


def leave_out(results: Results, lacks: Collection[str]) -> Results:
    """Return the arrays of an LSTM that lacks initial or final states, without those.

    Gradients of the outputs alone are other numbers, and get names of their own.
    """
    left_out = [name for feature in lacks for name in _ARRAYS[feature]]
    words = f", {_OF_Y}" if "final_states" in lacks else ""
    return {
        f"{name}{words if _is_gradient(name) else ''}": array
        for name, array in results.items()
        if _base(name) not in left_out
    }


def find_lacks(names: Iterable[str]) -> frozenset[str]:
    """Return what an LSTM seems to lack that found arrays of these names, some of `STATES`."""
    names = list(names)
    bases = {_base(name) for name in names}
    alone = ("y" in bases and "h_n" not in bases) or any(name.endswith(_OF_Y) for name in names)
    fixed = any(map(_is_gradient, names)) and "d_h_0" not in bases
    return frozenset(name for name, lacks in zip(STATES, (fixed, alone), strict=True) if lacks)


def has_gradients(results: Results) -> bool:
    """Whether any array has one of the names that `name_gradients` gives."""
    return any(_is_gradient(name) for name in results)


def comparable(one: Results, other: Results) -> tuple[Results, Results]:
    """Both as they are; of each its outputs alone, if only one of them has gradients.

    Where that would leave nothing, there is nothing to leave out.
    """
    if has_gradients(one) == has_gradients(other):
        return one, other
    a, b = (
        {name: array for name, array in results.items() if not _is_gradient(name)}
        for results in (one, other)
    )
    return (a, b) if a and b else (one, other)


def label(results: Results, words: str) -> Results:
    """The same arrays, with how they were found after each name."""
    return {f"{name}, {words}": array for name, array in results.items()}


def _base(name: str) -> str:
    """Return the name without how the array was found."""
    return name.partition(",")[0]


def _is_gradient(name: str) -> bool:
    return name.startswith("d_")


def _name_parameters(cells: list[dict[str, Array]], directions: int) -> Results:
    return {
        f"{name} of {_cell_name(k, directions)}": array
        for k, cell in enumerate(cells)
        for name, array in cell.items()
    }


def _kernels_and_bias(cell: Cell) -> dict[str, Array]:
    """Biases as their sum: a framework that keeps one can't say how it was shared.

    With 1 added, as they are known to a rounding of 1 where a forget gate has that for an offset.
    """
    kernels = {"w_ih": cell.w_ih, "w_hh": cell.w_hh}
    if cell.b_ih is None or cell.b_hh is None:
        return kernels
    return kernels | {"1 + b": 1 + (cell.b_ih + cell.b_hh)}


def _cell_name(k: int, directions: int) -> str:
    layer, reverse = divmod(k, directions)
    return f"layer {layer}{', reverse' if reverse else ''}"
