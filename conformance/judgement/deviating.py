"""LSTMs that frameworks compute instead of the right one: what their layers do at sequences' ends.

Each is the reference with two functions of its own, so that a whole result can be judged by it, its
gradients too. Where no sequence ends early, all of them compute what the reference computes.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.backends.numpy.equations import Tape, backward, sequence
from gateparity.backends.numpy.scratch import Scratch

if TYPE_CHECKING:
    from gateparity.network.parameters import Array

    Ran = tuple[Any, Any, Any, "_Tapes"]  # Y, H, C and what backpropagation needs


@dataclasses.dataclass(frozen=True)
class _Tapes(Tape):
    """A tape of all steps, and those of parts that were run by themselves."""

    parts: tuple[Tape, ...] = ()


def _run_on(X: Array, H: Array, C: Array, w: Any, mask: Any, **how: Any) -> Ran:
    """Run the padding after the sequence. A sequence of no steps takes its final state there."""
    Y, H_n, C_n, tape = sequence(X, H, C, w, mask, **how)
    if mask is None:
        return Y, H_n, C_n, _Tapes(**vars(tape))
    _, H_on, C_on, padding = sequence(X, H_n, C_n, w, ~mask, **how)
    empty = ~mask.any(0)
    H_n, C_n = np.where(empty, H_on, H_n), np.where(empty, C_on, C_n)
    return Y, H_n, C_n, _Tapes(**vars(tape), parts=(padding,))


def _backward_run_on(
    tape: _Tapes, w: Any, mask: Any, dY: Array, dH: Array, dC: Array, **how: Any
) -> tuple[Array, Array, Array, Any]:
    if mask is None:
        return backward(tape, w, mask, dY, dH, dC, **how)
    [padding], empty = tape.parts, ~mask.any(0)
    ends = np.where(empty, dH, 0), np.where(empty, dC, 0)
    dX_on, dH_on, dC_on, dw_on = backward(padding, w, ~mask, dY * 0, *ends, **how)
    dH, dC = dH_on + np.where(empty, 0, dH), dC_on + np.where(empty, 0, dC)
    dX, dH, dC, dw = backward(tape, w, mask, dY, dH, dC, **how)
    return dX + dX_on, dH, dC, _add(dw, dw_on)


def _mask_after(
    X: Array, H: Array, C: Array, w: Any, mask: Any, *, reverse: bool = False, **how: Any
) -> Ran:
    """Compute every step, also in the padding, and then take the state from before."""
    if mask is None or not len(X):
        Y, H, C, tape = sequence(X, H, C, w, mask, reverse=reverse, **how)
        return Y, H, C, _Tapes(**vars(tape))
    H_0, Ys, parts = H, [H] * len(X), [Tape(X, H, [])] * len(X)
    for t in _times(X, reverse=reverse):
        Y_t, H_t, C_t, parts[t] = sequence(X[t : t + 1], H, C, w, **how)
        Ys[t] = np.where(mask[t], Y_t[0], 0)
        H, C = np.where(mask[t], H_t, H), np.where(mask[t], C_t, C)
    return np.stack(Ys), H, C, _Tapes(X, H_0, [], tuple(parts))


def _backward_mask_after(
    tape: _Tapes,
    w: Any,
    mask: Any,
    dY: Array,
    dH: Array,
    dC: Array,
    *,
    reverse: bool = False,
    **how: Any,
) -> tuple[Array, Array, Array, Any]:
    """Give a masked step cotangents of zero, and times NaN they are NaN."""
    if mask is None or not len(dY):
        return backward(tape, w, mask, dY, dH, dC, reverse=reverse, **how)
    dX, dw = [tape.X[:1]] * len(tape.X), {name: array * 0 for name, array in w.items()}
    for t in _times(tape.X, reverse=not reverse):
        live = mask[t]
        given = (np.where(live, array, 0) for array in (dY[t][None], dH, dC))
        dX[t], dH_t, dC_t, dw_t = backward(tape.parts[t], w, None, *given, **how)
        dH, dC = dH_t + np.where(live, 0, dH), dC_t + np.where(live, 0, dC)
        dw = _add(dw, dw_t)
    return np.concatenate(dX), dH, dC, dw


def _ignore_lengths(X: Array, H: Array, C: Array, w: Any, _: Any, **how: Any) -> Any:
    return sequence(X, H, C, w, None, **how)


def _backward_ignore_lengths(tape: Tape, w: Any, _: Any, *cotangents: Array, **how: Any) -> Any:
    return backward(tape, w, None, *cotangents, **how)


def _times(X: Array, *, reverse: bool) -> range:
    return range(len(X))[::-1] if reverse else range(len(X))


def _add(one: Any, other: Any) -> Any:
    return {name: array + other[name] for name, array in one.items()}


RUNS_ON: Final = Scratch(sequence=_run_on, backward=_backward_run_on)
MASKS_AFTER: Final = Scratch(sequence=_mask_after, backward=_backward_mask_after)
IGNORES_LENGTHS: Final = Scratch(sequence=_ignore_lengths, backward=_backward_ignore_lengths)
