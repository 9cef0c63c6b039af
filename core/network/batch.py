"""What goes into an LSTM and what comes out: batches, outputs, traces and gradients."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

import numpy as np

from gateparity.network.cells import LSTM
from gateparity.network.deprecated import with_old_states

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateparity.network.config import Config
    from gateparity.network.parameters import Array, Native

    States = Mapping[str, Array]  # by the names in `Config.cell`: h and c
    Given = TypeVar("Given", "Batch", "Outputs")
    Tree = TypeVar("Tree")


@with_old_states
@dataclasses.dataclass(frozen=True)
class Batch:
    """Inputs of one call.

    `x (T, B, input)`. `states` are the initial ones by name, `h` and `c (layers * directions, B,
    hidden)`, layer-major, forward before reverse; None for zeros. `lengths (B,)` are integers from
    0 to T in any order, or None if every sequence has T steps.
    """

    suffix: ClassVar[str] = "_0"  # of a state's name in files, reports and messages: h_0

    x: Array
    states: States | None = None
    lengths: Array | None = None


@with_old_states
@dataclasses.dataclass(frozen=True)
class Outputs:
    """Results of one call, or a cotangent for them.

    `y (T, B, directions * hidden)`, zero past each length; `states` like those of a `Batch`, after
    the last valid step (in the reverse direction that is step 0). An adapter that declares
    `final_states` unsupported leaves them out, `Outputs(y)`.
    """

    suffix: ClassVar[str] = "_n"

    y: Array
    states: States = dataclasses.field(default_factory=dict)


INITIAL_STATES: Final = tuple(state + Batch.suffix for state in LSTM.states)
FINAL_STATES: Final = tuple(state + Outputs.suffix for state in LSTM.states)


@dataclasses.dataclass(frozen=True)
class Trace:
    """The values inside the LSTM, in time order for both directions, zero past each length.

    `z` (pre-activations) and `gates (cell, T, gate, B, hidden)` have gates in the order i, f, g, o.
    `c` and `h (cell, T, B, hidden)` are the states after each step. The cell axis is that of `h_n`.
    """

    z: Array
    gates: Array
    c: Array
    h: Array


@dataclasses.dataclass(frozen=True)
class Gradients:
    """Gradients of `sum(cotangent * outputs)`: of the native parameters, of x and initial states.

    An adapter that declares `initial_states` unsupported has those of x alone, `Batch(d_x)`.
    """

    params: Native
    batch: Batch


def state_shape(config: Config, batch: Batch) -> tuple[int, ...]:
    """Return the shape of each initial and final state: `(cells, B, hidden)`."""
    return (config.cells, batch.x.shape[1], config.hidden_size)


def initial_states(config: Config, batch: Batch) -> tuple[Array, ...]:
    """Return the initial states in the order of `config.cell`, with zeros for those not given."""
    zeros = np.zeros(state_shape(config, batch), config.dtype)
    return tuple((batch.states or {}).get(state, zeros) for state in config.cell.states)


def map_states(given: Given, change: Callable[[Array], Array]) -> Given:
    """Return the same batch or outputs with a function applied to each state that is there."""
    if given.states is None:
        return given
    states = {name: change(state) for name, state in given.states.items()}
    return dataclasses.replace(given, states=states)


def join_states(parts: Sequence[Batch | Outputs], join: Callable[[list[Array]], Array]) -> States:
    """Return each state joined from the parts, or no states if the first part has none."""
    found = [part.states or {} for part in parts]
    return {name: join([states[name] for states in found]) for name in found[0]}


def map_arrays(change: Callable[[Any], Any], tree: Tree) -> Tree:
    """Return the same tuples, mappings and dataclasses with each array changed."""
    found: Any = tree
    if hasattr(tree, "reshape"):
        found = change(tree)
    elif isinstance(tree, tuple):
        found = tuple(map_arrays(change, item) for item in tree)
    elif isinstance(tree, Mapping):
        found = {name: map_arrays(change, item) for name, item in tree.items()}
    elif dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        found = type(tree)(**map_arrays(change, vars(tree)))
    same_kind: Tree = found
    return same_kind


def arrays_by_name(given: Any) -> dict[str, Any]:
    """Return the arrays of a dataclass by their names in files, reports and messages.

    Those of a batch are x, h_0, c_0 and lengths, those of outputs y, h_n and c_n. Arrays that are
    None are left out.
    """
    found: dict[str, Any] = {}
    for name, value in vars(given).items():
        if name == "states" and isinstance(value, Mapping):
            found.update((state + given.suffix, array) for state, array in value.items())
        elif value is not None:
            found[name] = value
    return found


def from_names(kind: type[Given], arrays: Mapping[str, Any]) -> Given:
    """Return the batch, or the outputs, of arrays by the names that `arrays_by_name` gives them."""
    given = dict(arrays)
    names = {state: state + kind.suffix for state in LSTM.states}
    if states := {state: given.pop(name) for state, name in names.items() if name in given}:
        given["states"] = states
    return kind(**given)


def replace_arrays(given: Given, **arrays: Any) -> Given:
    """Return the same batch or outputs with other arrays, by the names of `arrays_by_name`."""
    return from_names(type(given), arrays_by_name(given) | arrays)
