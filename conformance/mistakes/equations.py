"""NumPy's cell with replaceable parts of its equations, for mistakes.

The book's cell stays as it is. With nothing replaced this cell computes the same: bit for bit
forward, and up to the order of factors backward.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.backends.numpy.equations import Step, sigmoid, split_gates
from gateparity.conformance.mistakes.masks import known
from gateparity.conformance.mistakes.transpose import pull_back
from gateparity.conformance.mistakes.wrappers import replace_equations

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.backends.numpy.scratch import Scratch
    from gateparity.conformance.mistakes.wrappers import Apply
    from gateparity.network.parameters import Array

    Run = Callable[..., Any]  # of a cell over all steps: `sequence` or `backward` of the scratch
    BackwardCell = Callable[..., tuple[Array, Array, Array]]  # of a step, W_h, dH and dC


@dataclasses.dataclass(frozen=True)
class Activation:
    """An elementwise function, and its derivative, computed from the argument and the value.

    `before` is added to the argument, `after` to the value.
    """

    value: Callable[[Array], Array]
    slope: Callable[[Array, Array], Array]
    before: float = 0.0
    after: float = 0.0

    def of(self, z: Array) -> Array:
        """Return the value at z, offsets included."""
        value = self.value(self._moved(z))
        return value + self.after if self.after else value

    def slope_of(self, z: Array) -> Array:
        """Return the derivative at z, offset included."""
        z = self._moved(z)
        return self.slope(z, self.value(z))

    def _moved(self, z: Array) -> Array:
        return z + self.before if self.before else z


@dataclasses.dataclass(frozen=True)
class _Step(Step):
    """A step that also keeps the pre-activations, at which derivatives are taken."""

    Z: Array


SIGMOID: Final = Activation(sigmoid, lambda _, s: s * (1 - s))
TANH: Final = Activation(np.tanh, lambda _, t: 1 - t * t)
IDENTITY: Final = Activation(lambda z: z, lambda z, _: np.zeros_like(z) + 1)


def _apart(I: Array, F: Array) -> tuple[Array, Array]:
    return I, F


@dataclasses.dataclass(frozen=True)
class Equations:
    """The replaceable parts of a cell.

    They are the activations of the four gates, of the new cell state as it is kept, and of the cell
    state as it is output. `couple` changes the input and forget gates together, and `uncouple` is
    its transpose. `wrapped` are functions around backpropagation through one step, each called with
    the function inside as its first argument.
    """

    i: Activation = SIGMOID
    f: Activation = SIGMOID
    g: Activation = TANH
    o: Activation = SIGMOID
    kept: Activation = IDENTITY
    out: Activation = TANH
    couple: Callable[[Array, Array], tuple[Array, Array]] = _apart
    uncouple: Callable[[Array, Array], tuple[Array, Array]] = _apart
    wrapped: tuple[BackwardCell, ...] = ()

    def replace_equations(self, **parts: Any) -> Equations:
        """Return the equations with these parts replaced; an activation keeps its old offsets."""
        for name, part in parts.items():
            if isinstance(part, Activation):
                old: Activation = getattr(self, name)
                parts[name] = dataclasses.replace(part, before=old.before, after=old.after)
        return dataclasses.replace(self, **parts)

    def add(self, gate: str, before: float = 0, after: float = 0) -> Equations:
        """Return the equations with an offset before or after the activation of a gate."""
        old: Activation = getattr(self, gate)
        new = dataclasses.replace(old, before=old.before + before, after=old.after + after)
        parts: dict[str, Any] = {gate: new}
        return dataclasses.replace(self, **parts)

    def cell(self, Z_x: Array, H: Array, C: Array, W_h: Array) -> Step:
        """Compute one step from `Z_x = X W_x + b`, H and C."""
        Z = Z_x + H @ W_h
        Z_i, Z_f, Z_c, Z_o = split_gates(Z)
        I, F = self.couple(self.i.of(Z_i), self.f.of(Z_f))
        C_tilde = self.g.of(Z_c)
        O = self.o.of(Z_o)
        C_new = self.kept.of(F * C + I * C_tilde)
        H_new = O * self.out.of(C_new)
        return _Step(H, C, I, F, C_tilde, O, C_new, H_new, Z)

    def backward_cell(
        self, s: Step, W_h: Array, dH: Array, dC: Array
    ) -> tuple[Array, Array, Array]:
        """Return the gradients of one step's Z, H_prev and C_prev, after all wrappers."""
        step: BackwardCell = self._backward_cell
        for wrap in self.wrapped:
            step = functools.partial(wrap, step)
        return step(s, W_h, dH, dC)

    def _backward_cell(
        self, s: _Step, W_h: Array, dH: Array, dC: Array
    ) -> tuple[Array, Array, Array]:
        Z_i, Z_f, Z_c, Z_o = split_gates(s.Z)
        dO = dH * self.out.of(s.C)
        dC = dC + dH * s.O * self.out.slope_of(s.C)
        dC = dC * self.kept.slope_of(s.F * s.C_prev + s.I * s.C_tilde)
        dI, dF = self.uncouple(dC * s.C_tilde, dC * s.C_prev)
        dZ_i = dI * self.i.slope_of(Z_i)
        dZ_f = dF * self.f.slope_of(Z_f)
        dZ_c = dC * s.I * self.g.slope_of(Z_c)
        dZ_o = dO * self.o.slope_of(Z_o)
        dZ = np.concatenate([dZ_i, dZ_f, dZ_c, dZ_o], -1)
        return dZ, dZ @ W_h.T, dC * s.F


def with_equations(**parts: Any) -> Apply:
    """Return a mistake that replaces parts of the equations."""
    return change_equations(lambda equations: equations.replace_equations(**parts))


def with_backward(step: Callable[..., tuple[Array, Array, Array]]) -> Apply:
    """Return a mistake in backpropagation through one step.

    `step(backward_cell, s, W_h, dH, dC)` is called in the place of `backward_cell`.
    """
    return change_equations(
        lambda equations: equations.replace_equations(wrapped=(*equations.wrapped, step))
    )


def _call(run: Run, *given: Any, **parts: Any) -> Any:
    return run(*given, **parts)


def with_sequence(forward: Run = _call, backward: Run = _call) -> Apply:
    """Return a mistake in how one cell runs over all steps, forward and backward.

    Each function is called in the place of the right run, which is its first argument.
    """
    return lambda lstm: replace_equations(
        lstm,
        lambda scratch: dataclasses.replace(
            scratch,
            sequence=functools.partial(forward, scratch.sequence),
            backward=functools.partial(backward, scratch.backward),
        ),
    )


def on_results(change: Callable[..., tuple[Array, Array]]) -> Apply:
    """Return a mistake that moves one cell's outputs and final H after they are computed.

    `change(Y, H_n, mask, reverse=...)` returns others. `mask (T, B, 1)` has every step where
    sequences are full.
    """

    def forward(sequence: Run, X: Any, *given: Any, reverse: bool, **parts: Any) -> Any:
        Y, H_n, *rest = sequence(X, *given, reverse=reverse, **parts)
        return *change(Y, H_n, known(given[-1], X), reverse=reverse), *rest

    def back(
        backward: Run, tape: Any, w: Any, mask: Any, dY: Any, dH: Any, dC: Any, **parts: Any
    ) -> Any:
        def move(results: tuple[Array, Array]) -> tuple[Array, Array]:
            return change(*results, known(mask, dY), reverse=parts["reverse"])

        dY, dH = pull_back(move, (dY, dH), like=(dY, dH))
        return backward(tape, w, mask, dY, dH, dC, **parts)

    return with_sequence(forward, back)


def change_equations(change: Callable[[Equations], Equations]) -> Apply:
    """Return a mistake that changes the current equations, after other mistakes."""

    def change_scratch(scratch: Scratch) -> Scratch:
        changed = change(getattr(scratch.cell, "__self__", Equations()))
        return dataclasses.replace(scratch, cell=changed.cell, backward_cell=changed.backward_cell)

    return lambda lstm: replace_equations(lstm, change_scratch)
