"""Two layers on the same random inputs: where each ran, and how far its outputs are off."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from gateparity.backends.catalogue import RUNTIMES
from gateparity.backends.live.objects import Weights, open_live
from gateparity.conformance.judgement.verdict import Mismatch, judge
from gateparity.conformance.problems.case import build_case, draw_for
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.truths import PLAIN, Truths
from gateparity.network.parameters import cast_parameters

if TYPE_CHECKING:
    from gateparity.backends.live.stack import LiveLstm
    from gateparity.conformance.judgement.verdict import Expected
    from gateparity.conformance.networks.network import Layer
    from gateparity.conformance.networks.onnx_runtime import OnnxRuntime
    from gateparity.conformance.problems.case import Case

_STEPS: Final = 20
_SEQUENCES: Final = 4  # fewer of a large layer, whose outputs take long to judge
_OUTPUTS: Final = 20_000
_RUNTIME: Final = RUNTIMES["onnx"].title
_ROUNDING: Final = dict(RUNTIMES["onnx"].rounding_model)
_CHECK: Final = CHECKS["forward"]


@dataclasses.dataclass(frozen=True)
class SideOutputs:
    """Where a layer ran, and how far its outputs are from the exact ones of A.

    `sigmas` counts standard deviations of rounding.
    """

    place: str
    sigmas: float


def run_pair(
    a: Layer, b: Layer, seed: int, runtime: OnnxRuntime | None
) -> tuple[SideOutputs, SideOutputs] | None:
    """Run two layers of the same sizes on random inputs, each where its file belongs.

    A layer of an ONNX file runs in ONNX Runtime if there is one, and others in NumPy. Return None
    for layers that read their steps in different orders: both would run onward here.
    """
    if a.stored.reads != b.stored.reads:
        return None
    draw = draw_for("networks", seed, a.config.dtype)
    each = _STEPS * a.config.hidden_size * a.config.directions
    size = max(1, min(_SEQUENCES, _OUTPUTS // each))
    x = draw((_STEPS, size, a.config.input_size), 1.0)
    case = build_case("networks", a.config, x, draw, params=a.cells)
    placed = [_place(layer, case, runtime) for layer in (a, b)]
    # Both have one rounding model, the coarser one, so that their sigmas can be compared.
    declared = _ROUNDING if any(place == _RUNTIME for place, _ in placed) else PLAIN
    expected = Truths().of(_CHECK, case, declared)
    first, second = (SideOutputs(place, _judge(lstm, case, expected)) for place, lstm in placed)
    return first, second


def _place(layer: Layer, case: Case, runtime: OnnxRuntime | None) -> tuple[str, LiveLstm]:
    """Return where a layer runs, in words, and the LSTM that runs there."""
    config = dataclasses.replace(case.config, biases=layer.config.biases)
    params = cast_parameters(layer.cells, config.dtype)
    why = ""
    if layer.is_onnx and runtime:
        if runtime.worker and config.dtype == "float32":
            return _RUNTIME, runtime.open(config, params)
        why = f": {runtime.missing or f'the LSTM of {_RUNTIME} has no {config.dtype}'}"
    return f"NumPy{why}", open_live(Weights(config, params))


def _judge(lstm: LiveLstm, case: Case, expected: Expected) -> float:
    try:
        return judge(_CHECK.run(lstm, case), expected).sigmas
    except Mismatch as mismatch:
        return mismatch.score.sigmas
