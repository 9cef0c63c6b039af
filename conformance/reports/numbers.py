"""Numbers as JSON has them, which knows neither NaN nor infinity."""

from __future__ import annotations

import math


def finite(number: float | None) -> float | None:
    """Return the number, or None where it isn't finite or isn't there."""
    return float(number) if number is not None and math.isfinite(number) else None
