"""A covering array: few choices of options that have every combination of some of their values.

It is built greedily, as AETG does (Cohen, Dalal, Fredman and Patton, 1997): each new choice takes
the values that add most combinations, and the best of several such choices is kept. Libraries do
the same; those that were tried never ended for some seeds, once values exclude each other.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gateparity.conformance.problems.picker import Picker

    Choice = dict[str, Any]  # a value of each option, or of some
    Options = Mapping[str, Sequence[Any]]
    Combination = frozenset[tuple[str, Any]]

_TRIES: Final = 6  # choices, of which the best is kept


def cover(
    options: Options, strong: Sequence[str], can_be: Callable[[Choice], bool], pick: Picker
) -> list[Choice]:
    """Return choices with all pairs of values, and all triples of the options in `strong`.

    `can_be` says whether some values can be part of a choice; other combinations are left out.
    """
    combinations = _combine(options, strong)
    missing = {c for c in combinations if can_be(dict(c))}
    found = []
    while missing:
        start = next(c for c in pick.shuffled(combinations) if c in missing)
        tries = [_grow(dict(start), options, strong, can_be, pick, missing) for _ in range(_TRIES)]
        best, gained = max(tries, key=lambda one: len(one[1]))
        missing -= gained
        found.append({name: best[name] for name in options})
    return found


def _combine(options: Options, strong: Sequence[str]) -> list[Combination]:
    names = [*itertools.combinations(options, 2), *itertools.combinations(strong, 3)]
    return [
        frozenset(zip(group, values, strict=True))
        for group in names
        for values in itertools.product(*(options[name] for name in group))
    ]


def _grow(
    start: Choice,
    options: Options,
    strong: Sequence[str],
    can_be: Callable[[Choice], bool],
    pick: Picker,
    missing: set[Combination],
) -> tuple[Choice, set[Combination]]:
    """Complete a choice by the values that add most, and return it with what it adds."""
    choice: Choice = {}
    gained: set[Combination] = set()
    others = pick.shuffled([name for name in options if name not in start])
    for name in [*start, *others]:
        values = [start[name]] if name in start else pick.shuffled(options[name])
        fitting = [value for value in values if can_be(start | choice | {name: value})]
        added = [_add(choice, (name, value), strong) & missing for value in fitting]
        best = max(range(len(fitting)), key=lambda k: len(added[k]))
        choice[name], gained = fitting[best], gained | added[best]
    return choice, gained


def _add(choice: Choice, item: tuple[str, Any], strong: Sequence[str]) -> set[Combination]:
    """Return the combinations that a choice gets with one more value."""
    found = {frozenset((item, other)) for other in choice.items()}
    if item[0] in strong:
        others = [other for other in choice.items() if other[0] in strong]
        found |= {frozenset((item, *two)) for two in itertools.combinations(others, 2)}
    return found
