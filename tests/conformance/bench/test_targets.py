from __future__ import annotations

import itertools

import pytest

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.conformance.bench.sizes import SIZES
from gateparity.conformance.bench.statistics import Spread
from gateparity.conformance.bench.targets import (
    OPERATIONS,
    REASONS,
    find_reason,
    find_target,
    judge,
)

ROWS = [f"{name}:{v}" for name, f in FRAMEWORKS.items() for v, _ in f.variants]


@pytest.mark.parametrize(
    ("label", "operation", "kind", "target"),
    [
        ("torch:scratch", "forward", "framework", 1.5),
        ("torch:scratch", "gradients", "framework", 2.0),
        ("jax:scratch@env", "forward", "framework", 1.1),
        ("torch:scratch@env", "gradients", "own", 1.05),
        ("mxnet:layer", "forward", "own", 1.05),
        ("torch:scratch", "train", "framework", 2.0),
        ("jax:scratch", "train", "framework", 1.1),
        ("jax:scratch", "train", "own", None),
        ("torch:layer", "forward", "framework", None),
        ("numpy:scratch", "forward", "framework", None),
        ("numpy:scratch", "forward", "own", None),
        ("mypkg.lstm:MyLSTM", "forward", "own", None),
    ],
)
def test_targets(label, operation, kind, target):
    assert find_target(label, operation, kind) == target


def test_a_target_is_missed_only_where_three_of_four_rounds_miss_it():
    assert judge(Spread(1.1, 0.9, 1.3), 1.1) == "met"
    assert judge(Spread(1.2, 1.05, 1.3), 1.1) == "unclear"
    assert judge(Spread(1.2, 1.15, 1.3), 1.1) == "missed"


@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: f"{reason.label} {reason.kind}")
def test_a_reason_stands_beside_a_ratio_that_has_a_target(reason):
    assert reason.label in ROWS
    for operation, size in itertools.product(reason.operations, reason.sizes):
        assert operation in OPERATIONS
        assert size in SIZES
        assert find_target(reason.label, operation, reason.kind)
        assert find_reason(reason.label, operation, size, reason.kind) == reason.why
    assert find_reason(reason.label, "sideways", "small", reason.kind) == ""


def test_a_row_elsewhere_has_the_reasons_of_its_adapter():
    [first, *_] = REASONS
    place = first.operations[0], first.sizes[0], first.kind
    assert find_reason(f"{first.label}@/opt/env", *place) == first.why
