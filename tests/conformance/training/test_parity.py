"""Training within rounding: sound ones are, wrong ones are seen where they begin."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity.backends.numpy import equations as book
from gateparity.backends.numpy.scratch import Scratch
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.mistakes.backward import BACKWARD_MISTAKES
from gateparity.conformance.mistakes.equations import change_equations
from gateparity.conformance.mistakes.mistake import GRADIENTS
from gateparity.conformance.training.parity import judge_training, make_reference
from gateparity.conformance.training.problems import CALM, make_problem, run_problem
from gateparity.conformance.training.trainers import AdapterTrainer, ReferenceTrainer


def judged(problem, trainer, reference=None):
    return judge_training(run_problem(trainer, problem), reference or make_reference(problem, {}))


@dataclasses.dataclass(frozen=True)
class Instead:
    """NumPy's training under another recipe than the one asked for."""

    change: dict

    layout = Scratch.layout

    def train(self, config, state, batches, recipe):
        recipe = dataclasses.replace(recipe, **self.change)
        return Scratch().train(config, state, batches, recipe)

    def predict(self, *given):
        return Scratch().predict(*given)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CALM)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_sound_training_is_within_rounding_to_its_end(name, dtype, seed):
    problem = make_problem(name, dtype, seed)
    found = judged(problem, AdapterTrainer(Scratch()))
    assert not found.differs
    assert found.valid_epochs == len(problem.epochs)
    assert found.sigmas > 0.05  # and the budget isn't far too wide


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("sgd", {"clip": None}),
        ("sgd", {"clip": 0.125 + 2**-20}),
        ("sgd", {"rate": 0.5 + 2**-18}),
        ("momentum", {"momentum": 0.875 + 2**-16}),
        ("adam", {"epsilon": 2**-20}),
        ("adam", {"beta_1": 0.9375}),
        ("adam", {"optimizer": "sgd"}),
        ("carried", {"carry": False}),
    ],
)
def test_another_constant_is_seen(name, change):
    found = judged(make_problem(name, "float32"), AdapterTrainer(Instead(change)))
    assert found.differs
    assert "epoch 1" in found.differs


@pytest.fixture(scope="module")
def sgd():
    problem = make_problem("sgd", "float32")
    return problem, make_reference(problem, {})


ON_THE_WAY_BACK = [m for m in BACKWARD_MISTAKES if m.checks == GRADIENTS]  # of any LSTM


@pytest.mark.parametrize("mistake", ON_THE_WAY_BACK, ids=lambda mistake: mistake.name)
def test_a_mistake_of_the_catalogue_on_the_way_back_is_seen_at_step_1(sgd, mistake):
    problem, reference = sgd
    found = judged(problem, AdapterTrainer(mistake.apply(Truth()).scratch), reference)
    assert found.differs.startswith("norm of step 1 of epoch 1: found ")


def test_the_same_equations_without_a_mistake_are_within_rounding(sgd):
    problem, reference = sgd
    right = change_equations(lambda equations: equations)(Truth())
    assert not judged(problem, AdapterTrainer(right.scratch), reference).differs


def test_a_mistake_on_the_way_forth_is_seen_in_the_first_loss():
    def cell(Z_x, H, C, W_h):
        step = book.cell(Z_x, H, C, W_h)
        return dataclasses.replace(step, H=step.O * step.C)

    found = judged(make_problem("sgd", "float64"), AdapterTrainer(Scratch(cell=cell)))
    assert found.differs.startswith("loss of step 1 of epoch 1: found ")


def test_weights_that_are_not_updated_are_seen_after_the_first_epoch():
    class Lazy(Instead):
        def train(self, config, state, batches, recipe):
            found = super().train(config, state, batches, recipe)
            kept = {n: a for n, a in state.params.items() if n == "b_q"}
            after = dataclasses.replace(found.state, params={**found.state.params, **kept})
            return dataclasses.replace(found, state=after)

    found = judged(make_problem("sgd", "float32"), AdapterTrainer(Lazy({})))
    assert found.differs.startswith("b_q[0] after epoch 1: found 0, expected ")


def test_a_number_that_is_not_finite_is_never_within_rounding():
    problem = make_problem("sgd", "float32")
    found = run_problem(AdapterTrainer(Scratch()), problem)
    found["loss 3"] = found["loss 3"] * np.nan
    verdict = judge_training(found, make_reference(problem, {}))
    assert verdict.sigmas == np.inf
    assert verdict.differs.startswith("loss of step 1 of epoch 3: found nan")


def test_the_truth_of_two_biases_is_another_training():
    problem = make_problem("momentum", "float32")
    one, two = (run_problem(ReferenceTrainer(copies=count), problem) for count in (1, 2))
    assert one["loss 1"][0] == two["loss 1"][0]
    assert one["norm 1"][0] < two["norm 1"][0]
    assert np.abs(one["b of cell 0 1"] - two["b of cell 0 1"]).max() > 1e-3


def test_the_budget_says_how_far_it_vouches():
    problem = make_problem("wild sgd", "float32", epochs=24)
    reference = make_reference(problem, {})
    assert 8 < reference.valid_epochs < 24
    verdict = judged(problem, AdapterTrainer(Scratch()), reference)
    assert not verdict.differs
    assert verdict.valid_epochs == reference.valid_epochs
    beyond = f"w_hh of cell 0 {reference.valid_epochs + 2}"
    apart = run_problem(AdapterTrainer(Scratch()), problem)[beyond] - reference.truth[beyond]
    assert np.abs(apart).max() > 1e-3  # two sound trainings, and nothing is said of it
