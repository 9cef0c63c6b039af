"""No permutation, cut or mask of an invariance check is the trivial one, in any of its cases.

What a check asks is read off the calls that it makes. A permutation that is the identity, or a cut
that leaves the whole, would compare the same answer twice.
"""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.requirements.symmetries import draw_cycle
from gateparity.network.batch import arrays_by_name
from gateparity.network.parameters import fields

SEEDS = range(5)


@dataclasses.dataclass(frozen=True)
class Call:
    method: str
    config: object
    params: object
    batch: object


class Recorder(Truth):
    """The truth, which keeps what it is asked."""

    def __init__(self):
        super().__init__()
        object.__setattr__(self, "calls", [])

    def forward(self, config, params, batch):
        self.calls.append(Call("forward", config, params, batch))
        return super().forward(config, params, batch)

    def gradients(self, config, params, batch, cotangent):
        self.calls.append(Call("gradients", config, params, batch))
        return super().gradients(config, params, batch, cotangent)


def ask(check, name, seed):
    """The case, and the calls about anything but the case as it is."""
    case, lstm = RECIPES[name].build("float32", seed), Recorder()
    CHECKS[check].run(lstm, case)
    others = [call for call in lstm.calls if not is_whole(call, case)]
    return case, others


def is_whole(call, case):
    """Whether a call asks for the case itself."""
    if len(call.params) != len(case.params) or not same(call.batch.x, case.batch.x):
        return False
    return all(
        same(array, fields(own)[name])
        for cell, own in zip(call.params, case.params, strict=True)
        for name, array in fields(cell).items()
    )


def same(a, b):
    return a.shape == b.shape and np.array_equal(a, b, equal_nan=True)


def cases(*checks):
    names = [(check, name) for check in checks for name in CHECKS[check].cases]
    places = [place for place in names if place[1] != "all_empty"]  # which has no step to cut
    return [(*place, seed) for place in places for seed in SEEDS]


@pytest.mark.parametrize(("check", "name", "seed"), cases("permutation"))
def test_every_unit_of_every_cell_changes_its_place(check, name, seed):
    case, calls = ask(check, name, seed)
    units = [call for call in calls if same(call.batch.x, case.batch.x)]
    assert [call.method for call in units] == ["forward", "gradients"]
    for call in units:
        for cell, own in zip(call.params, case.params, strict=True):
            assert not (cell.b_ih == own.b_ih).any()
            np.testing.assert_array_equal(np.sort(cell.b_ih, -1), np.sort(own.b_ih, -1))


@pytest.mark.parametrize(("check", "name", "seed"), cases("permutation"))
def test_every_sequence_of_the_batch_changes_its_place(check, name, seed):
    case, calls = ask(check, name, seed)
    mixed = [call for call in calls if call.params is case.params]
    assert [call.method for call in mixed] == ["forward", "gradients"]
    for call in mixed:
        for array in ("x", "h_0", "c_0"):
            found, own = (arrays_by_name(given)[array] for given in (call.batch, case.batch))
            assert not (found == own).any()
            np.testing.assert_array_equal(np.sort(found, 1), np.sort(own, 1))
        if case.batch.lengths is not None:
            assert not (call.batch.lengths == case.batch.lengths).any()


def test_each_cell_permutes_its_units_in_its_own_way():
    case, [call, *_] = ask("permutation", "deep", 0)
    orders = [
        tuple(np.argmax(own.b_ih[0] == unit) for unit in cell.b_ih[0])
        for cell, own in zip(call.params, case.params, strict=True)
    ]
    assert len(set(orders)) == len(orders) == 4


@pytest.mark.parametrize(("check", "name", "seed"), cases("batch"))
def test_a_batch_is_cut_into_single_steps_and_single_sequences(check, name, seed):
    case, calls = ask(check, name, seed)
    steps, size, _ = case.batch.x.shape
    assert steps > 1
    assert size > 1
    found = [call.batch.x.shape[:2] for call in calls]
    assert sorted(found) == sorted([(steps, 1)] * size + [(1, size)] * steps)


@pytest.mark.parametrize(("check", "name", "seed"), cases("carry"))
def test_chunks_are_shorter_than_the_whole_and_begin_in_states_of_their_own(check, name, seed):
    case, calls = ask(check, name, seed)
    forward = [call for call in calls if call.method == "forward"]
    assert len(forward) == 3
    assert sum(len(call.batch.x) for call in forward) == len(case.batch.x)
    assert all(0 < len(call.batch.x) < len(case.batch.x) for call in calls)
    for before, after in itertools.pairwise(forward):
        assert not (before.batch.states["h"] == after.batch.states["h"]).any()
        assert not (before.batch.states["c"] == after.batch.states["c"]).any()


@pytest.mark.parametrize(("check", "name", "seed"), cases("lengths"))
def test_lengths_mask_steps_and_cut_a_sequence(check, name, seed):
    case, calls = ask(check, name, seed)
    lengths, steps = case.batch.lengths, len(case.batch.x)
    assert len(set(lengths.tolist())) == len(lengths)
    assert lengths.max() == steps
    [alone] = calls
    assert alone.batch.x.shape[:2] == (3, 1)
    assert alone.batch.lengths is None
    padding = np.arange(steps)[:, None] >= lengths
    assert padding.any()
    assert (case.batch.x[padding] != 0).all()  # NaN differs from zero as well


def test_padding_of_nan_has_no_other_number():
    case, _ = ask("lengths", "nan_padding", 0)
    padding = np.arange(len(case.batch.x))[:, None] >= case.batch.lengths
    assert np.isnan(case.batch.x[padding]).all()
    assert np.isfinite(case.batch.x[~padding]).all()


@pytest.mark.parametrize(("check", "name", "seed"), cases("directions"))
def test_time_is_reversed_and_directions_change_places(check, name, seed):
    case, calls = ask(check, name, seed)
    assert [call.method for call in calls] == ["forward", "gradients"]
    for call in calls:
        assert not same(call.batch.x, case.batch.x)
        assert same(call.batch.x, case.batch.x[::-1])
        for k, cell in enumerate(call.params):
            assert same(cell.w_hh, case.params[k ^ 1].w_hh)
            assert not same(cell.w_hh, case.params[k].w_hh)


@pytest.mark.parametrize(("check", "name", "seed"), cases("layers"))
def test_a_stack_is_cut_into_single_layers(check, name, seed):
    case, calls = ask(check, name, seed)
    assert [call.config.layers for call in calls] == [1] * case.config.layers
    assert case.config.layers > 1
    assert not same(calls[1].batch.x, case.batch.x)


@pytest.mark.parametrize("size", range(8))
def test_a_cycle_moves_everything_that_has_somewhere_to_go(size):
    for seed in range(50):
        order = draw_cycle(np.random.default_rng(seed), size)
        np.testing.assert_array_equal(np.sort(order), np.arange(size))
        assert size < 2 or not (order == np.arange(size)).any()
