"""Target ratios, and the reasons why some are known to be missed, as data."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from gateparity.conformance.bench.statistics import Spread

Kind = Literal["framework", "own"]
Verdict = Literal["met", "unclear", "missed"]

OWN: Final = 1.05  # an adapter to what it runs, on the framework's own arrays

# A scratch variant to the framework's own layer on its own arrays: forward, with gradients; and
# trained as it is. NumPy has no layer.
_FRAMEWORK: Final[dict[str, tuple[float, float, float]]] = {
    "torch": (1.5, 2.0, 2.0),
    "tensorflow": (1.1, 1.1, 1.1),
    "jax": (1.1, 1.1, 1.1),
    "mxnet": (2.0, 2.0, 2.0),
}
TRAIN: Final = "train"
OPERATIONS: Final = ("forward", "gradients", TRAIN)


@dataclasses.dataclass(frozen=True)
class Reason:
    """The reason why a backend is known to miss a target, at these operations and sizes."""

    label: str
    kind: Kind
    operations: tuple[str, ...]
    sizes: tuple[str, ...]
    why: str


_FORWARD, _BACK = ("forward",), ("gradients",)
_BOTH: Final = (*_FORWARD, *_BACK)
_SMALL: Final = ("small", "wide")

# Measured by processor time on one core, the alternatives in prototypes.
REASONS: Final = (
    Reason(
        "torch:scratch",
        "framework",
        _FORWARD,
        (*_SMALL, "large"),
        "it is operator by operator; computed in place, it was still 1.45 to 1.74",
    ),
    Reason(
        "torch:layer",
        "own",
        _FORWARD,
        _SMALL,
        "it copies what comes in, since a tensor can't share a read-only array: 0.3 ms of 9",
    ),
    Reason(
        "tensorflow:scratch",
        "own",
        _BOTH,
        _SMALL,
        "TensorFlow copies what comes in, and the book's 12 weights take 30 us each: 0.9 ms of 10",
    ),
    Reason(
        "mxnet:scratch",
        "framework",
        _FORWARD,
        _SMALL,
        "it is operator by operator; as one graph (hybridize), it was still 1.9 to 2.7",
    ),
    Reason(
        "mxnet:scratch",
        "framework",
        _BACK,
        _SMALL,
        "it is operator by operator; as one graph (hybridize) it was 1.6, and every shape would be "
        "compiled",
    ),
    Reason(
        "mxnet:layer",
        "own",
        _BOTH,
        _SMALL,
        "MXNet copies what goes out, and every array that comes in takes it 50 us",
    ),
)


def find_target(label: str, operation: str, kind: Kind) -> float | None:
    """Return the largest ratio that is allowed, or None if there is no target."""
    framework, _, variant = label.partition("@")[0].partition(":")
    if framework not in _FRAMEWORK:
        return None
    if kind == "own":
        return None if operation == TRAIN else OWN
    if variant != "scratch":
        return None
    return dict(zip(OPERATIONS, _FRAMEWORK[framework], strict=True)).get(operation)


def judge(ratio: Spread, target: float) -> Verdict:
    """Judge a ratio; `unclear` if the lower quartile meets the target and the median doesn't.

    A longer measurement then decides.
    """
    if ratio.median <= target:
        return "met"
    return "unclear" if ratio.low <= target else "missed"


def find_reason(label: str, operation: str, size: str, kind: Kind) -> str:
    """Return why a target is known to be missed here, or an empty text."""
    name = label.partition("@")[0]
    found = (
        reason.why
        for reason in REASONS
        if (reason.label, reason.kind) == (name, kind)
        and operation in reason.operations
        and size in reason.sizes
    )
    return next(found, "")
