"""Whether two results are equal to within what rounding allows: the one place that decides.

An array passes if its largest error is at most 100 u times its largest true value, u being the
unit roundoff of the backend's dtype. A number that isn't finite where the truth is, fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from gateparity.conformance.checks import Results
    from gateparity.parameters import Array

ALLOWED: Final = 100  # roundings of the largest true value


class Mismatch(AssertionError):
    """Two results differ; `error` is the largest, relative to its array's largest true value."""

    def __init__(self, message: str, error: float) -> None:
        super().__init__(message)
        self.error = error


def judge(
    found: Results, expected: Results, truth: Results, dtype: str, roundings: int = ALLOWED
) -> float:
    """Compare array by array; return the largest error relative to its array's largest true value.

    `truth` sets the scale; it is `expected` itself unless two backends are compared, which may
    differ by twice the `roundings` since each may err by them. Raises
    `Mismatch` that tells the worst element of the first array which differs, and how many arrays
    and elements do.
    """
    if list(found) != list(expected):
        raise Mismatch(f"found {', '.join(found)}, expected {', '.join(expected)}", np.inf)
    allowed = roundings * unit_roundoff(dtype)
    errors = {name: _errors(found[name], expected[name], truth[name]) for name in found}
    worst = max((float(e.max(initial=0)) for e in errors.values()), default=0.0)
    differing = [name for name, e in errors.items() if not (e <= allowed).all()]
    if not differing:
        return worst
    name = differing[0]
    message = _describe(name, found[name], expected[name], errors[name], allowed)
    more = f"; {len(differing)} of {len(errors)} arrays differ" if len(errors) > 1 else ""
    raise Mismatch(message + more, worst)


def unit_roundoff(dtype: str) -> float:
    """The largest relative error of one rounding to nearest."""
    return float(np.finfo(dtype).eps) / 2


def _errors(found: Array, expected: Array, truth: Array) -> Array:
    """|found - expected| / max |truth| for each element, infinity where only one is finite."""
    wide = np.result_type(found, expected, truth)
    found, expected = found.astype(wide), expected.astype(wide)
    if found.shape != expected.shape:
        return np.array([np.inf])
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    finite = np.isfinite(found) & np.isfinite(expected)
    scale = np.abs(truth[np.isfinite(truth)]).max(initial=0)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        errors = np.where(finite, np.abs(found - expected) / scale, np.inf)
        return np.where(same, 0, errors).astype(np.float64)


def _describe(name: str, found: Array, expected: Array, errors: Array, allowed: float) -> str:
    if found.shape != expected.shape:
        return f"{name} has shape {found.shape}, expected {expected.shape}"
    at = np.unravel_index(int(errors.argmax()), errors.shape)
    where = ", ".join(str(int(i)) for i in at)
    beyond = int((~(errors <= allowed)).sum())
    digits = 9 if found.dtype == np.float32 else 17
    return (
        f"{name}[{where}]: found {found[at]:.{digits}g}, expected {expected[at]:.{digits}g}: "
        f"{errors[at]:.2g} of the largest element, {allowed:.2g} allowed; "
        f"{beyond} of {errors.size} elements differ"
    )
