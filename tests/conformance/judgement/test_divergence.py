"""Where a difference begins, in the order in which things are computed."""

from __future__ import annotations

import numpy as np
import pytest

from gateparity.conformance.judgement.divergence import cell_words, locate
from gateparity.network.config import Config

STEPS, SIZE, INPUTS, HIDDEN, ALLOWED = 5, 3, 4, 6, 8.0
ONE, DEEP = Config(INPUTS, HIDDEN), Config(INPUTS, HIDDEN, layers=2, directions=2)
SHAPES = {
    "z": (STEPS, 4, SIZE, HIDDEN),
    "gates": (STEPS, 4, SIZE, HIDDEN),
    "c": (STEPS, SIZE, HIDDEN),
    "h": (STEPS, SIZE, HIDDEN),
}


def trace(config):
    return {name: np.zeros((config.cells, *shape)) for name, shape in SHAPES.items()}


def outputs(config):
    states = (config.cells, SIZE, HIDDEN)
    shapes = {"y": (STEPS, SIZE, config.output_size), "h_n": states, "c_n": states}
    return {name: np.zeros(shape) for name, shape in shapes.items()}


def begin(ratios, config, *places, by=10.0):
    """What is located after these elements are beyond rounding."""
    for name, index in places:
        ratios[name][index] = by
    return locate(ratios, config, ALLOWED)


@pytest.mark.parametrize("config", [ONE, DEEP])
def test_nothing_differs(config):
    assert locate(trace(config) | outputs(config), config, ALLOWED) is None
    assert locate({}, config, ALLOWED) is None


def test_what_is_allowed_is_no_difference():
    assert begin(trace(ONE), ONE, ("c", (0, 1, 0, 0)), by=ALLOWED) is None
    assert begin(trace(ONE), ONE, ("c", (0, 1, 0, 0)), by=np.nextafter(ALLOWED, 9)) is not None


@pytest.mark.parametrize("by", [np.inf, np.nan])
def test_what_is_not_finite_differs(by):
    found = begin(trace(ONE), ONE, ("c", (0, 1, 2, 3)), by=by)
    assert (found.array, found.words, found.differing) == ("c", "layer 0, step 1, c", 1)


def test_within_a_step_in_the_order_of_the_equations():
    """Whatever comes later, larger or not, is a consequence."""
    order = [
        ("z", (0, 2, 3, 1, 4), "layer 0, step 2, gate o, pre-activation"),
        ("gates", (0, 2, 1, 1, 4), "layer 0, step 2, gate f, activation"),
        ("c", (0, 2, 1, 4), "layer 0, step 2, c"),
        ("h", (0, 2, 1, 4), "layer 0, step 2, h"),
    ]
    for k, (name, index, words) in enumerate(order):
        ratios = trace(ONE)
        for later, (other, place, _) in enumerate(order[k:]):
            ratios[other][place] = 10.0 + later
        found = locate(dict(reversed(ratios.items())), ONE, ALLOWED)
        assert (found.array, found.index, found.words) == (name, index, words)


def test_gates_in_canonical_order():
    places = [("gates", (0, 2, gate, 0, 0)) for gate in (3, 2, 1)]
    assert begin(trace(ONE), ONE, *places).words == "layer 0, step 2, gate f, activation"


def test_an_earlier_step_comes_first():
    found = begin(trace(ONE), ONE, ("z", (0, 3, 0, 0, 0)), ("h", (0, 1, 0, 0)))
    assert (found.array, found.words) == ("h", "layer 0, step 1, h")


def test_the_reverse_direction_begins_at_the_last_step():
    found = begin(trace(DEEP), DEEP, ("c", (1, 0, 0, 0)), ("c", (1, STEPS - 2, 0, 0)))
    assert found.words == f"layer 0, reverse, step {STEPS - 2}, c"


def test_a_lower_layer_comes_first():
    found = begin(trace(DEEP), DEEP, ("z", (2, 0, 0, 0, 0)), ("h", (1, 0, 0, 0)))
    assert found.words == "layer 0, reverse, step 0, h"


def test_the_worst_element_of_that_moment_is_shown():
    ratios = trace(ONE)
    ratios["c"][0, 1, 0, 0], ratios["c"][0, 1, 2, 5], ratios["c"][0, 4] = 9.0, 20.0, 1000.0
    found = locate(ratios, ONE, ALLOWED)
    assert found.index == (0, 1, 2, 5)
    assert found.differing == 2 + SIZE * HIDDEN
    assert found.size == ratios["c"].size


def test_outputs_are_those_of_the_top_layer():
    ratios = outputs(DEEP)
    assert begin(ratios, DEEP, ("y", (3, 1, 2))).words == "layer 1, forward, step 3, h"
    ratios = outputs(DEEP)
    found = begin(ratios, DEEP, ("y", (3, 1, HIDDEN + 2)))
    assert (found.words, found.index) == ("layer 1, reverse, step 3, h", (3, 1, HIDDEN + 2))


def test_outputs_run_as_their_direction_does():
    there = [("y", (step, 0, 0)) for step in (3, 4)]
    assert begin(outputs(DEEP), DEEP, *there).words == "layer 1, forward, step 3, h"
    back = [("y", (step, 0, HIDDEN)) for step in (0, 2)]
    assert begin(outputs(DEEP), DEEP, *back).words == "layer 1, reverse, step 2, h"
    found = begin(outputs(DEEP), DEEP, ("y", (2, 0, 0)), ("y", (3, 0, HIDDEN)))
    assert found.words == "layer 1, reverse, step 3, h"  # the second that it computes


def test_final_states_come_after_outputs():
    found = begin(outputs(DEEP), DEEP, ("h_n", (0, 0, 0)), ("y", (4, 0, 0)))
    assert found.array == "y"
    found = begin(outputs(DEEP), DEEP, ("h_n", (3, 0, 0)), ("c_n", (2, 1, 1)))
    assert (found.array, found.words) == ("c_n", "layer 1, forward, c_n")


def test_gradients_come_from_the_last_step():
    ratios = {"d_x": np.zeros((STEPS, SIZE, INPUTS))}
    found = begin(ratios, ONE, ("d_x", (0, 0, 0)), ("d_x", (3, 0, 1)), ("d_x", (2, 0, 0)))
    assert (found.words, found.index) == ("the gradient of x at step 3", (3, 0, 1))


def test_outputs_before_gradients():
    ratios = outputs(ONE) | {"d_x": np.full((STEPS, SIZE, INPUTS), 99.0)}
    assert begin(ratios, ONE, ("c_n", (0, 0, 0))).array == "c_n"


def test_an_unknown_name_is_its_own_word():
    ratios = {"d_h_0": np.zeros((1, SIZE, HIDDEN)), "1 + b of layer 0": np.zeros((4, HIDDEN))}
    found = begin(ratios, ONE, ("1 + b of layer 0", (2, 1)))
    assert (found.words, found.index, found.growth) == ("1 + b of layer 0", (2, 1), ())


def test_a_name_with_words_after_it_is_what_it_is_a_name_of():
    found = begin({"y, step by step": outputs(ONE)["y"]}, ONE, ("y, step by step", (1, 0, 0)))
    assert (found.array, found.words) == ("y, step by step", "layer 0, step 1, h")


@pytest.mark.parametrize("name", ["y", "h_n", "c", "d_x"])
def test_an_array_of_another_rank_is_taken_whole(name):
    found = begin({name: np.zeros(7)}, ONE, (name, (3,)))
    assert (found.words, found.index, found.differing, found.size) == (name, (3,), 1, 7)


def test_growth_has_the_worst_of_each_step():
    ratios = trace(ONE)
    for step, worst in enumerate((1.0, 9.0, 30.0, 5.0, 90.0)):
        ratios["z"][0, step, 2, 1, 1] = worst
        ratios["z"][0, step, 3, 0, 0] = worst / 2
    found = locate(ratios, ONE, ALLOWED)
    assert found.words == "layer 0, step 1, gate g, pre-activation"
    assert found.growth == ((0, 1.0), (1, 9.0), (2, 30.0), (3, 5.0), (4, 90.0))


def test_growth_of_outputs_and_of_final_states():
    ratios = outputs(DEEP)
    ratios["y"][:, 2, HIDDEN] = 10, 20, 30, 40, 50
    assert locate(ratios, DEEP, ALLOWED).growth == tuple(enumerate((10, 20, 30, 40, 50)))
    assert begin(outputs(DEEP), DEEP, ("h_n", (0, 0, 0))).growth == ()


def test_arrays_of_no_elements():
    ratios = {"y": np.zeros((0, SIZE, HIDDEN)), "d_x": np.zeros((STEPS, 0, INPUTS))}
    assert locate(ratios, ONE, ALLOWED) is None


def test_cells_have_names():
    assert [cell_words(k, ONE) for k in range(1)] == ["layer 0"]
    names = [f"layer {k}, {way}" for k in (0, 1) for way in ("forward", "reverse")]
    assert [cell_words(k, DEEP) for k in range(4)] == names


@pytest.mark.parametrize(
    ("name", "shape", "index", "words"),
    [
        ("z", (4, STEPS, 4, SIZE, HIDDEN), (0, 2, 1, 1, 4), "sequence 1, unit 4"),
        ("h", (4, STEPS, SIZE, HIDDEN), (3, 2, 1, 4), "sequence 1, unit 4"),
        ("y", (STEPS, SIZE, 2 * HIDDEN), (3, 1, HIDDEN + 2), "sequence 1, unit 2"),
        ("c_n", (4, SIZE, HIDDEN), (1, 2, 5), "sequence 2, unit 5"),
        ("d_x", (STEPS, SIZE, INPUTS), (3, 0, 1), "sequence 0, input 1"),
        ("d_c_0", (4, SIZE, HIDDEN), (1, 2, 5), "layer 0, reverse, sequence 2, unit 5"),
        ("d_w_ih of layer 0", (4, HIDDEN, INPUTS), (1, 2, 3), "gate f, unit 2, input 3"),
        (
            "d_w_hh of layer 0, reverse",
            (4, HIDDEN, HIDDEN),
            (3, 2, 5),
            "gate o, unit 2, from unit 5",
        ),
        ("1 + b of layer 0", (4, HIDDEN), (2, 1), "gate g, unit 1"),
        ("d_b_ih of layer 0, with units permuted", (4, HIDDEN), (0, 1), "gate i, unit 1"),
        ("x with steps and sequences in one axis", (), (), ""),
    ],
)
def test_an_element_is_told_by_gate_sequence_and_unit(name, shape, index, words):
    assert begin({name: np.zeros(shape)}, DEEP, (name, index)).element == words


def test_the_words_beside_an_arrays_name_do_not_repeat_it():
    gradient = begin({"d_b_ih of layer 0": np.zeros((4, 6))}, ONE, ("d_b_ih of layer 0", (0, 1)))
    assert gradient.inside == "gate i, unit 1"
    assert (
        begin(trace(ONE), ONE, ("c", (0, 1, 2, 3))).inside
        == "layer 0, step 1, c, sequence 2, unit 3"
    )
