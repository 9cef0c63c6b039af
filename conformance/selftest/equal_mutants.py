"""Mutants of NumPy's adapter that compute the same, each under the reason that a reader found.

A mutant is its function, the part of a statement that changed, and what that became. A test
requires that each still exists and passes.
"""

from __future__ import annotations

from typing import Final

_REASONS: Final = {
    "an adapter's arrays have two axes here, and the last one is axis 1": (
        ("equations.Tape.trace", "H_0] * len(LSTM.gates), -1)", "H_0] * len(LSTM.gates), 1)"),
        (
            "equations.Tape.trace",
            ", s.F, s.C_tilde, s.O], -1) for s in self.steps]",
            ", s.F, s.C_tilde, s.O], 1) for s in self.steps]",
        ),
        ("equations.sequence", "(*X.shape[:-1], H.shape[-1]))", "(*X.shape[:-1], H.shape[1]))"),
        ("equations.backward_cell", "Z_i, dZ_f, dZ_c, dZ_o], -1)", "Z_i, dZ_f, dZ_c, dZ_o], 1)"),
        ("equations.backward", "Y.shape[:-1], W_x.shape[-1]))", "Y.shape[:-1], W_x.shape[1]))"),
        ("equations._fuse", "w['W_xc'], w['W_xo']], -1)", "w['W_xc'], w['W_xo']], 1)"),
        ("equations._fuse", "w['W_hc'], w['W_ho']], -1)", "w['W_hc'], w['W_ho']], 1)"),
    ),
    "every caller gives this argument": (
        (
            "equations.sequence",
            "=None, *, reverse: bool=False, cell: Callable[..., S",
            "=None, *, reverse: bool=True, cell: Callable[..., S",
        ),
        (
            "equations.sequence",
            "=cell, with_trace: bool=True) -> tuple[Array, Array",
            "=cell, with_trace: bool=False) -> tuple[Array, Array",
        ),
        (
            "equations.backward",
            "Array, *, reverse: bool=False, backward_cell: Callab",
            "Array, *, reverse: bool=True, backward_cell: Callab",
        ),
    ),
    "the steps past the end are masked in the outputs, and their gradients are zero": (
        ("equations.sequence", "else np.where(mask, X, 0)", "else np.where(mask, X, 1)"),
        ("equations.sequence", "else np.where(mask, X, 0)", "else np.where(mask, X, -1)"),
    ),
    "only its shape and dtype are used, and both have the same": (
        (
            "equations.sequence",
            "Y = np.zeros_like(X, shape=(*X.shape[:-1],",
            "Y = np.zeros_like(H, shape=(*X.shape[:-1],",
        ),
        (
            "equations.sequence",
            "Y = np.zeros_like(X, shape=(*X.shape[:-1],",
            "Y = np.zeros_like(C, shape=(*X.shape[:-1],",
        ),
        (
            "equations.backward",
            "dZs = np.zeros_like(dY, shape=(*dY.shape[:-1],",
            "dZs = np.zeros_like(dH, shape=(*dY.shape[:-1],",
        ),
        (
            "equations.backward",
            "dZs = np.zeros_like(dY, shape=(*dY.shape[:-1],",
            "dZs = np.zeros_like(dC, shape=(*dY.shape[:-1],",
        ),
        (
            "scratch.Scratch.pull",
            "dC_0 = (np.empty_like(dH_n), np.empty_like(dC_n)",
            "dC_0 = (np.empty_like(dC_n), np.empty_like(dC_n)",
        ),
        ("scratch.Scratch.pull", "e(dH_n), np.empty_like(dC_n))", "e(dH_n), np.empty_like(dH_n))"),
    ),
    "H and C have the same shape": (
        (
            "equations.sequence",
            ", shape=(*X.shape[:-1], H.shape[-1]))",
            ", shape=(*X.shape[:-1], C.shape[-1]))",
        ),
    ),
    "only its shape is used, where there are no steps": (
        ("equations.sequence", "H_0 = H", "H_0 = C"),
    ),
    "X and Y have the same steps": (
        ("equations.sequence", "ist[Any] = [None] * len(X)", "ist[Any] = [None] * len(Y)"),
        (
            "equations.sequence",
            "for t in _times(len(X), reverse=reverse):",
            "for t in _times(len(Y), reverse=reverse):",
        ),
    ),
    "both fused kernels have a column for each unit of each gate": (
        (
            "equations.backward",
            "hape=(*dY.shape[:-1], W_x.shape[-1]))",
            "hape=(*dY.shape[:-1], W_h.shape[-1]))",
        ),
    ),
    "the new axis has one element, and both slices have none": (
        (
            "equations._stack",
            "oncatenate([like[None][:0], *(array[None] for arr",
            "oncatenate([like[None][:-1], *(array[None] for arr",
        ),
    ),
    "NumPy takes every negative size for the one to be found": (
        (
            "equations._rows",
            "return array.reshape(-1, array.shape[-1])",
            "return array.reshape(-2, array.shape[-1])",
        ),
    ),
    "a bias has one axis": (
        ("equations._fuse", ", w['b_c'], w['b_o']], -1))", ", w['b_c'], w['b_o']], -0))"),
    ),
    "it keeps the steps, which nobody reads": (
        (
            "scratch.Scratch.forward",
            "rams, batch, with_trace=False)[0]",
            "rams, batch, with_trace=True)[0]",
        ),
    ),
    "an adapter never asks for the gradients of the biases alone": (
        (
            "equations.backward",
            "return (dX, dH, dC, _unfuse({'b_': db}",
            "return (dX, dY, dC, _unfuse({'b_': db}",
        ),
        (
            "equations.backward",
            "return (dX, dH, dC, _unfuse({'b_': db}",
            "return (dX, dC, dC, _unfuse({'b_': db}",
        ),
        (
            "equations.backward",
            "return (dX, dH, dC, _unfuse({'b_': db}",
            "return (dX, dX, dC, _unfuse({'b_': db}",
        ),
        (
            "equations.backward",
            "return (dX, dH, dC, _unfuse({'b_': db}))",
            "return (dX, dH, dY, _unfuse({'b_': db}))",
        ),
        (
            "equations.backward",
            "return (dX, dH, dC, _unfuse({'b_': db}))",
            "return (dX, dH, dH, _unfuse({'b_': db}))",
        ),
        (
            "equations.backward",
            "return (dX, dH, dC, _unfuse({'b_': db}))",
            "return (dX, dH, dX, _unfuse({'b_': db}))",
        ),
    ),
}
EQUAL_MUTANTS: Final[dict[str, str]] = {
    f"{place}: {before} -> {after}": reason
    for reason, changes in _REASONS.items()
    for place, before, after in changes
}
