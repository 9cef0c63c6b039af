"""The check that calls again and again: caches, numbers that froze, states, threads.

The questions have one shape, and each differs from the first in one array alone. So an answer that
was kept under a key without that array, or from the first call, is the answer to another question.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.conformance.requirements.answers import label, name_gradients, name_outputs
from gateparity.network.batch import arrays_by_name, replace_arrays
from gateparity.network.parameters import CellWeights, fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.results import Results
    from gateparity.protocol.canonical import Lstm
    from gateparity.protocol.repeated import Questions

_GIVEN: Final = "given states"


def calls(lstm: Lstm, case: Case) -> Results:
    """17. Call 64 times, with other inputs in between, and from two threads at once.

    Raise `Impure` if equal arguments have answers with other bits. The first answers are compared
    with the truth, all but the gates, which another check compares.
    """
    asked = dict(_inputs(case, states="initial_states" not in lstm.lacks))
    config = case.config
    found = lstm.repeated("forward", config, asked)
    results = _join({name: name_outputs(outputs) for name, outputs in found.items()})
    if lstm.traces:
        lstm.repeated("gates", config, asked)
    if lstm.differentiates:
        with_cotangents = dict(_with_cotangents(asked, case))
        back = lstm.repeated("gradients", config, with_cotangents)
        results |= _join({n: name_gradients(*d, config.directions) for n, d in back.items()})
    return results


def _inputs(case: Case, *, states: bool) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield parameters and batches, by what is other in them."""
    params, batch = case.params, case.batch
    yield "", (params, batch)
    yield "another x", (params, dataclasses.replace(batch, x=-batch.x))
    for name in fields(params[0]):
        yield f"another {name}", (tuple(_negated(cell, name) for cell in params), batch)
    if batch.lengths is not None:
        yield "other lengths", (params, replace_arrays(batch, lengths=np.roll(batch.lengths, 1)))
        yield "no lengths", (params, dataclasses.replace(batch, lengths=None))
    if states:
        given = dataclasses.replace(batch, states=case.cotangent.states)
        yield _GIVEN, (params, given)
        for name in (f"{state}_0" for state in case.config.cell.states):
            array = arrays_by_name(given)[name]
            yield f"another {name}", (params, replace_arrays(given, **{name: -array}))


def _with_cotangents(asked: Questions, case: Case) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield the same questions with the case's cotangent, and the first with others."""
    for name, given in asked.items():
        yield name, (*given, case.cotangent)
    for name, array in arrays_by_name(case.cotangent).items():
        other = replace_arrays(case.cotangent, **{name: -array})
        yield f"another cotangent of {name}", (case.params, case.batch, other)


def _negated(cell: CellWeights, name: str) -> CellWeights:
    return dataclasses.replace(cell, **{name: -getattr(cell, name)})


def _join(found: dict[str, Results]) -> Results:
    """Return the arrays of all answers, each with what is other in its question."""
    joined: Results = {}
    for name, results in found.items():
        joined |= label(results, f"with {name}") if name else results
    return joined
