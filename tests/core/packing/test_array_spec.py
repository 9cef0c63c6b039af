"""A line of a layout that can't be is refused where it is written."""

from __future__ import annotations

import re

import pytest

from gateparity.packing.array_spec import ArraySpec

AXES = "in some order, and 'direction' where the name doesn't have it"


@pytest.mark.parametrize(
    ("name", "contents", "pattern", "words"),
    [
        (
            *("B_{layer}", "bias", "(gate hidden)"),
            "contents 'bias', expected one of w_ih, w_hh, w, b_ih, b_hh, b, b_pair",
        ),
        (
            *("W_{layers}", "w_ih", "(gate hidden) input"),
            "{layers}, expected one of {layer}, {_layer}, {direction}, {cell}, {gate}",
        ),
        (
            *("W_{}", "w_ih", "(gate hidden) input"),
            "{}, expected one of {layer}, {_layer}, {direction}, {cell}, {gate}",
        ),
        (
            *("W", "w_ih", "directions (gate hidden) input"),
            f"axes 'directions gate hidden input', expected 'gate hidden input' {AXES}",
        ),
        (
            *("W", "w_hh", "(gate hidden) input"),
            f"axes 'gate hidden input', expected 'gate hidden unit' {AXES}",
        ),
        (
            *("W_{gate}", "w", "feature (gate hidden)"),
            f"axes 'feature gate hidden', expected 'hidden feature' {AXES}",
        ),
        (
            *("W", "w", "feature hidden"),
            f"axes 'feature hidden', expected 'gate hidden feature' {AXES}",
        ),
        (
            *("b", "b", "gate hidden hidden"),
            f"axes 'gate hidden hidden', expected 'gate hidden' {AXES}",
        ),
        (*("b", "b", "gate, hidden"), f"axes 'gate, hidden', expected 'gate hidden' {AXES}"),
        (*("b", "b", "(gate hidden"), f"axes '(gate hidden', expected 'gate hidden' {AXES}"),
    ],
)
def test_what_cannot_be_is_told_with_what_can(name, contents, pattern, words):
    with pytest.raises(ValueError, match=f"^{re.escape(f'ArraySpec {name!r}: {words}')}$"):
        ArraySpec(name, contents, pattern)


@pytest.mark.parametrize(
    ("name", "contents", "pattern"),
    [
        ("W", "w_ih", "direction (gate hidden) input"),
        ("W", "w_ih", "input(hidden gate)direction"),
        ("W{_layer}.{gate}", "w_hh", "unit hidden"),
        ("b[{cell}]", "b_pair", "gate (side hidden)"),
    ],
)
def test_what_can_be_is_taken(name, contents, pattern):
    assert ArraySpec(name, contents, pattern).name == name
