"""What a ratio may be at most, and why one is known to be more: data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from gateparity.conformance.bench.statistics import Spread

Kind = Literal["framework", "own"]
Verdict = Literal["met", "unclear", "missed"]

OWN: Final = 1.05  # an adapter to the same thing called directly, on the framework's own arrays

# A scratch variant to the framework's own layer, called directly: forward, with gradients.
_FRAMEWORK: Final = {
    "torch": (1.5, 2.0),
    "tensorflow": (1.1, 1.1),
    "jax": (1.1, 1.1),
    "mxnet": (2.0, 2.0),
    "numpy": (1.0, 1.0),  # to the plain loop, since there is no layer
}
_NUMPY_LARGE: Final = 1 / 1.3
OPERATIONS: Final = ("forward", "gradients")
_SIZES: Final = ("small", "wide", "large")

# Measured by processor time on one core, in prototypes of the forward pass alone.
_TORCH: Final = "it is operator by operator; computed in place, it was still 1.45 to 1.74"
_MXNET: Final = "it is operator by operator; with one product a step, it was still 3.6 to 4.5"
REASONS: Final[dict[tuple[str, str, str, Kind], str]] = {
    **{("torch:scratch", "forward", size, "framework"): _TORCH for size in _SIZES},
    **{("mxnet:scratch", "forward", size, "framework"): _MXNET for size in ("small", "wide")},
}


def find_target(label: str, operation: str, size: str, kind: Kind) -> float | None:
    """The largest ratio that is meant, or None where nothing was promised."""
    framework, _, variant = label.partition(":")
    framework = framework.partition("@")[0]
    if framework not in _FRAMEWORK:
        return None
    if kind == "own":
        return None if framework == "numpy" else OWN
    if variant != "scratch":
        return None
    if framework == "numpy" and size == "large":
        return _NUMPY_LARGE
    return _FRAMEWORK[framework][OPERATIONS.index(operation)]


def judge(ratio: Spread, target: float) -> Verdict:
    """`unclear` where the middle half of the rounds has the target in it: measure longer."""
    if ratio.median <= target:
        return "met"
    return "unclear" if ratio.low <= target else "missed"


def find_reason(label: str, operation: str, size: str, kind: Kind) -> str:
    """Why a target is known to be missed here, or nothing."""
    name = label.partition("@")[0]
    return REASONS.get((name, operation, size, kind), "")
