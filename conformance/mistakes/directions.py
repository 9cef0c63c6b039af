"""Mistakes with two directions: which one runs which way, and where its outputs are."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.conformance.mistakes.equations import on_results, with_sequence
from gateparity.conformance.mistakes.masks import turn_steps
from gateparity.conformance.mistakes.mistake import ANSWERS, TWO_DIRECTIONS, TWO_OF_BOTH, alike
from gateparity.conformance.mistakes.weights import BIASES, KERNELS, first_inputs, map_fields
from gateparity.conformance.mistakes.wrappers import Wrapper, on_outputs, on_params

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.conformance.mistakes.equations import Run
    from gateparity.conformance.mistakes.mistake import Rows
    from gateparity.network.batch import Batch, Outputs
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Parameters


def from_cell(names: tuple[str, ...], source: Callable[[int, Config], int]) -> Wrapper:
    """Give cell k the arrays of cell `source(k, config)`."""

    def change(params: Parameters, config: Config) -> Parameters:
        return tuple(
            dataclasses.replace(cell, **{n: vars(params[source(k, config)])[n] for n in names})
            for k, cell in enumerate(params)
        )

    return on_params(change)


def in_upper_layers(names: tuple[str, ...], change: Callable[[Array, Config], Array]) -> Wrapper:
    """Make a change that moves numbers to these arrays of all layers above the first."""

    def change_all(params: Parameters, config: Config) -> Parameters:
        first, upper = params[: config.directions], params[config.directions :]
        return *first, *(map_fields(cell, names, lambda a: change(a, config)) for cell in upper)

    return on_params(change_all)


def _never_reversed(run: Run, *given: Any, **parts: Any) -> Any:
    return run(*given, **parts | {"reverse": False})


def _in_processing_order(
    Y: Array, H_n: Array, mask: Array, *, reverse: bool
) -> tuple[Array, Array]:
    return turn_steps(Y, mask) if reverse else Y, H_n


def _halves_exchanged(outputs: Outputs, _: Batch, config: Config) -> Outputs:
    return dataclasses.replace(outputs, y=np.roll(outputs.y, config.hidden_size, -1))


def _in_the_other(k: int, config: Config) -> int:
    return k ^ 1 if config.directions == 2 else k


_FAMILY: Final = "directions"

_RUNS: Rows = {
    "weights of the directions exchanged": (
        "forward and reverse weights had changed places",
        from_cell(KERNELS + BIASES, _in_the_other),
    ),
    "forward weights in both directions": (
        "the reverse direction had the forward one's weights",
        from_cell(KERNELS + BIASES, lambda k, config: k - k % config.directions),
    ),
    "reverse direction not reversed": (
        "the reverse direction ran from the first step to the last",
        with_sequence(_never_reversed, _never_reversed),
    ),
    "reverse outputs in processing order": (
        "the reverse direction's outputs began with its own first step",
        on_results(_in_processing_order),
    ),
}

_OUTPUTS: Rows = {
    "halves of y exchanged": (
        "the reverse direction's outputs stood before the forward one's",
        on_outputs(_halves_exchanged),
    ),
}

_UPPER: Rows = {
    "upper layers read one half": (
        "a layer read the forward outputs of the layer below alone",
        in_upper_layers(("w_ih",), lambda w, config: first_inputs(w, config.hidden_size)),
    ),
    "upper layers read halves exchanged": (
        "a layer read the reverse outputs of the layer below before the forward ones",
        in_upper_layers(("w_ih",), lambda w, config: np.roll(w, config.hidden_size, -1)),
    ),
}

DIRECTION_MISTAKES: Final = (
    *alike(_FAMILY, "every number of two directions", TWO_DIRECTIONS, _RUNS),
    *alike(
        _FAMILY,
        "outputs of two directions, and gradients through them",
        TWO_DIRECTIONS & ANSWERS,
        _OUTPUTS,
    ),
    *alike(_FAMILY, "every number of a layer above two directions", TWO_OF_BOTH, _UPPER),
)
