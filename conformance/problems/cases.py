"""Named, seeded problems: sizes, weights, inputs, lengths, initial states and a cotangent.

There are few shapes, shared by the checks, because compiled frameworks compile once for each.
Numbers are constant or zero only where the case is about that.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.problems import special_values
from gateparity.conformance.problems.case import build_case, draw_for
from gateparity.network.config import Config

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.conformance.problems.case import Case


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A case without its numbers.

    `lengths` are the sequences' lengths, or empty for full sequences. `positive` makes every number
    positive, so that no sum cancels. `values` replaces an ordinary case's numbers by special ones.
    """

    name: str
    steps: int = 5
    size: int = 3
    input_size: int = 4
    hidden_size: int = 6
    layers: int = 1
    directions: int = 1
    biases: bool = True
    initial: bool = True
    positive: bool = False
    lengths: tuple[int, ...] = ()
    values: Callable[[Case], Case] | None = None

    def build(self, dtype: str, seed: int) -> Case:
        """Draw the case's numbers, which are the same for every dtype up to rounding."""
        config = Config(
            self.input_size, self.hidden_size, self.layers, self.directions, self.biases, dtype
        )
        draw = draw_for(self.name, seed, dtype, positive=self.positive)
        x = draw((self.steps, self.size, self.input_size), 1.0)
        lengths = np.array(self.lengths, np.int32) if self.lengths else None
        case = build_case(self.name, config, x, draw, lengths, initial=self.initial)
        return self.values(case) if self.values else case


_ARRAYS: Final = ("h_0", "c_0", "w_ih", "w_hh", "b_ih", "b_hh")
_BIASES: Final = {"b_ih": np.inf, "b_hh": -np.inf}
SPOILED: Final = (  # one number that isn't finite, in one array
    *(Recipe(f"nan_{name}", values=special_values.Spoil({name: np.nan})) for name in _ARRAYS),
    *(
        Recipe(f"infinite_{name}", values=special_values.Spoil({name: np.inf}))
        for name in ("x", *_ARRAYS)
    ),
    Recipe("infinite_biases", values=special_values.Spoil(_BIASES)),
)

RECIPES: Final = {
    recipe.name: recipe
    for recipe in (
        Recipe("sequence"),
        Recipe("unit", steps=1, size=1, input_size=1, hidden_size=1, positive=True),
        Recipe("plain", biases=False, initial=False),
        Recipe("zero_states", initial=False),
        Recipe("uneven", steps=3, initial=False, lengths=(2, 3, 1)),  # `calls` repeats it
        Recipe("ragged", layers=2, directions=2, lengths=(3, 5, 1)),
        Recipe("one_empty", layers=2, directions=2, lengths=(3, 0, 5)),
        Recipe(
            "nan_padding",
            layers=2,
            directions=2,
            lengths=(3, 5, 1),
            values=special_values.nan_padding,
        ),
        Recipe("all_empty", layers=2, directions=2, lengths=(0, 0, 0)),
        Recipe("stacked", steps=6, layers=2),
        Recipe("deep", layers=2, directions=2),
        Recipe("one_step", steps=1),
        Recipe("one_sequence", size=1),
        Recipe("one_input", input_size=1),
        Recipe("one_unit", hidden_size=1),
        Recipe("long", steps=100),
        Recipe("wide", size=17, input_size=50, hidden_size=64, directions=2),
        Recipe("many_steps", steps=260, size=2, input_size=2, hidden_size=3, lengths=(257, 260)),
        Recipe("many_sequences", steps=2, size=260, input_size=260, hidden_size=3),
        Recipe("many_units", steps=2, size=2, input_size=2, hidden_size=260),
        Recipe("many_numbers", steps=64, size=260, input_size=2, hidden_size=4),
        Recipe("many_layers", steps=2, input_size=3, hidden_size=2, layers=11),
        Recipe(
            "square",
            steps=4,
            size=4,
            input_size=4,
            hidden_size=4,
            initial=False,
            values=special_values.zero_biases,
        ),
        Recipe("no_steps", steps=0),
        Recipe("no_sequences", size=0),
        Recipe("saturated", values=special_values.saturated),
        Recipe("overflowing", values=special_values.overflowing),
        Recipe("subnormal", values=special_values.subnormal),
        Recipe("zeros", values=special_values.zeros),
        Recipe("all_zero", biases=False, initial=False, values=special_values.zeros),
        Recipe("huge", values=special_values.huge),
        Recipe("nan", values=special_values.nan),
        Recipe("infinite", values=special_values.infinite),
        Recipe("growing", steps=20, initial=False, positive=True, values=special_values.growing),
        Recipe("steep", values=special_values.steep),
        Recipe("half_steep", values=special_values.half_steep),
        Recipe("nan_cotangent", values=special_values.nan_cotangent),
        Recipe("expanded", values=special_values.expanded),
        *SPOILED,
    )
}
