"""A deliberate mistake: one way in which an LSTM is wrong, and the checks that must catch it.

The checks follow from what each compares and from what its cases contain, never from a run.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from gateparity.conformance.problems import special_values
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.network.dtypes import JUDGED_DTYPES

Where = Literal["both", "forward", "backward"]
_PLACE: Final = "{place}"

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateparity.conformance.mistakes.wrappers import Apply
    from gateparity.conformance.problems.cases import Recipe
    from gateparity.conformance.requirements.checks import Compared

    Rows = Mapping[str, tuple[str, Apply]]  # words and `apply`, by name


@dataclasses.dataclass(frozen=True)
class Mistake:
    """One way to be wrong.

    `words` complete "behaves exactly as if ...". `words_in_place` are the same with `{place}` where
    a layer or direction is named, for a mistake that can be made in one alone, and empty for
    others. `violates` says which numbers are wrong, and where it can show. `apply` makes an LSTM
    wrong in this way; it is called anew for each check and case, since some mistakes keep state.
    `checks` are exactly those that must catch it, in those of `dtypes` that they run at. `path` is
    where it is: with "backward", outputs are right.
    """

    name: str
    family: str
    words: str
    violates: str
    apply: Apply
    checks: frozenset[str]
    path: Where = "both"
    dtypes: tuple[str, ...] = JUDGED_DTYPES
    words_in_place: str = ""


def alike(
    family: str,
    violates: str,
    checks: frozenset[str],
    rows: Rows,
    path: Where = "both",
    dtypes: tuple[str, ...] = JUDGED_DTYPES,
) -> tuple[Mistake, ...]:
    """Return mistakes that share everything except name, words and `apply`.

    Words with `{place}` in them belong to a mistake that can be made in one layer or direction.
    """
    return tuple(
        Mistake(
            name=name,
            family=family,
            words=words.replace(_PLACE, ""),
            violates=violates,
            apply=apply,
            checks=checks,
            path=path,
            dtypes=dtypes,
            words_in_place=words if _PLACE in words else "",
        )
        for name, (words, apply) in rows.items()
    )


def comparing(kind: Compared) -> frozenset[str]:
    """Return the checks that compare results of this kind."""
    return frozenset(check.name for check in CHECKS.values() if kind in check.compares)


def having(holds: Callable[[Recipe], object]) -> frozenset[str]:
    """Return the checks that compare numbers in at least one case for which `holds` is true."""
    return COMPUTES & {c.name for c in CHECKS.values() if any(holds(RECIPES[n]) for n in c.cases)}


def spoiling(name: str) -> frozenset[str]:
    """Return the checks that compare numbers in a case with NaN in the array of this name."""
    nan = special_values.Spoil({name: np.nan})
    return having(lambda recipe: recipe.values == nan)


def run_at(*dtypes: str) -> frozenset[str]:
    """Return the checks that compare numbers at one of these dtypes."""
    return COMPUTES & {c.name for c in CHECKS.values() if set(dtypes) & set(c.dtypes)}


# What is compared, as each check declares it.
OUTPUTS: Final = comparing("outputs")
GRADIENTS: Final = comparing("gradients")
ANSWERS: Final = OUTPUTS | GRADIENTS
TRACE: Final = comparing("trace")
COMPUTES: Final = ANSWERS | TRACE
WEIGHTS: Final = comparing("weights")
PURITY: Final = comparing("side effects")
CALLS: Final = comparing("calls")
REFUSAL: Final = comparing("refusals")
UNCUT: Final = COMPUTES & {check.name for check in CHECKS.values() if check.whole}

# Of what: a biased cell with initial states, several units, steps and sequences is in all of them.
TWO_DIRECTIONS: Final = having(lambda recipe: recipe.directions == 2)
TWO_LAYERS: Final = having(lambda recipe: recipe.layers > 1)
TWO_OF_BOTH: Final = having(lambda recipe: recipe.directions == 2 and recipe.layers > 1)
TWO_CELLS: Final = TWO_DIRECTIONS | TWO_LAYERS
SHORT: Final = having(lambda recipe: any(n < recipe.steps for n in recipe.lengths))
SHORT_REVERSE: Final = having(
    lambda recipe: recipe.directions == 2 and any(n < recipe.steps for n in recipe.lengths)
)
ZERO_LENGTH: Final = having(lambda recipe: 0 in recipe.lengths)
LARGE: Final = having(
    lambda recipe: (
        recipe.values
        in (special_values.saturated, special_values.overflowing, special_values.growing)
    )
)
NAN_PADDING: Final = having(lambda recipe: recipe.values is special_values.nan_padding)
OVERFLOWING: Final = having(
    lambda recipe: (
        recipe.values in (special_values.overflowing, special_values.huge, special_values.infinite)
    )
)
NAN: Final = having(lambda recipe: recipe.values is special_values.nan)
STEEP: Final = having(
    lambda recipe: recipe.values in (special_values.steep, special_values.half_steep)
)
LONG: Final = having(lambda recipe: recipe.steps > 64)
WIDE: Final = having(lambda recipe: recipe.input_size > 32)
