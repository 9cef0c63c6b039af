"""Checks that compare one answer as it is: outputs, gates, gradients, and the weights it holds.

Other checks are built from these, and name their arrays in the same way.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gateparity.network.batch import FINAL_STATES, INITIAL_STATES, arrays_by_name
from gateparity.network.parameters import fields
from gateparity.protocol.adapter import STATES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.results import Results
    from gateparity.network.batch import Batch, Outputs
    from gateparity.network.parameters import Array, CellWeights, Parameters
    from gateparity.protocol.canonical import Lstm

_OF_Y: Final = "of y alone"  # after the name of a gradient
_ARRAYS: Final = {
    "initial_states": tuple(f"d_{name}" for name in INITIAL_STATES),
    "final_states": FINAL_STATES,
}


def forward(lstm: Lstm, case: Case) -> Results:
    """1. Compare outputs and final states, given the same weights and inputs."""
    return name_outputs(lstm.forward(case.config, case.params, case.batch))


def gates(lstm: Lstm, case: Case) -> Results:
    """2. Compare every pre-activation, every gate and both states of every step."""
    return dict(vars(lstm.gates(case.config, case.params, case.batch)))


def gradients(lstm: Lstm, case: Case) -> Results:
    """3. Compare gradients of every parameter, the inputs and initial states, for one cotangent."""
    found = lstm.gradients(case.config, case.params, case.batch, case.cotangent)
    return name_gradients(*found, case.config.directions)


def layout(lstm: Lstm, case: Case) -> Results:
    """4. Compare weights that were loaded into the framework's own, and read back from there."""
    found = lstm.weights(case.config, case.params)
    return _name_parameters([_kernels_and_bias(cell) for cell in found], case.config.directions)


def variants(lstm: Lstm, case: Case) -> Results:
    """10. Compare a framework's own layer with the equations written out in that framework."""
    return answer(lstm, case)


def answer(lstm: Lstm, case: Case) -> Results:
    """Return the outputs, and the gradients if the LSTM has any."""
    return forward(lstm, case) | (gradients(lstm, case) if lstm.differentiates else {})


def answer_unless_problem(lstm: Lstm, case: Case) -> Results:
    """Return the answer, or nothing for a problem of the array.

    `forward` and `gradients` run on every problem, so that no other check compares the same again.
    """
    return {} if case.problem else answer(lstm, case)


def name_outputs(outputs: Outputs) -> Results:
    """Return the outputs by name: `y`, `h_n` and `c_n`."""
    return arrays_by_name(outputs)


def name_gradients(params: Parameters, batch: Batch, directions: int) -> Results:
    """Return gradients by name: `d_w_ih of layer 0, reverse`..., `d_x`, `d_h_0` and `d_c_0`."""
    found = _name_parameters([fields(cell) for cell in params], directions)
    return {f"d_{name}": array for name, array in (found | arrays_by_name(batch)).items()}


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
    alone = ("y" in bases and bases.isdisjoint(FINAL_STATES)) or any(
        name.endswith(_OF_Y) for name in names
    )
    fixed = any(map(_is_gradient, names)) and bases.isdisjoint(_ARRAYS["initial_states"])
    return frozenset(name for name, lacks in zip(STATES, (fixed, alone), strict=True) if lacks)


def leave_out_gradients(results: Results) -> Results:
    """Return the arrays whose names `name_gradients` doesn't give."""
    return {name: array for name, array in results.items() if not _is_gradient(name)}


def has_gradients(results: Results) -> bool:
    """Return whether any array has a name that `name_gradients` gives."""
    return any(_is_gradient(name) for name in results)


def comparable(one: Results, other: Results) -> tuple[Results, Results]:
    """Return both results, without gradients if only one of them has some.

    If that would leave no array, both are returned as they are.
    """
    if has_gradients(one) == has_gradients(other):
        return one, other
    a, b = leave_out_gradients(one), leave_out_gradients(other)
    return (a, b) if a and b else (one, other)


def label(results: Results, words: str) -> Results:
    """Return the same arrays, with `words` on how they were found after each name."""
    return {f"{name}, {words}": array for name, array in results.items()}


def alone_label(b: int | str) -> str:
    """Return the label of arrays that were found with one sequence alone."""
    return f"sequence {b} alone"


def find_restated(name: str, array: Array, arrays: Results) -> Array | None:
    """Return the part of `arrays` that an array of this name restates, found in another way.

    In exact arithmetic it has the same numbers: a label says how they were found. Return None where
    it restates none of them.
    """
    ending = f", {_OF_Y}" if name.endswith(_OF_Y) else ""
    words = name.removesuffix(ending).split(", ")
    starts = [", ".join(words[:k]) + ending for k in range(len(words), 0, -1)]
    whole = next((arrays[start] for start in starts if start in arrays), None)
    if whole is not None and (alone := re.fullmatch(alone_label(r"(\d+)"), words[-1])):
        whole = whole[: len(array), [int(alone[1])]]
    return whole if whole is not None and whole.shape == array.shape else None


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


def _kernels_and_bias(cell: CellWeights) -> dict[str, Array]:
    """Return the kernels, and `1 + b` for the sum of the biases.

    A framework that keeps one bias can't say how the sum was split. 1 is added because a bias is
    known only to a rounding of 1 where the forget gate has an offset of 1.
    """
    kernels = {"w_ih": cell.w_ih, "w_hh": cell.w_hh}
    if cell.b_ih is None or cell.b_hh is None:
        return kernels
    return kernels | {"1 + b": 1 + (cell.b_ih + cell.b_hh)}


def _cell_name(k: int, directions: int) -> str:
    layer, reverse = divmod(k, directions)
    return f"layer {layer}{', reverse' if reverse else ''}"
