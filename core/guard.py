"""An LSTM under guard: no call may write to what it is given, or depend on the calls before it.

It stands next to the framework, in the worker: arrays that came over a wire are copies already,
and what a call does to them is seen there alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.adapter import Impure, Unsupported, describe_missing, find_unsupported
from gateparity.parameters import Cell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateparity.adapter import Batch, Outputs
    from gateparity.config import Config
    from gateparity.layout import Layout
    from gateparity.parameters import Array


_REPEATS: Final = 4
_REPEATED: Final = "repeated calls of "


def is_not_deterministic(found: object) -> bool:
    """Return whether these are the words of an `Impure` whose calls differ from run to run.

    An LSTM that goes on from the states of the call before is none of them: that is a mistake with
    a name.
    """
    return isinstance(found, str) and found.startswith(_REPEATED)


@dataclasses.dataclass(frozen=True)
class Guarded:
    """An adapter, or an LSTM over canonical parameters, whose every call is made five times.

    With the numbers given, twice with others, with those given again, and with views of them that
    are read-only and in no memory order; the answer is that of the views. Raises `Impure`.
    """

    lstm: Any

    def forward(self, config: Config, params: Any, batch: Batch) -> Any:
        """Run it over a batch."""
        return self._guard("forward", config, params, batch)

    def gates(self, config: Config, params: Any, batch: Batch) -> Any:
        """Run it and tell every pre-activation, gate and state."""
        return self._guard("gates", config, params, batch)

    def gradients(self, config: Config, params: Any, batch: Batch, cotangent: Outputs) -> Any:
        """Differentiate it."""
        return self._guard("gradients", config, params, batch, cotangent)

    def weights(self, config: Config, params: Any) -> Any:
        """Into its own weights and back, which no guard watches."""
        return self.lstm.weights(config, params)

    def guarded(self) -> Guarded:
        """Itself."""
        return self

    @property
    def layout(self) -> Layout:
        """The adapter's own."""
        found: Layout = self.lstm.layout
        return found

    @property
    def unsupported(self) -> dict[str, str]:
        """The adapter's own."""
        return find_unsupported(self.lstm)

    @property
    def differentiates(self) -> bool:
        """Whether an LSTM over canonical parameters has gradients."""
        return bool(self.lstm.differentiates)

    def _guard(self, method: str, config: Config, *given: Any) -> Any:
        call = getattr(self.lstm, method, None)
        if call is None:
            raise Unsupported(describe_missing(self.lstm, method))

        def run(arguments: tuple[Any, ...]) -> Any:
            before = _bits(arguments)
            answer = call(config, *arguments)
            _require(before, _bits(arguments), f"{method} wrote to")
            return answer

        other = _map(np.negative, _without_states(given))
        answer = run(_map(np.ndarray.copy, given))
        told, apart = _bits(answer), _bits(run(other))
        try:
            _require(apart, _bits(run(other)), f"a second call of {method} differs in")
            _require(told, _bits(answer), f"a second call of {method} wrote to the first one's")
            again = run(_map(np.ndarray.copy, given))
            _require(told, _bits(again), f"a second call of {method} differs in")
        except Impure:
            self._require_determinism(run, given, method)
            raise
        return _run_on_views(run, _map(_view, given), method)

    def _require_determinism(self, run: Callable[[Any], Any], given: Any, method: str) -> None:
        """Raise `Impure` if calls differ though the call before them was the same as well.

        An LSTM that goes on from the call before it, by contrast, has the same bits in both.
        """
        run(_map(np.ndarray.copy, given))
        first, *others = (_bits(run(_map(np.ndarray.copy, given))) for _ in range(_REPEATS))
        for other in others:
            _require(first, other, f"{_REPEATED}{method} with the same arguments differ in")


def _run_on_views(run: Callable[[Any], Any], views: Any, method: str) -> Any:
    try:
        return run(views)
    except (Impure, Unsupported):
        raise
    except Exception as error:
        words = " ".join(str(error).split())
        raise Impure(
            f"{method} takes arrays, but no read-only views of them: "
            f"{type(error).__name__}: {words[:200]}"
        ) from error


def _require(expected: dict[str, Any], found: dict[str, Any], wrong: str) -> None:
    """Raise `Impure` at the first array that isn't what it was, bit for bit."""
    for name in expected | found:
        if expected.get(name) != found.get(name):
            raise Impure(f"{wrong} {name}")


def _without_states(given: tuple[Any, ...]) -> tuple[Any, ...]:
    params, batch, *cotangent = given
    return params, dataclasses.replace(batch, h_0=None, c_0=None), *cotangent


def _view(array: Array) -> Array:
    """The same numbers, read-only: every other one of a larger array, from its end."""
    larger = np.stack([np.flip(array)] * 2, -1)
    larger.flags.writeable = False
    return np.flip(larger[..., 0])


def _map(change: Callable[[Array], Array], tree: Any) -> Any:
    """The same tree with every array of floats changed, and those of integers copied."""
    if isinstance(tree, np.ndarray):
        return change(tree) if tree.dtype.kind == "f" else tree.copy()
    if isinstance(tree, Mapping):
        return {name: _map(change, item) for name, item in tree.items()}
    if isinstance(tree, tuple):
        return tuple(_map(change, item) for item in tree)
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        return dataclasses.replace(tree, **_map(change, vars(tree)))
    return tree


def _bits(tree: Any) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    """Every array of arguments or of an answer, by name."""
    return {name: (a.dtype.str, a.shape, a.tobytes()) for name, a in _arrays(tree)}


def _arrays(tree: Any, name: str = "") -> Iterator[tuple[str, Array]]:
    """An array's name is that of the field or key that holds it, with its cell before it."""
    if isinstance(tree, np.ndarray):
        yield name, tree
    elif isinstance(tree, tuple):
        for k, item in enumerate(tree):
            yield from _arrays(item, f"cell {k}: " if isinstance(item, Cell) else "")
    elif isinstance(tree, Mapping):
        for key, item in tree.items():
            yield from _arrays(item, f"{name}{key}" if isinstance(item, np.ndarray) else "")
    elif dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        yield from _arrays(vars(tree), name)
