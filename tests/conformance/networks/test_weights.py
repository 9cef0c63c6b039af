"""Weights of two layers compared: equal, or named by the mistake, its layer and its direction."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import gateparity
from gateparity import Config
from gateparity.conformance.networks.weights import compare_weights
from gateparity.network.parameters import build_parameters, fields

CONFIG = Config(3, 4, layers=2, directions=2)
GENERATOR = np.random.default_rng(0)
PARAMS = build_parameters(CONFIG, lambda _, shape: GENERATOR.normal(size=shape).astype("float32"))


def _in(cells, change):
    return tuple(change(cell) if k in cells else cell for k, cell in enumerate(PARAMS))


def _packed(order):
    there = ["ifgo".index(gate) for gate in order]
    return lambda cell: dataclasses.replace(cell, **{n: a[there] for n, a in fields(cell).items()})


def _without(name):
    return lambda cell: dataclasses.replace(cell, **{name: np.zeros_like(getattr(cell, name))})


def _transposed(cell):
    return dataclasses.replace(cell, w_hh=cell.w_hh.swapaxes(1, 2))


def _merged(cell):
    b = cell.b_ih + cell.b_hh
    return dataclasses.replace(cell, b_ih=b, b_hh=np.zeros_like(b))


def test_a_bias_that_was_merged_is_no_difference():
    assert compare_weights(PARAMS, _in(range(4), _merged), CONFIG) is None


def test_a_difference_beyond_the_rounding_of_a_sum_is_one():
    moved = dataclasses.replace(PARAMS[0], b_ih=PARAMS[0].b_ih + np.float32(1e-5))
    assert compare_weights(PARAMS, (moved, *PARAMS[1:]), CONFIG).cells == (0,)


@pytest.mark.parametrize(
    ("cells", "change", "words"),
    [
        ((2, 3), _packed("iofg"), "the gates of layer 1 in the order i, o, f, g"),
        (range(4), _packed("fiog"), "the gates in the order f, i, o, g"),
        (range(4), _without("b_hh"), "the recurrent bias left out"),
        ((1, 3), _transposed, "W_hh of the reverse direction transposed"),
        ((1,), _transposed, "W_hh of layer 0, reverse, transposed"),
        (
            range(4),
            lambda cell: _packed("ifog")(_without("b_hh")(cell)),
            "the recurrent bias left out, and with the gates in the order i, f, o, g",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(cells, change, words):
    found = compare_weights(PARAMS, _in(cells, change), CONFIG).sentence
    assert found.startswith("b is a with ")
    assert sorted(found.removeprefix("b is a with ").split(", and with ")) == sorted(
        words.split(", and with ")
    )


def test_two_layers_with_different_mistakes_are_named_each():
    wrong = (_transposed(PARAMS[0]), *PARAMS[1:3], _without("b_hh")(PARAMS[3]))
    assert compare_weights(PARAMS, wrong, CONFIG).sentence == (
        "b is a in layer 0, forward, with W_hh transposed; "
        "in layer 1, reverse, with the recurrent bias left out"
    )


def test_directions_that_changed_places_are_named():
    found = compare_weights(PARAMS, (PARAMS[1], PARAMS[0], PARAMS[3], PARAMS[2]), CONFIG)
    assert "forward and reverse weights" in found.sentence


def test_what_is_read_is_a_network_too():
    weights = gateparity.Weights(CONFIG, PARAMS)
    run = gateparity.compare_live(weights, gateparity.read(weights))
    assert run.verdict == "agrees"
    assert [r.check for r in run.results if r.backend.label == "a"] == [
        "forward",
        "forward",
        "gradients",
        "gradients",
    ]


def test_the_message_begins_with_the_sentence_and_is_short():
    right = gateparity.Weights(CONFIG, PARAMS)
    wrong = gateparity.Weights(CONFIG, _in(range(4), _without("b_hh")))
    with pytest.raises(AssertionError) as error:
        gateparity.assert_parity(right, wrong)
    lines = str(error.value).splitlines()
    assert lines[0] == "b is a with the recurrent bias left out."
    assert len(lines) <= 25
