"""A recipe's constants, how biases are trained, and what an answer of training has to look like."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity.errors import Unsupported
from gateparity.layouts import D2L, FLAX, KERAS, MXNET, TORCH
from gateparity.network.config import Config
from gateparity.network.parameters import build_parameters
from gateparity.packing.array_spec import ArraySpec
from gateparity.packing.layout import Layout
from gateparity.protocol.biases import frozen_names, tie_biases
from gateparity.protocol.training import Examples, Recipe, Training, TrainingState, check_training

SHIPPED = (D2L, TORCH, KERAS, FLAX, MXNET)
PAIRED = Layout(
    "paired", (*TORCH.tensors[:2], ArraySpec("b{layer}", "b_pair", "(gate side hidden)"))
)


@pytest.mark.parametrize("name", ["rate", "momentum", "beta_1", "beta_2", "epsilon", "clip"])
@pytest.mark.parametrize("value", [0.1, -1.0, 1e-8, float("nan"), float("inf"), 1e300])
def test_a_constant_that_float32_does_not_hold_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"{name} is .*, expected a number of at least 0"):
        Recipe(**{name: value})


@pytest.mark.parametrize("name", ["loss", "optimizer", "biases"])
def test_an_unknown_word_is_refused_by_name(name):
    with pytest.raises(ValueError, match=f"{name} is 'nesterov', expected one of"):
        Recipe(**{name: "nesterov"})


def test_every_default_is_held_by_float32():
    recipe = Recipe()
    for name in ("rate", "momentum", "beta_1", "beta_2", "epsilon"):
        assert float(np.float32(getattr(recipe, name))) == getattr(recipe, name)


def test_tied_biases_freeze_a_second_bias_where_there_is_one():
    config = Config(3, 4, layers=2)
    frozen = {layout.name: frozen_names(layout, config, "tied") for layout in SHIPPED}
    assert frozen["torch"] == {"bias_hh_l0", "bias_hh_l1"}
    assert frozen["mxnet"] == {"l0_h2h_bias", "l1_h2h_bias"}
    assert frozen["d2l"] == frozen["keras"] == frozen["flax"] == set()


def test_separate_biases_are_all_trained():
    assert frozen_names(TORCH, Config(3, 4), "separate") == set()


@pytest.mark.parametrize("biases", ["tied", "separate"])
def test_zeros_that_stand_in_for_no_biases_are_not_trained(biases):
    frozen = frozen_names(FLAX, Config(3, 4, biases=False), biases)
    assert {name.rpartition("/")[2] for name in frozen} == {"bias"}
    assert len(frozen) == 4


def test_two_biases_in_one_array_can_not_be_tied():
    with pytest.raises(Unsupported, match="paired keeps two biases in one array"):
        frozen_names(PAIRED, Config(3, 4), "tied")


def test_tied_biases_have_the_same_sum():
    config = Config(3, 4, dtype="float64")
    generator = np.random.default_rng(0)
    params = build_parameters(config, lambda _, shape: generator.normal(size=shape))
    (cell,) = params
    (tied,) = tie_biases(params)
    np.testing.assert_array_equal(tied.b_ih, cell.b_ih + cell.b_hh)
    assert not tied.b_hh.any()
    assert tied.w_ih is cell.w_ih


def test_an_answer_of_another_shape_is_refused_by_name():
    config = Config(2, 3)
    state = TrainingState({"w": np.ones((2, 2), "float32")})
    batches = [Examples(np.zeros((1, 1)), np.zeros((1, 1)))] * 2
    good = Training(*[np.ones(2, "float32")] * 2, dataclasses.replace(state, step=2))
    check_training(good, config, state, batches)
    short = dataclasses.replace(good, norms=np.ones(1, "float32"))
    other = dataclasses.replace(good, state=TrainingState({"w": np.ones(2, "float32")}, step=2))
    early = dataclasses.replace(good, state=state)
    for wrong, words in ((short, "norms"), (other, "trained w"), (early, "trained for 0 steps")):
        with pytest.raises(ValueError, match=words):
            check_training(wrong, config, state, batches)
