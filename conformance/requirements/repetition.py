"""The check that calls again and again: caches, numbers that froze, states, threads.

The questions have one shape, and each differs from the first in one array alone. So an answer that
was kept under a key without that array, or from the first call, is the answer to another question.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.requirements.answers import label, name_gradients, name_outputs
from gateparity.network.batch import INITIAL_STATES, arrays_by_name, map_states, replace_arrays
from gateparity.network.parameters import fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.results import Results
    from gateparity.network.batch import Batch, Outputs
    from gateparity.network.parameters import Array, CellWeights, Parameters
    from gateparity.protocol.canonical import Lstm


_COTANGENT: Final = "another cotangent"


def calls(lstm: Lstm, case: Case) -> Results:
    """17. Call 64 times, with other inputs in between, and from two threads at once.

    Raise `Impure` if equal arguments have answers with other bits. The first answers are compared
    with the truth, all but the gates, which another check compares. Of a problem of the array, only
    the bits are compared.
    """
    config, asked = case.config, list(_questions(case, given="initial_states" not in lstm.lacks))
    inputs = {name: (params, batch) for name, params, batch, _ in asked if _COTANGENT not in name}
    found = lstm.repeated("forward", config, inputs)
    results = _join({name: name_outputs(outputs) for name, outputs in found.items()})
    if lstm.traces:
        lstm.repeated("gates", config, inputs)
    if lstm.differentiates:
        questions = {name: (params, batch, d) for name, params, batch, d in asked}
        for name, (params, batch) in lstm.repeated("gradients", config, questions).items():
            results |= _join({name: name_gradients(params, batch, config.directions)})
    return {} if case.problem else results


def _questions(case: Case, *, given: bool) -> Iterator[tuple[str, Parameters, Batch, Outputs]]:
    """Yield what is other in a question, and its arguments; in the last one everything is.

    With lengths, or on a problem of the array, the one before it has a step less. So sizes that are
    kept, or that threads share, show.
    """
    params, batch, d = case.params, case.batch, case.cotangent
    yield "", params, batch, d
    yield "another x", params, dataclasses.replace(batch, x=_another(batch.x)), d
    for name in fields(params[0]):
        yield f"another {name}", tuple(_change(cell, name) for cell in params), batch, d
    for name, array in arrays_by_name(d).items():
        yield f"{_COTANGENT} of {name}", params, batch, replace_arrays(d, **{name: _another(array)})
    if batch.lengths is not None:
        yield "other lengths", params, _turn_lengths(batch), d
        yield "no lengths", params, dataclasses.replace(batch, lengths=None), d
    turned = dataclasses.replace(_turn_lengths(batch), x=_another(batch.x))
    if given:
        turned = dataclasses.replace(turned, states=map_states(d, _another).states)
        states = dataclasses.replace(batch, states=d.states)
        yield "initial states", params, states, d
        for name in INITIAL_STATES:
            other = replace_arrays(states, **{name: _another(arrays_by_name(states)[name])})
            yield f"initial states, another {name}", params, other, d
    last = "everything other" if given else "everything but states other"  # for pairs of backends
    negated = tuple(_change(cell, *fields(cell)) for cell in params)
    if batch.lengths is not None or case.problem:  # one named case is enough: it takes programs
        yield f"{last} and a step less", negated, *_drop_last_step(turned, d)
    yield last, negated, turned, d


def _drop_last_step(batch: Batch, d: Outputs) -> tuple[Batch, Outputs]:
    """Return the batch and the cotangent without the last step, or as they are with one step."""
    steps = len(batch.x) - 1
    if steps < 1:
        return batch, d
    lengths = None if batch.lengths is None else np.minimum(batch.lengths, steps)
    batch = dataclasses.replace(batch, x=batch.x[:steps], lengths=lengths)
    return batch, dataclasses.replace(d, y=d.y[:steps])


def _turn_lengths(batch: Batch) -> Batch:
    """Return the batch with the next sequence's length for each sequence, if it has lengths."""
    if batch.lengths is None:
        return batch
    return dataclasses.replace(batch, lengths=np.roll(batch.lengths, 1))


def _change(cell: CellWeights, *names: str) -> CellWeights:
    return dataclasses.replace(cell, **{name: _another(getattr(cell, name)) for name in names})


def _another(array: Array) -> Array:
    """Return the negative numbers. Code may remember that zeros have no effect: they become 0.5."""
    return -array if array.any() else np.full_like(array, 0.5)


def _join(found: dict[str, Results]) -> Results:
    """Return the arrays of all answers, each with what is other in its question."""
    joined: Results = {}
    for name, results in found.items():
        joined |= label(results, f"with {name}") if name else results
    return joined
