"""Conditions: a grammar of predicates over one call of an LSTM, as data.

A mistake under a condition is made only in the calls for which the condition holds. Conditions are
drawn over every option and over sizes to 200, and nothing here knows which problems `check` runs.
docs/selftest.md prints the grammar.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.conformance.mistakes.cells import Place
from gateparity.network.batch import arrays_by_name
from gateparity.network.dtypes import JUDGED_DTYPES
from gateparity.network.parameters import fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gateparity.network.batch import Batch, Outputs
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Parameters


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of an LSTM, and its place among the calls of the same LSTM.

    `number` and `of_shape` count from 1: all calls, and those of the same method and shape.
    `changed` says whether the call before had another shape.
    """

    method: str
    config: Config
    params: Parameters
    batch: Batch | None = None
    cotangent: Outputs | None = None
    number: int = 1
    of_shape: int = 1
    changed: bool = False

    @property
    def sizes(self) -> dict[str, int]:
        """Return the sizes by their letters, two products, and `cells`: layers times directions."""
        config = self.config
        hidden = config.hidden_size
        found = {"I": config.input_size, "H": hidden, "2 H": 2 * hidden, "4 H": 4 * hidden}
        found["cells"] = config.cells
        if self.batch is None:
            return found
        steps, size, _ = self.batch.x.shape
        return found | {"T": steps, "B": size}

    @property
    def lengths(self) -> Array | None:
        """Return the lengths of the sequences, or None if none are given."""
        return None if self.batch is None else self.batch.lengths

    def array(self, name: str) -> Array:
        """Return the numbers of an input, of a kind of weights, or of `dy`, as one flat array.

        It is empty if the call has no such array.
        """
        given = {} if self.batch is None else arrays_by_name(self.batch)
        if self.cotangent is not None:
            given["dy"] = self.cotangent.y
        cells = [cell[name] for cell in map(fields, self.params) if name in cell]
        parts = [*cells, given[name]] if name in given else cells
        return np.concatenate([np.zeros(0), *(part.ravel() for part in parts)])


@dataclasses.dataclass(frozen=True)
class Form:
    """A predicate with parameters: its words, the values of each parameter, and what it tests."""

    words: str
    choices: Mapping[str, Sequence[Any]]
    holds: Callable[..., Any] = lambda _: True


@dataclasses.dataclass(frozen=True)
class Predicate:
    """A form with its parameters chosen."""

    form: Form
    values: tuple[tuple[str, Any], ...]

    @property
    def words(self) -> str:
        """Return the predicate in words, such as `T % 5 = 3`."""
        return self.form.words.format(**dict(self.values))

    @property
    def place(self) -> Place | None:
        """Return the only place where the mistake is made, if this predicate names one."""
        return dict(self.values).get("place")

    def holds(self, call: Call) -> bool:
        """Return whether it holds for a call, which must have what the predicate is about."""
        try:
            with np.errstate(all="ignore"):
                return bool(self.form.holds(call, **{n: v for n, v in self.values if n != "place"}))
        except (AttributeError, KeyError, TypeError, ValueError):
            return False  # weights have no batch, and a check of refusals gives wrong arguments


@dataclasses.dataclass(frozen=True)
class Condition:
    """Predicates that must all hold, and the class in which the figure counts them."""

    kind: str
    predicates: tuple[Predicate, ...]

    @property
    def words(self) -> str:
        """Return all predicates in words."""
        return " and ".join(predicate.words for predicate in self.predicates)

    @property
    def place(self) -> Place | None:
        """Return the only place where the mistake is made, or None for everywhere."""
        return next((p.place for p in self.predicates if p.place is not None), None)

    def holds(self, call: Call) -> bool:
        """Return whether all predicates hold for a call."""
        return all(predicate.holds(call) for predicate in self.predicates)


_SIZES: Final = ("T", "B", "I", "H")
_LIMITS: Final = (1, 2, 3, 4, 6, 8, 9, 12, 16, 17, 24, 31, 32, 48, 64, 100, 128)
_POWERS: Final = (4, 8, 16, 32, 64, 128)
_REMAINDERS: Final = tuple(f"{m} = {r}" for m in range(2, 9) for r in range(m))
_EQUAL: Final = (
    *(" = ".join(two) for two in itertools.combinations(_SIZES, 2)),
    *(f"{size} = cells" for size in "TBH"),
    "I = 2 H",
    "I = 4 H",
)
_INPUTS: Final = ("x", "h_0", "c_0")
_WEIGHTS: Final = ("w_ih", "w_hh", "b_ih", "b_hh")
_PLACES: Final = (
    *(Place(layer) for layer in range(3)),
    *(Place(None, direction) for direction in range(2)),
    *(Place(layer, direction) for layer in range(3) for direction in range(2)),
)


def _leaves(call: Call, size: str, of: str) -> bool:
    divisor, _, rest = of.partition(" = ")
    return call.sizes[size] % int(divisor) == int(rest)


def _agree(call: Call, two: str) -> bool:
    one, _, other = two.partition(" = ")
    return call.sizes[one] == call.sizes[other]


def _ties(lengths: Array) -> bool:
    return len(set(lengths.tolist())) < len(lengths)


OPTIONS: Final = (
    Form("{n} layers", {"n": (1, 2, 3)}, lambda c, n: c.config.layers == n),
    Form("several layers", {}, lambda c: c.config.layers > 1),
    Form("{n} directions", {"n": (1, 2)}, lambda c, n: c.config.directions == n),
    Form("biases", {}, lambda c: c.config.biases),
    Form("no biases", {}, lambda c: not c.config.biases),
    Form("initial states", {}, lambda c: bool(c.batch.states)),
    Form("no initial states", {}, lambda c: not c.batch.states),
    Form("no lengths", {}, lambda c: c.batch is not None and c.lengths is None),
    Form("lengths", {}, lambda c: c.lengths is not None),
    Form("a short sequence", {}, lambda c: (c.lengths < c.sizes["T"]).any()),
    Form("no full sequence", {}, lambda c: (c.lengths < c.sizes["T"]).all()),
    Form("lengths, all full", {}, lambda c: (c.lengths == c.sizes["T"]).all()),
    Form("an empty sequence", {}, lambda c: (c.lengths == 0).any()),
    Form("two equal lengths", {}, lambda c: _ties(c.lengths)),
    Form("{dtype}", {"dtype": JUDGED_DTYPES}, lambda c, dtype: c.config.dtype == dtype),
)

GRAMMAR: Final[dict[str, tuple[Form, ...]]] = {
    "sizes": (
        Form("{size} % {of}", {"size": _SIZES, "of": _REMAINDERS}, _leaves),
        Form(
            "{size} > {n}",
            {"size": _SIZES, "n": _LIMITS},
            lambda c, size, n: c.sizes[size] > n,
        ),
        Form(
            "{size} < {n}",
            {"size": _SIZES, "n": range(2, 10)},
            lambda c, size, n: c.sizes[size] < n,
        ),
        Form(
            "{size} within 1 of {n}",
            {"size": _SIZES, "n": _POWERS},
            lambda c, size, n: abs(c.sizes[size] - n) <= 1,
        ),
        Form(
            "{size} from {n} to a quarter more",
            {"size": _SIZES, "n": _POWERS},
            lambda c, size, n: n <= c.sizes[size] <= n * 5 // 4,
        ),
        Form("{size} = 1", {"size": _SIZES}, lambda c, size: c.sizes[size] == 1),
    ),
    "coincidences": (Form("{two}", {"two": _EQUAL}, _agree),),
    "options": OPTIONS,
    "calls": (
        Form(
            "{method} alone",
            {"method": ("forward", "gates", "gradients")},
            lambda c, method: c.method == method,
        ),
        Form(
            "from call {n} on",
            {"n": (2, 3, 5, 8, 12, 20, 40)},
            lambda c, n: c.number >= n,
        ),
        Form("every call of {n}", {"n": (2, 3, 4, 5, 7)}, lambda c, n: c.number % n == 0),
        Form(
            "from call {n} of a shape on",
            {"n": (2, 3, 5, 8, 12, 20)},
            lambda c, n: c.of_shape >= n,
        ),
        Form("call {n} of a shape alone", {"n": (1, 2, 3)}, lambda c, n: c.of_shape == n),
        Form("the call before had another shape", {}, lambda c: c.changed),
        Form("the call before had the same shape", {}, lambda c: c.number > 1 and not c.changed),
    ),
    "numbers": (
        Form(
            "some |{name}| > {n}",
            {"name": (*_INPUTS, "dy"), "n": (1, 2, 4, 16)},
            lambda c, name, n: (np.abs(c.array(name)) > n).any(),
        ),
        Form(
            "some |{name}| > {n}",
            {"name": _WEIGHTS, "n": (0.5, 1, 2)},
            lambda c, name, n: (np.abs(c.array(name)) > n).any(),
        ),
        Form(
            "the sum of {name} < 0",
            {"name": (*_INPUTS, *_WEIGHTS)},
            lambda c, name: c.array(name).sum() < 0,
        ),
        Form(
            "{name} is zero",
            {"name": (*_INPUTS, "dy", "b_ih", "b_hh")},
            lambda c, name: c.array(name).size and not c.array(name).any(),
        ),
        Form(
            "{name} has a NaN",
            {"name": (*_INPUTS, *_WEIGHTS)},
            lambda c, name: np.isnan(c.array(name)).any(),
        ),
        Form(
            "{name} has an infinity",
            {"name": (*_INPUTS, *_WEIGHTS)},
            lambda c, name: np.isinf(c.array(name)).any(),
        ),
    ),
    "places": (Form("in {place.words} alone", {"place": _PLACES}),),
}
TOGETHER: Final = "two at once"
KINDS: Final = (*GRAMMAR, TOGETHER)
_OPTIONS_AT_MOST: Final = 3


def draw_condition(generator: np.random.Generator) -> Condition:
    """Draw a condition: its class first, then its forms, then their parameters.

    Options are drawn one to three together, and `TOGETHER` are predicates of two other classes.
    """
    kind = KINDS[generator.integers(len(KINDS))]
    if kind == TOGETHER:
        forms = [_pick(GRAMMAR[k], generator) for k in _pick_some(list(GRAMMAR), 2, generator)]
    elif kind == "options":
        forms = _pick_some(OPTIONS, int(generator.integers(1, _OPTIONS_AT_MOST + 1)), generator)
    else:
        forms = [_pick(GRAMMAR[kind], generator)]
    return Condition(kind, tuple(_choose(form, generator) for form in forms))


def _choose(form: Form, generator: np.random.Generator) -> Predicate:
    values = ((name, _pick(some, generator)) for name, some in form.choices.items())
    return Predicate(form, tuple(values))


def _pick(some: Sequence[Any], generator: np.random.Generator) -> Any:
    return some[int(generator.integers(len(some)))]


def _pick_some(some: Sequence[Any], count: int, generator: np.random.Generator) -> list[Any]:
    return [some[k] for k in generator.choice(len(some), count, replace=False)]
