"""Checks that cut a problem into pieces and join the results: the whole must equal its parts.

The reference is cut and joined in the same way, so a piece's results are judged like any other.
"""

from __future__ import annotations

import dataclasses
import itertools
from operator import itemgetter
from typing import TYPE_CHECKING, Final

import numpy as np

from gateparity.conformance.problems.slices import (
    add_parameters,
    cut_steps,
    find_cut,
    pick_sequences,
)
from gateparity.conformance.requirements.answers import (
    alone_label,
    answer,
    answer_unless_problem,
    forward,
    label,
    name_gradients,
    name_outputs,
)
from gateparity.errors import InputError
from gateparity.network.batch import Batch, Outputs, join_states, map_states

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.requirements.results import Results
    from gateparity.network.parameters import Parameters
    from gateparity.protocol.canonical import Lstm

_CHUNKS: Final = 3  # the one in the middle takes a state and hands one on


def batch(lstm: Lstm, case: Case) -> Results:
    """5. Compare step by step, and each sequence alone, with the whole batch.

    A problem of the array runs one sequence alone; `carry` cuts it between steps.
    """
    if case.problem:
        return _one_alone(lstm, case, case.batch.x.shape[1] // 2)
    singles = [pick_sequences(case, np.array([b])) for b in range(case.batch.x.shape[1])]
    alone = [lstm.forward(one.config, one.params, one.batch) for one in singles]
    y = np.concatenate([outputs.y for outputs in alone], 1)
    states = join_states(alone, lambda parts: np.concatenate(parts, 1))
    found = label(name_outputs(Outputs(y, states)), "sequence by sequence")
    if case.config.directions > 1 or "final_states" in lstm.lacks:
        return found  # a reverse direction needs the last step first, and a step the states before
    _, steps = _run_chunks(lstm, case, range(len(case.batch.x)))
    return label(name_outputs(_join_steps(steps)), "step by step") | found


def carry(lstm: Lstm, case: Case) -> Results:
    """6. Compare chunks with carried states to the whole, and gradients stopped at each cut.

    A problem of the array is cut once, and its gradients aren't stopped. Raise `InputError` for two
    directions: a reverse direction can't be cut.
    """
    if case.config.directions > 1:
        raise InputError(f"carry needs an LSTM of 1 direction, found {case.config.directions}")
    steps = len(case.batch.x)
    starts = [0, find_cut(case)] if case.problem else range(0, steps, -(-steps // _CHUNKS))
    chunks, outputs = _run_chunks(lstm, case, starts)
    found = label(name_outputs(_join_steps(outputs)), "in chunks")
    if not lstm.differentiates:
        return found
    if not case.problem:
        found |= label(_stopped(lstm, chunks), "stopped at each cut")
    return found | label(_chained(lstm, chunks), "in chunks")


def lengths(lstm: Lstm, case: Case) -> Results:
    """7. Compare ragged sequences: zeros past the end, own last states, padding never read."""
    return answer(lstm, case) | _short_one_alone(lstm, case)


def layers(lstm: Lstm, case: Case) -> Results:
    """9. Compare a stack with its layers run one by one, each on the outputs of the layer below."""
    found = label(name_outputs(_layer_by_layer(lstm, case)), "layer by layer")
    return answer_unless_problem(lstm, case) | found


def _run_chunks(lstm: Lstm, case: Case, starts: Sequence[int]) -> tuple[list[Case], list[Outputs]]:
    """Run the chunks that start at these steps, each from the final states of the one before."""
    chunks: list[Case] = []
    outputs: list[Outputs] = []
    states = case.batch.states
    for start, stop in itertools.pairwise([*starts, len(case.batch.x)]):
        chunks.append(cut_steps(case, start, stop, states))
        outputs.append(lstm.forward(case.config, case.params, chunks[-1].batch))
        states = outputs[-1].states
    return chunks, outputs


def _join_steps(outputs: list[Outputs]) -> Outputs:
    return dataclasses.replace(outputs[-1], y=np.concatenate([part.y for part in outputs]))


def _stopped(lstm: Lstm, chunks: list[Case]) -> Results:
    """Backpropagate truncated at each cut: the states that enter a chunk count as constants."""
    found = [lstm.gradients(c.config, c.params, c.batch, c.cotangent) for c in chunks]
    batches = [batch for _, batch in found]
    whole = Batch(np.concatenate([b.x for b in batches]), join_states(batches, np.stack))
    return name_gradients(add_parameters([params for params, _ in found]), whole, 1)


def _chained(lstm: Lstm, chunks: list[Case]) -> Results:
    """Backpropagate from the last chunk: state gradients of one go into the one before."""
    found: list[tuple[Parameters, Batch]] = []
    for chunk in reversed(chunks):
        cotangents = chunk.cotangent
        if found:
            cotangents = Outputs(cotangents.y, found[0][1].states or {})
        found.insert(0, lstm.gradients(chunk.config, chunk.params, chunk.batch, cotangents))
    x = np.concatenate([batch.x for _, batch in found])
    whole = dataclasses.replace(found[0][1], x=x)
    return name_gradients(add_parameters([params for params, _ in found]), whole, 1)


def _short_one_alone(lstm: Lstm, case: Case) -> Results:
    """Run the longest of the sequences that end early by itself, cut to its length.

    Return no arrays if there is no such sequence.
    """
    found = case.batch.lengths
    short = [] if found is None else [b for b, n in enumerate(found) if 0 < n < len(case.batch.x)]
    if found is None or not short:
        return {}
    b = max(short, key=lambda b: int(found[b]))
    full = dataclasses.replace(case, batch=dataclasses.replace(case.batch, lengths=None))
    one = pick_sequences(full, np.array([b]))
    alone = cut_steps(one, 0, int(found[b]), one.batch.states)
    return label(forward(lstm, alone), alone_label(b))


def _one_alone(lstm: Lstm, case: Case, b: int) -> Results:
    return label(forward(lstm, pick_sequences(case, np.array([b]))), alone_label(b))


def _layer_by_layer(lstm: Lstm, case: Case) -> Outputs:
    """Run each layer as an LSTM of its own, on the outputs of the layer below."""
    config, batch = case.config, case.batch
    x, found = batch.x, []
    for layer in range(config.layers):
        cells = slice(layer * config.directions, (layer + 1) * config.directions)
        one = dataclasses.replace(config, layers=1, input_size=config.layer_input_size(layer))
        given = dataclasses.replace(map_states(batch, itemgetter(cells)), x=x)
        found.append(lstm.forward(one, case.params[cells], given))
        x = found[-1].y
    return Outputs(x, join_states(found, np.concatenate))
