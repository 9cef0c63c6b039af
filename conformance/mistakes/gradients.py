"""Mistakes in gradients and in cotangents; outputs are right."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.conformance.mistakes.mistake import GRADIENTS, STEEP, alike
from gateparity.conformance.mistakes.weights import BIASES, KERNELS, map_fields
from gateparity.conformance.mistakes.wrappers import Wrapper, on_cotangent
from gateparity.network.batch import Batch, Outputs, arrays_by_name, map_arrays, replace_arrays
from gateparity.network.parameters import fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.conformance.mistakes.mistake import Rows
    from gateparity.conformance.mistakes.wrappers import Found, Wrappable
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Parameters


def on_gradients(change: Callable[[Found, Parameters, Batch], Found]) -> Wrapper:
    """Return a mistake that changes the gradients that come out."""

    def gradients(
        lstm: Wrappable, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
    ) -> Found:
        return change(lstm.gradients(config, params, batch, cotangent), params, batch)

    return Wrapper(gradients=gradients)


def _on_weights(names: tuple[str, ...], change: Callable[[Array], Array]) -> Wrapper:
    return on_gradients(
        lambda found, *_: (tuple(map_fields(cell, names, change) for cell in found[0]), found[1])
    )


def _on_inputs(names: tuple[str, ...], change: Callable[[Array], Array]) -> Wrapper:
    def changed(found: Found, *_: object) -> Found:
        arrays = {name: change(arrays_by_name(found[1])[name]) for name in names}
        return found[0], replace_arrays(found[1], **arrays)

    return on_gradients(changed)


def _scaled(found: Any, factor: Any) -> Any:
    return map_arrays(lambda array: array * factor, found)


def _clip(limit: float) -> Callable[[Array], Array]:
    return lambda d: np.minimum(np.maximum(d, -limit), limit)


def _clipped_by_norm(found: Found, *_: object) -> Found:
    rows = [a.reshape(-1) for cell in found[0] for a in fields(cell).values()]
    norm = sum((row @ row for row in rows[1:]), start=rows[0] @ rows[0]) ** 0.5
    return _scaled(found[0], 1 / np.maximum(norm, 1)), found[1]


def _decayed(found: Found, params: Parameters, _: Batch) -> Found:
    return tuple(
        dataclasses.replace(
            d, **{n: a + 0.01 * getattr(cell, n) for n, a in fields(d).items() if n in KERNELS}
        )
        for d, cell in zip(found[0], params, strict=True)
    ), found[1]


def _exchanged(found: Found, *_: object) -> Found:
    d = arrays_by_name(found[1])
    return found[0], replace_arrays(found[1], h_0=d["c_0"], c_0=d["h_0"])


def _without(*names: str) -> Wrapper:
    """Return a mistake that sets these parts of the cotangent to zero."""

    def change(d: Outputs, *_: object) -> Outputs:
        return replace_arrays(d, **{n: np.zeros_like(arrays_by_name(d)[n]) for n in names})

    return on_cotangent(change)


def _last_output_only(d: Outputs, *_: object) -> Outputs:
    last = np.arange(len(d.y))[:, None, None] == len(d.y) - 1
    return dataclasses.replace(d, y=np.where(last, d.y, np.zeros_like(d.y)))


_SHOWN: Final = "gradients: all checks that compare some"

_RESULTS: Rows = {
    "d_w_ih doubled": (
        "the input kernels' gradient was counted twice",
        _on_weights(("w_ih",), lambda d: d * 2),
    ),
    "d_w_hh doubled": (
        "the recurrent kernels' gradient was counted twice",
        _on_weights(("w_hh",), lambda d: d * 2),
    ),
    "d_b doubled": ("the biases' gradient was counted twice", _on_weights(BIASES, lambda d: d * 2)),
    "d_b halved": ("two biases shared a gradient", _on_weights(BIASES, lambda d: d * 0.5)),
    "no d_b_ih": ("b_ih had no gradient", _on_weights(("b_ih",), np.zeros_like)),
    "no d_b_hh": ("b_hh had no gradient", _on_weights(("b_hh",), np.zeros_like)),
    "d_w_hh transposed": (
        "the recurrent kernels' gradient was transposed",
        _on_weights(("w_hh",), lambda d: np.swapaxes(d, 1, 2)),
    ),
    "gradients packed i, f, o, g": (
        "gradients of weights, and not the weights, were packed i, f, o, g",
        _on_weights(KERNELS + BIASES, lambda d: d[[0, 1, 3, 2]]),
    ),
    "no d_x": ("x had no gradient", _on_inputs(("x",), np.zeros_like)),
    "no d_h_0": ("h_0 had no gradient", _on_inputs(("h_0",), np.zeros_like)),
    "no d_c_0": ("c_0 had no gradient", _on_inputs(("c_0",), np.zeros_like)),
    "d_h_0 and d_c_0 exchanged": (
        "the gradients of h_0 and c_0 had changed places",
        on_gradients(_exchanged),
    ),
    "gradients the other way": (
        "all gradients had the other sign",
        on_gradients(lambda found, *_: _scaled(found, -1)),
    ),
    "mean over the batch": (
        "gradients were means over the batch, where sums are asked for",
        on_gradients(lambda found, _, batch: _scaled(found, 1 / max(batch.x.shape[1], 1))),
    ),
    "mean over time": (
        "gradients were means over time, where sums are asked for",
        on_gradients(lambda found, _, batch: _scaled(found, 1 / max(len(batch.x), 1))),
    ),
    "gradients clipped to [-1, 1]": (
        "each element of the weights' gradients were clipped to [-1, 1]",
        _on_weights(KERNELS + BIASES, _clip(1)),
    ),
    "gradients clipped to norm 1": (
        "the weights' gradients were clipped to a norm of 1",
        on_gradients(_clipped_by_norm),
    ),
    "weight decay": (
        "kernels decayed: 0.01 times each were in its gradient",
        on_gradients(_decayed),
    ),
}

_HEADS: Rows = {
    "no cotangent of states": ("final states had no cotangent", _without("h_n", "c_n")),
    "no cotangent of h_n": ("h_n had no cotangent", _without("h_n")),
    "no cotangent of c_n": ("c_n had no cotangent", _without("c_n")),
    "no cotangent of y": ("y had no cotangent", _without("y")),
    "cotangent of the last output alone": (
        "y had a cotangent at the last step alone",
        on_cotangent(_last_output_only),
    ),
    "cotangent of h_n doubled": (
        "the cotangent of h_n was counted twice, with y's last step and by itself",
        on_cotangent(lambda d, *_: replace_arrays(d, h_n=d.states["h"] * 2)),
    ),
}

_STEEP: Rows = {
    f"gradients clipped to [-{limit}, {limit}]": (
        f"each element of the weights' gradients were clipped to [-{limit}, {limit}]",
        _on_weights(KERNELS + BIASES, _clip(limit)),
    )
    for limit in (5, 10, 100)
}

GRADIENT_MISTAKES: Final = (
    *alike("gradients", _SHOWN, GRADIENTS, _RESULTS, path="backward"),
    *alike(
        "values",
        "gradients of weights that are large",
        GRADIENTS & STEEP,
        _STEEP,
        path="backward",
    ),
    *alike("cotangents", _SHOWN, GRADIENTS, _HEADS, path="backward"),
)
