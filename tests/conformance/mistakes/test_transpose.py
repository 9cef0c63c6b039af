"""A transpose that is found from places: of what moves, repeats or drops numbers."""

from __future__ import annotations

import numpy as np
import pytest

from gateparity.conformance.judgement.rounding import make_rounding
from gateparity.conformance.judgement.rounding_model import RoundingModel
from gateparity.conformance.mistakes.transpose import pull_back
from gateparity.network.batch import Batch, Outputs
from gateparity.network.parameters import CellWeights

MOVES = {
    "transposed": lambda a: np.swapaxes(a, 0, 1),
    "rolled": lambda a: np.roll(a, 1, 0),
    "first for all": lambda a: a[[0, 0, 0]],
    "repeated and dropped": lambda a: np.concatenate([a[1:], a[:2], a[1:2]]),
    "a column left out": lambda a: np.where(np.arange(4) == 2, np.zeros_like(a), a),
    "all zeros": lambda a: a * 0,
}


@pytest.mark.parametrize("name", MOVES)
def test_it_is_the_transpose_of_the_matrix(name):
    move = MOVES[name]
    columns = [move(unit.reshape(3, 4)).ravel() for unit in np.eye(12)]
    d = np.random.default_rng(0).normal(size=move(np.zeros((3, 4))).shape)
    found = pull_back(move, d, like=np.zeros((3, 4)))
    np.testing.assert_allclose(found.ravel(), np.array(columns) @ d.ravel(), rtol=1e-15)


def test_none_in_the_place_of_an_array_gives_no_gradient():
    x, states = np.ones((2, 1, 3)), np.ones((1, 1, 4))
    d = Batch(x * 2, {"h": states * 3, "c": states * 4})
    found = pull_back(lambda batch: Batch(batch.x, {"c": batch.states["h"]}), d, like=d)
    np.testing.assert_array_equal(found.x, d.x)
    np.testing.assert_array_equal(found.states["h"], d.states["c"])
    np.testing.assert_array_equal(found.states["c"], 0 * states)


def test_gradients_of_two_results_go_to_both():
    one, other = (
        Outputs(y, {"h": h, "c": c}) for y, h, c in (np.full((3, 1, 1, 2), k) for k in (1.0, 2.0))
    )
    found = pull_back(
        lambda pair: Outputs(pair[0].y, dict.fromkeys("hc", pair[1].states["h"])),
        other,
        like=(one, one),
    )
    np.testing.assert_array_equal(found[0].y, other.y)
    np.testing.assert_array_equal(found[1].states["h"], 2 * other.states["h"])
    np.testing.assert_array_equal(found[1].y, 0 * other.y)


def test_cells_without_biases_and_without_numbers_have_a_transpose_as_well():
    cells = (
        CellWeights(np.ones((4, 0, 2)), np.ones((4, 0, 0))),
        CellWeights(np.ones((4, 1, 0)), np.ones((4, 1))),
    )
    found = pull_back(lambda params: params, cells, like=cells)
    assert [cell.w_ih.shape for cell in found] == [(4, 0, 2), (4, 1, 0)]
    assert found[1].b_hh is None


def test_a_number_that_is_only_moved_is_not_rounded():
    lift = make_rounding(RoundingModel(2.0**-8), 3, 0).lift
    d = lift(np.arange(1.0, 5)) * 1.5
    twice = np.concatenate([d, d[:1]])
    found = pull_back(lambda a: np.concatenate([a[::-1], a[3:]]), twice, like=d)
    np.testing.assert_array_equal(found.values[:3], d.values[1:][::-1])
    assert (found.values[3] != d.values[0] + d.values[0]).any()  # a sum rounds
