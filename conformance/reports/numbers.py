"""Numbers in words, and as JSON has them, which knows neither NaN nor infinity."""

from __future__ import annotations

import math


def finite(number: float | None) -> float | None:
    """Return the number, or None where it isn't finite or isn't there."""
    return float(number) if number is not None and math.isfinite(number) else None


def number_words(sigmas: float | None) -> str:
    """Format standard deviations: one decimal, or the power of ten from 1000 on."""
    if sigmas is None or not math.isfinite(sigmas):
        return "-" if sigmas is None else "inf"
    return f"{sigmas:.1f}" if sigmas < 1000 else f"{sigmas:.0e}"


def error_words(error: float | None) -> str:
    """Format a difference: two digits, or "-" where nothing was compared."""
    if error is None:
        return "-"
    return f"{error:.1e}" if math.isfinite(error) else "inf"
