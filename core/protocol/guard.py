"""An LSTM under guard: no call may write to its arguments, or depend on earlier calls.

The guard runs next to the framework, in the worker. Arrays that were sent are copies already, and
only there can a write to them be seen.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.errors import Impure, Unsupported
from gateparity.network.batch import map_arrays
from gateparity.protocol.adapter import (
    declares_false,
    describe_missing,
    find_unsupported,
    make_uncompiled,
)
from gateparity.protocol.bits import copy_arrays, find_difference, pick_farthest, read_bits
from gateparity.protocol.memory import views

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateparity.network.batch import Batch, Outputs
    from gateparity.network.config import Config
    from gateparity.network.parameters import Array
    from gateparity.packing.layout import Layout

    Run = Callable[[Any], Any]  # from the arguments after the config to the answer


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
    """An adapter, or an LSTM over canonical parameters, whose every call is made eleven times.

    The calls are made with the given numbers, twice with others, with the given ones again, and
    with read-only views of them in seven memory orders. The answer has the numbers that are
    farthest from those of the first call. Calls raise `Impure` for a side effect.
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

    def repeated(
        self, method: str, config: Config, questions: Mapping[str, tuple[Any, ...]]
    ) -> dict[str, Any]:
        """Return the answer to each question, asked once: the guard repeats every call itself."""
        return {name: getattr(self, method)(config, *asked) for name, asked in questions.items()}

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
    def traces(self) -> bool:
        """Return whether an LSTM over canonical parameters has gates."""
        return bool(self.lstm.traces)

    @property
    def lacks(self) -> frozenset[str]:
        """Return those of `STATES` that an LSTM over canonical parameters lacks."""
        found: frozenset[str] = self.lstm.lacks
        return found

    def _guard(self, method: str, config: Config, *given: Any) -> Any:
        call = getattr(self.lstm, method, None)
        if call is None:
            raise Unsupported(describe_missing(self.lstm, method))

        def run(arguments: tuple[Any, ...]) -> Any:
            before = read_bits(arguments)
            answer = call(config, *arguments)
            _require(before, read_bits(arguments), f"{method} wrote to")
            return answer

        answer = run(copy_arrays(given))
        self._call_again(run, given, answer, method)
        viewed = [_run_on_views(run, words, tree, method) for words, tree in views(given)]
        return pick_farthest([answer, *viewed])

    def _call_again(self, run: Run, given: Any, answer: Any, method: str) -> None:
        """Raise `Impure` if a call depends on the one before it, or writes to its answer."""
        first, other = read_bits(answer), _map(np.negative, _without_states(given))
        apart, overwritten = read_bits(run(other)), f"a second call of {method} wrote to"
        if declares_false(self.lstm, "deterministic"):
            return _require(first, read_bits(answer), f"{overwritten} the first one's")
        try:
            _require(apart, read_bits(run(other)), f"a second call of {method} differs in")
            _require(first, read_bits(answer), f"{overwritten} the first one's")
            again = read_bits(run(copy_arrays(given)))
            _require(first, again, f"a second call of {method} differs in")
        except Impure:
            require_determinism(lambda: run(copy_arrays(given)), method)
            raise


def require_determinism(ask: Callable[[], Any], method: str) -> None:
    """Raise `Impure` if calls differ though the call before them was the same as well.

    An LSTM that goes on from the call before it, by contrast, has the same bits in both.
    """
    ask()
    first, *others = (read_bits(ask()) for _ in range(_REPEATS))
    for other in others:
        _require(first, other, f"{_REPEATED}{method} with the same arguments differ in")


def _run_on_views(run: Callable[[Any], Any], words: str, views: Any, method: str) -> Any:
    try:
        return run(views)
    except (Impure, Unsupported):
        raise
    except Exception as error:
        found = " ".join(str(error).split())
        raise Impure(
            f"{method} takes arrays, but no {words}: {type(error).__name__}: {found[:200]}"
        ) from error


def _require(expected: dict[str, Any], found: dict[str, Any], wrong: str) -> None:
    """Raise `Impure` at the first array that isn't what it was, bit for bit."""
    if name := find_difference(expected, found):
        raise Impure(f"{wrong} {name}")


def _without_states(given: tuple[Any, ...]) -> tuple[Any, ...]:
    params, batch, *cotangent = given
    return params, dataclasses.replace(batch, states=None), *cotangent


def _map(change: Callable[[Array], Array], tree: Any) -> Any:
    """Return the same tree with every float array changed, and integer arrays copied."""
    return map_arrays(lambda a: change(a) if a.dtype.kind == "f" else a.copy(), tree)
