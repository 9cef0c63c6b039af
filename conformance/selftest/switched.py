"""An LSTM with a mistake under a condition: wrong in some of its calls, and right in the others."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.mistakes.wrappers import without_copies
from gateparity.conformance.selftest.conditions import Call, Condition
from gateparity.network.batch import map_arrays
from gateparity.protocol.guard import Guarded
from gateparity.protocol.repeated import repeat

if TYPE_CHECKING:
    from gateparity.conformance.mistakes.mistake import Mistake, Where
    from gateparity.conformance.mistakes.wrappers import Wrappable
    from gateparity.network.batch import Batch, Outputs, Trace
    from gateparity.network.config import Config
    from gateparity.network.parameters import Parameters
    from gateparity.protocol.repeated import Questions


@dataclasses.dataclass(frozen=True)
class Conditioned:
    """A mistake, and the condition under which it is made."""

    mistake: Mistake
    condition: Condition


class Switched:
    """An LSTM that is wrong in those of its calls for which a condition holds.

    It lives as long as a worker does: its calls are counted over everything that it is asked, and
    what the mistake keeps is kept from call to call.
    """

    differentiates: ClassVar[bool] = True
    traces: ClassVar[bool] = True
    lacks: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, conditioned: Conditioned, right: RightLstm) -> None:
        self._right = right
        self._mistake, self._condition = conditioned.mistake, conditioned.condition
        self._wrong: dict[str, Wrappable] = {}
        self._calls = _Calls()
        self._is_near = False

    @property
    def path(self) -> Where:
        """Return where the mistake is: forward, backward or both."""
        return self._mistake.path

    def choose(self, method: str, config: Config, *given: Any) -> Wrappable | None:
        """Count a call, and return the LSTM that answers it wrongly, or None if it is right."""
        call = self._calls.count(method, config, given)
        dtype = config.dtype
        if dtype not in self._mistake.dtypes or not self._condition.holds(call):
            return None
        if dtype not in self._wrong:
            self._wrong[dtype] = self._mistake.apply(Truth(dtype=dtype))
        wrong = self._wrong[dtype]
        return without_copies(wrong) if self._is_near else wrong

    def forward(self, config: Config, params: Parameters, batch: Batch) -> Outputs:
        """Return the outputs, wrong if the condition holds."""
        return self._ask("forward", config, params, batch)  # type: ignore[no-any-return]

    def gates(self, config: Config, params: Parameters, batch: Batch) -> Trace:
        """Return the trace, wrong if the condition holds."""
        return self._ask("gates", config, params, batch)  # type: ignore[no-any-return]

    def gradients(
        self, config: Config, params: Parameters, batch: Batch, cotangent: Outputs
    ) -> tuple[Parameters, Batch]:
        """Return the gradients, wrong if the condition holds."""
        return self._ask("gradients", config, params, batch, cotangent)  # type: ignore[no-any-return]

    def weights(self, config: Config, params: Parameters) -> Parameters:
        """Return the weights that are read back."""
        return self._ask("weights", config, params)  # type: ignore[no-any-return]

    def guarded(self) -> Guarded:
        """Return the same LSTM under guard, inside all copies; its calls count with the others."""
        near = copy.copy(self)
        near._is_near = True
        return Guarded(near)

    def repeated(self, method: str, config: Config, questions: Questions) -> dict[str, Any]:
        """Return the answers to repeated calls, which count with the others."""
        return repeat(self, method, config, questions)

    def _ask(self, method: str, config: Config, *given: Any) -> Any:
        wrong = self.choose(method, config, *given)
        if wrong is None:
            return self._right.ask(method, config, *given)
        return getattr(wrong, method)(config, *given)


class RightLstm:
    """The right LSTM, at the dtype of each call. It computes equal answers once."""

    def __init__(self) -> None:
        self._answers: dict[bytes, Any] = {}

    def ask(self, method: str, config: Config, *given: Any) -> Any:
        """Return the answer of a method, with arrays that can't be written to."""
        digest = hashlib.blake2b(f"{method} {config}".encode())
        _add_to(digest, given)
        key = digest.digest()
        if key not in self._answers:
            answer = getattr(Truth(dtype=config.dtype), method)(config, *given)
            self._answers[key] = map_arrays(_freeze, answer)
        return self._answers[key]


def _add_to(digest: Any, tree: Any) -> None:
    """Add all that a call is given: a check of refusals gives what are no arrays, too."""
    if isinstance(tree, np.ndarray):
        digest.update(f"{tree.dtype} {tree.shape}".encode() + tree.tobytes())
    elif isinstance(tree, tuple):
        for item in tree:
            _add_to(digest, item)
    elif isinstance(tree, Mapping):
        for name, item in tree.items():
            digest.update(str(name).encode())
            _add_to(digest, item)
    elif dataclasses.is_dataclass(tree):
        _add_to(digest, vars(tree))
    else:
        digest.update(f"{type(tree)} {tree!r}".encode())


def _freeze(array: Any) -> Any:
    found = array.copy()
    found.flags.writeable = False
    return found


class _Calls:
    """A count of all calls, and of those of each method and shape."""

    def __init__(self) -> None:
        self._all = 0
        self._last: Any = None
        self._by_shape: dict[Any, int] = {}

    def count(self, method: str, config: Config, given: tuple[Any, ...]) -> Call:
        """Return a call with its numbers."""
        batch = given[1] if len(given) > 1 else None
        x, states, lengths = (getattr(batch, name, None) for name in ("x", "states", "lengths"))
        shape = method, config, getattr(x, "shape", None), states is None, lengths is None
        self._all += 1
        self._by_shape[shape] = self._by_shape.get(shape, 0) + 1
        changed = self._last is not None and self._last != shape
        self._last = shape
        of_shape = self._by_shape[shape]
        call = Call(method, config, *given)
        return dataclasses.replace(call, number=self._all, of_shape=of_shape, changed=changed)
