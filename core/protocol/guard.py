"""An LSTM under guard: no call may write to its arguments, or depend on earlier calls.

The guard runs next to the framework, in the worker. Arrays that were sent are copies already, and
only there can a write to them be seen.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.errors import Impure, Unsupported
from gateparity.network.batch import arrays_by_name, map_arrays
from gateparity.network.parameters import CellWeights
from gateparity.protocol.adapter import describe_missing, find_unsupported, make_uncompiled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateparity.network.batch import Batch, Outputs
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array
    from gateparity.packing.layout import Layout


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

    The calls are made with the given numbers, twice with others, with the given ones again, and
    with read-only views of them in no memory order. The answer to the last is returned. Calls raise
    `Impure` for a side effect.
    """

    lstm: Any

    def forward(self, config: Config, params: Any, batch: Batch) -> Any:
        """Return the outputs of the LSTM over a batch, under guard."""
        return self._guard("forward", config, params, batch)

    def gates(self, config: Config, params: Any, batch: Batch) -> Any:
        """Return every pre-activation, gate and state, under guard."""
        return self._guard("gates", config, params, batch)

    def gradients(self, config: Config, params: Any, batch: Batch, cotangent: Outputs) -> Any:
        """Return the gradients, under guard."""
        return self._guard("gradients", config, params, batch, cotangent)

    def weights(self, config: Config, params: Any) -> Any:
        """Return the weights as they are read back; this call is not guarded."""
        return self.lstm.weights(config, params)

    def guarded(self) -> Guarded:
        """Return this object, which is guarded already."""
        return self

    def uncompiled(self) -> Guarded:
        """Return the same LSTM under guard, running operation by operation if it can."""
        return Guarded(make_uncompiled(self.lstm))

    @property
    def layout(self) -> Layout:
        """Return the adapter's own layout."""
        found: Layout = self.lstm.layout
        return found

    @property
    def unsupported(self) -> dict[str, str]:
        """Return what the adapter declares unsupported, and the methods that it lacks."""
        return find_unsupported(self.lstm)

    @property
    def differentiates(self) -> bool:
        """Return whether an LSTM over canonical parameters has gradients."""
        return bool(self.lstm.differentiates)

    @property
    def lacks(self) -> frozenset[str]:
        """What an LSTM over canonical parameters lacks."""
        found: frozenset[str] = self.lstm.lacks
        return found

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
        first, apart = _bits(answer), _bits(run(other))
        try:
            _require(apart, _bits(run(other)), f"a second call of {method} differs in")
            _require(first, _bits(answer), f"a second call of {method} wrote to the first one's")
            again = run(_map(np.ndarray.copy, given))
            _require(first, _bits(again), f"a second call of {method} differs in")
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
    return params, dataclasses.replace(batch, states=None), *cotangent


def _view(array: Array) -> Array:
    """Return the same numbers as a read-only view of a larger array, with negative strides."""
    larger = np.stack([np.flip(array)] * 2, -1)
    larger.flags.writeable = False
    return np.flip(larger[..., 0])


def _map(change: Callable[[Array], Array], tree: Any) -> Any:
    """Return the same tree with every float array changed, and integer arrays copied."""
    return map_arrays(lambda a: change(a) if a.dtype.kind == "f" else a.copy(), tree)


def _bits(tree: Any) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    """Return dtype, shape and bytes of every array of arguments or of an answer, by name."""
    return {name: (a.dtype.str, a.shape, a.tobytes()) for name, a in _arrays(tree)}


def _arrays(tree: Any, name: str = "") -> Iterator[tuple[str, Array]]:
    """Yield every array in a tree, named after its field or key, with its cell before it."""
    if isinstance(tree, np.ndarray):
        yield name, tree
    elif isinstance(tree, tuple):
        for k, item in enumerate(tree):
            yield from _arrays(item, f"cell {k}: " if isinstance(item, CellWeights) else "")
    elif isinstance(tree, Mapping):
        for key, item in tree.items():
            yield from _arrays(item, f"{name}{key}" if isinstance(item, np.ndarray) else "")
    elif dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        yield from _arrays(arrays_by_name(tree), name)
